import math
import random

import pytest
import torch

from nat_core.architecture.spaces import SPACES
from nat_core.architecture.transitions import is_legal
from nat_core.learning.image_training.weight_training import (
    cosine,
    draw_architecture,
    set_learning_rate,
    shared_weights_sgd,
    weight_step,
)
from nat_core.network.config import NetworkConfig
from nat_core.network.supernet import Supernet
from tests.learning.image_training.cases import tiny_images

SPACE = SPACES["fully_concat"]
CONFIG = NetworkConfig("cifar", channels=4, layers=2, resolution=8, classes=10)


def new_supernet(device="cpu"):
    torch.manual_seed(0)
    return Supernet(SPACE, CONFIG).to(device)


def batch(count=32, device="cpu"):
    part = tiny_images().weights[:count].to(device)
    return tiny_images().normalised(part.images), part.labels


def sampled(seed=0):
    return SPACE.sample(random.Random(seed))


def snapshot(supernet):
    return {name: parameter.detach().clone() for name, parameter in supernet.named_parameters()}


def test_the_classifier_learns_twenty_times_more_slowly():
    supernet = new_supernet()
    sgd = shared_weights_sgd(supernet, 0.04)
    body, classifier = sgd.param_groups
    assert (body["lr"], classifier["lr"]) == pytest.approx((0.04, 0.002))
    assert (body["momentum"], body["weight_decay"]) == (0.9, 3e-4)
    assert len(body["params"]) + len(classifier["params"]) == len(list(supernet.parameters()))
    assert [tuple(parameter.shape) for parameter in classifier["params"]] == [(10, 4 * 16), (10,)]
    set_learning_rate(sgd, 0.1)
    assert [group["lr"] for group in sgd.param_groups] == pytest.approx([0.1, 0.005])


def test_a_step_is_that_of_sgd_by_hand():
    supernet = new_supernet()
    sgd = shared_weights_sgd(supernet, 0.02)
    before, (images, labels) = snapshot(supernet), batch()
    loss = torch.nn.functional.cross_entropy(supernet(images, sampled()), labels)
    names = [name for name, _ in supernet.named_parameters()]
    gradients = torch.autograd.grad(loss, supernet.parameters(), allow_unused=True)
    metrics = weight_step(supernet, sgd, images, labels, sampled(), longest_gradient=1e9)
    assert metrics["weight_loss"] == pytest.approx(loss.item(), rel=1e-5)
    for name, parameter, gradient in zip(names, supernet.parameters(), gradients, strict=True):
        rate = 0.001 if name.startswith("classifier") else 0.02
        expected = before[name] if gradient is None else before[name] - rate * (gradient + 3e-4 * before[name])
        assert torch.allclose(parameter, expected, atol=1e-6), name


def test_unused_weights_are_untouched_in_spite_of_momentum_and_decay():
    supernet = new_supernet()
    sgd = shared_weights_sgd(supernet)
    weight_step(supernet, sgd, *batch(), sampled(0))
    first = {name for name, parameter in supernet.named_parameters() if parameter.grad is not None}
    before = snapshot(supernet)
    weight_step(supernet, sgd, *batch(), sampled(1))
    second = {name for name, parameter in supernet.named_parameters() if parameter.grad is not None}
    assert first - second
    for name, parameter in supernet.named_parameters():
        assert torch.equal(parameter, before[name]) == (name not in second), name


def test_a_long_gradient_is_shortened():
    supernet = new_supernet()
    sgd = shared_weights_sgd(supernet, 1.0, classifier_rate=1.0, weight_decay=0.0)
    before = snapshot(supernet)
    weight_step(supernet, sgd, *batch(), sampled(), longest_gradient=0.01)
    moved = sum((parameter - before[name]).square().sum() for name, parameter in supernet.named_parameters())
    assert math.sqrt(moved.item()) == pytest.approx(0.01, rel=1e-3)


def test_accuracy_is_that_of_the_batch():
    supernet = new_supernet()
    images, labels = batch()
    expected = (supernet(images, sampled()).argmax(1) == labels).double().mean().item()
    metrics = weight_step(supernet, shared_weights_sgd(supernet), images, labels, sampled())
    assert metrics["weight_accuracy_percent"] == pytest.approx(100 * expected)


def test_gradients_are_shared_before_they_are_applied():
    supernet = new_supernet()
    sgd = shared_weights_sgd(supernet, weight_decay=0.0)
    before = snapshot(supernet)

    def silence(parameters):
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.zero_()

    weight_step(supernet, sgd, *batch(), sampled(), share_gradients=silence)
    assert all(torch.equal(parameter, before[name]) for name, parameter in supernet.named_parameters())


def test_it_learns(device):
    supernet, (images, labels) = new_supernet(device), batch(64, device)
    sgd = shared_weights_sgd(supernet, 0.05, classifier_rate=1.0)
    rng = random.Random(0)
    pool = [draw_architecture(SPACE, rng) for _ in range(3)]
    losses = [weight_step(supernet, sgd, images, labels, rng.choice(pool))["weight_loss"] for _ in range(40)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_a_loss_that_is_not_finite_changes_nothing():
    supernet = new_supernet()
    sgd = shared_weights_sgd(supernet, 0.3)
    before, (images, labels) = snapshot(supernet), batch()
    with pytest.raises(
        ValueError, match=r"the loss of the shared weights is nan: they diverged; the learning rate is 0\.3"
    ):
        weight_step(supernet, sgd, images * math.nan, labels, sampled())
    assert all(torch.equal(parameter, before[name]) for name, parameter in supernet.named_parameters())


def test_cosine():
    assert [cosine(0.2, done) for done in (0, 0.5, 1)] == pytest.approx([0.2, 0.1, 0])


def test_drawn_architectures_are_uniform_or_transformed():
    uniform = [draw_architecture(SPACE, random.Random(seed), transformed_share=0) for seed in range(50)]
    transformed = [draw_architecture(SPACE, random.Random(seed), transformed_share=1) for seed in range(50)]
    assert uniform == [SPACE.sample(random.Random(seed)) for seed in range(50)]
    for before, after in zip(uniform, transformed, strict=True):
        assert all(map(is_legal, before.operations, after.operations))
        assert [edge[1:] for _, edge in before.edges] == [edge[1:] for _, edge in after.edges]
    cheap = [sum(operation in ("skip_connect", "null") for item in some for operation in item.operations)
             for some in (uniform, transformed)]  # fmt: skip
    assert cheap[1] > 2 * cheap[0]
    mixed = [draw_architecture(SPACE, random.Random(seed), transformed_share=0.5) for seed in range(50)]
    assert 10 < sum(one != other for one, other in zip(uniform, mixed, strict=True)) < 40

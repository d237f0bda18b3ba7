"""One network trained from scratch: what a step does, what a verdict is."""

import math
from dataclasses import replace

import pytest
import torch

from nat_core.learning.scratch.state import new_state
from nat_core.learning.scratch.training import Trainer, total_loss, training_part
from tests.learning.scratch.cases import TINY, coloured_images, named


@pytest.fixture(scope="module")
def data():
    return coloured_images()


def begin(budget, data, name="NAT_DARTS", seed=0, device="cpu"):
    data = data.to(device)
    network = budget.network(len(data.classes))
    return Trainer(budget, data), new_state(named(name)[0].architecture, network, budget, seed, device)


def flat(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def train(budget, data, name="NAT_DARTS", device="cpu"):
    trainer, state = begin(budget, data, name, device=device)
    reports = []
    while state.step < trainer.steps:
        trainer.step(state)
        if state.step % trainer.steps_per_epoch == 0:
            reports.append(trainer.report(state))
    return trainer, state, reports


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("NAT_DARTS", {}),
        ("ENAS", {"precision": "bfloat16"}),
        ("cell", {"family": "nasbench201"}),
    ],
)
def test_it_learns(data, name, changes, device):
    budget = replace(
        TINY, **{"epochs": 12, "learning_rate": 0.1, "drop_path": 0.1, "channels": 4, "layers": 3, **changes}
    )
    trainer, state, reports = train(budget, data, name, device)
    assert reports[-1]["loss"] < 0.6 * reports[0]["loss"]
    assert trainer.evaluate(state.network).accuracy > 80  # chance is 33 %


def test_the_auxiliary_loss_counts_by_its_weight():
    labels = torch.tensor([0, 1])
    sure, unsure = torch.tensor([[50.0, 0.0], [0.0, 50.0]]), torch.zeros(2, 2)
    assert total_loss(sure, None, labels, 0.4).item() == pytest.approx(0)
    assert total_loss(sure, unsure, labels, 0.4).item() == pytest.approx(0.4 * math.log(2))
    assert total_loss(unsure, unsure, labels, 0.4).item() == pytest.approx(1.4 * math.log(2))
    # Smoothed by 0.2 the right class has 0.9 of the target: 0.1 · 50 nats are lost on the wrong one.
    assert total_loss(sure, None, labels, 0.4, label_smoothing=0.2).item() == pytest.approx(5)


def test_the_auxiliary_head_learns_and_is_no_part_of_the_verdict():
    budget = replace(TINY, resolution=32, layers=3, auxiliary=True, epochs=1)
    data = coloured_images(count=12, side=32)
    trainer, state = begin(budget, data)
    before = {name: value.clone() for name, value in state.network.auxiliary.named_parameters()}
    trainer.step(state)
    assert all(not torch.equal(before[name], value) for name, value in state.network.auxiliary.named_parameters())
    accuracy = trainer.evaluate(state.network)
    for value in state.network.auxiliary.parameters():
        value.data.fill_(float("nan"))
    assert trainer.evaluate(state.network) == accuracy


def test_a_step_follows_schedule_clip_and_decay(data):
    budget = replace(TINY, learning_rate=0.5, weight_decay=0.0, momentum=0.0, gradient_clip=1e-3, drop_path=0.5)
    trainer, state = begin(budget, data)
    for step in range(trainer.steps_per_epoch + 1):
        before = flat(state.network)
        trainer.step(state)
        moved = (flat(state.network) - before).norm().item()
        assert moved == pytest.approx(budget.learning_rate_at(step, trainer.steps_per_epoch) * 1e-3, rel=1e-2)
    assert state.network.drop_path.probability == 0.25  # the second epoch of two


def test_an_epoch_takes_every_image_once_but_a_lone_last_one(data):
    assert [Trainer(replace(TINY, batch=size), data).steps_per_epoch for size in (8, 10, 29, 28, 64)] == [4, 3, 1, 2, 1]
    trainer, state = begin(TINY, data)
    for _ in range(trainer.steps_per_epoch):
        trainer.step(state)
    assert sorted(state.order.tolist()) == list(range(30))
    assert state.pending[2].item() == 30
    assert state.pending[0].item() / 30 == trainer.report(state)["loss"]
    assert not state.pending.any()


def test_evaluation_changes_nothing(data):
    trainer, state = begin(TINY, data)
    trainer.step(state)
    before = {name: value.clone() for name, value in state.network.state_dict().items()}
    assert trainer.evaluate(state.network) == trainer.evaluate(state.network)
    assert all(torch.equal(before[name], value) for name, value in state.network.state_dict().items())
    assert trainer.evaluate(state.network, lambda: True) is None


def test_the_verdict_is_the_share_of_right_answers(data):
    trainer, _ = begin(TINY, data)

    class Constant(torch.nn.Module):
        def forward(self, images):
            return torch.tensor([0.0, 1.0, 0.0]).expand(len(images), 3)

    assert trainer.evaluate(Constant()).accuracy == pytest.approx(100 / 3)


def test_which_images_are_trained_on(data):
    def labels(**changes):
        return training_part(data, replace(TINY, **changes)).labels

    assert [len(labels(trained_on=name)) for name in ("all", "fitting", "weights", "rewards")] == [30, 27, 12, 15]
    assert labels(images_per_class=4).bincount().tolist() == [4, 4, 4]
    assert len(labels(images_per_class=100)) == 30
    assert Trainer(replace(TINY, trained_on="fitting", judged_on="selection"), data).evaluated is data.selection


def test_the_seed_decides_and_global_random_state_does_not_change(data):
    before = torch.get_rng_state()
    weights = []
    for seed in (1, 1, 2):
        trainer, state = begin(TINY, data, seed=seed)
        trainer.step(state)
        weights.append(flat(state.network))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_a_diverged_training_is_told(data):
    trainer, state = begin(TINY, data)
    state.network.classifier[-1].weight.data.fill_(float("nan"))
    trainer.step(state)
    with pytest.raises(ValueError, match="diverged in epoch 1 of 2; a learning rate below"):
        trainer.report(state)

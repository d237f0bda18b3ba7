import random
from dataclasses import replace

import pytest
import torch

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies import shared_weights
from nat_core.learning.accuracies.shared_weights import SharedWeightAccuracy
from nat_core.learning.accuracy import AccuracySource
from nat_core.network.config import NetworkConfig
from nat_core.network.supernet import Supernet
from tests.learning.image_training.cases import tiny_images

SPACE = SPACES["fully_concat"]
CONFIG = NetworkConfig("cifar", channels=4, layers=2, resolution=8, classes=10)


@pytest.fixture(scope="module")
def supernet():
    torch.manual_seed(0)
    return Supernet(SPACE, CONFIG)


def source(supernet, part=None, **options):
    return SharedWeightAccuracy(supernet, tiny_images(), part or tiny_images().selection, **options)


def sampled(count, seed=0):
    rng = random.Random(seed)
    return [SPACE.sample(rng) for _ in range(count)]


def test_accuracies_are_those_of_standalone_networks_batch_by_batch(supernet):
    judge = source(supernet, tiny_images().selection[:100], batch=40)
    for architecture in sampled(3):
        network, correct = supernet.standalone(architecture), 0
        for start in (0, 40):  # 20 images do not fill a batch
            images = tiny_images().normalised(tiny_images().selection.images[start : start + 40])
            correct += (network(images).argmax(1) == tiny_images().selection.labels[start : start + 40]).sum().item()
        assert judge.accuracy_percent([architecture]) == pytest.approx([100 * correct / 80])


def test_it_is_a_stable_source(supernet):
    judge = source(supernet)
    assert isinstance(judge, AccuracySource)
    assert (judge.kind, judge.stable) == ("shared-weight", True)
    architectures = sampled(4)
    together = judge.accuracy_percent(architectures)
    assert together.tolist() == [judge.accuracy_percent([item])[0] for item in architectures]
    assert together.tolist() == judge.accuracy_percent(architectures[::-1])[::-1].tolist()
    assert len(set(together.tolist())) > 1


def calls_during(supernet, action):
    """How often images are classified, and what the action returns."""
    calls = []
    handle = supernet.classifier.register_forward_hook(lambda *_: calls.append(1))
    result = action()
    handle.remove()
    return len(calls), result


def test_equal_architectures_are_evaluated_once(supernet):
    one, other = sampled(2)
    judge = source(supernet, batch=250)
    calls, values = calls_during(supernet, lambda: judge.accuracy_percent([one, other, one, one]))
    assert calls == 2
    assert values[0] == values[2] == values[3]


def test_any_number_of_architectures_is_evaluated_a_few_at_a_time(supernet, monkeypatch):
    judge, architectures = source(supernet, tiny_images().selection[:80], batch=40), sampled(5)
    expected = judge.accuracy_percent(architectures)
    monkeypatch.setattr(shared_weights, "_TOGETHER", 2)
    assert judge.accuracy_percent(architectures).tolist() == expected.tolist()
    assert judge.accuracy_percent([]).shape == (0,)


def test_architectures_that_differ_in_dead_edges_are_equal():
    def architecture(dead):
        edges = (Edge(dead, 0, 2), Edge("conv_3x3", 1, 3), Edge("null", 2, 3))  # node 2 reaches no output
        return Architecture(*[Cell(2, 4, edges, (3,))] * 2)

    supernet = Supernet(SPACES["loose_end"], CONFIG)
    judge = source(supernet, batch=250)
    pair = [architecture("conv_5x5"), architecture("skip_connect")]
    calls, values = calls_during(supernet, lambda: judge.accuracy_percent(pair))
    assert calls == 1
    assert values[0] == values[1]


def test_nothing_is_modified(supernet):
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    supernet.train()
    source(supernet).accuracy_percent(sampled(2))
    assert supernet.training
    assert all(torch.equal(before[name], tensor) for name, tensor in supernet.state_dict().items())
    assert all(parameter.grad is None for parameter in supernet.parameters())


def test_description_names_images_network_and_training(supernet):
    text = source(supernet, tiny_images().rewards[:300], batch=64, note="trained for 20 minutes").description
    assert text == (
        "256 rewards images of CIFAR-10 sample: 2,500 training and 500 test images of 10 classes, 8×8, split 0; "
        "CIFAR, C 4, L 2, 8×8, no auxiliary head; trained for 20 minutes"
    )


def test_every_device(supernet, device):
    data = tiny_images().to(device)
    net = Supernet(SPACE, CONFIG).to(device)
    net.load_state_dict(supernet.state_dict())
    there = SharedWeightAccuracy(net, data, data.selection).accuracy_percent(sampled(2))
    assert there == pytest.approx(source(supernet).accuracy_percent(sampled(2)), abs=4)


def test_what_cannot_be_evaluated_is_refused(supernet):
    other = SPACES["nasbench201"].sample(random.Random(0))
    judge = source(supernet)
    assert judge.mismatch(other) == supernet.mismatch(other)
    with pytest.raises(ValueError, match="architecture 1 cannot be evaluated: Fully-concat"):
        judge.accuracy_percent([*sampled(1), other])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 9}, "the shared weights are for images of 9 classes; these have 10"),
        ({"resolution": 16}, "the shared weights are for images of 16 pixels a side; these have 8"),
    ],
)
def test_images_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        source(Supernet(SPACE, replace(CONFIG, **changes)))


def test_a_single_image_has_no_statistics(supernet):
    for part, batch in ((tiny_images().selection, 1), (tiny_images().selection[:1], 64)):
        with pytest.raises(ValueError, match="batch norm's statistics need 2 or more"):
            source(supernet, part, batch=batch)

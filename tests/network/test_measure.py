import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nat_core.network.cost import OPERATORS, Cost, total
from nat_core.network.measure import measure
from nat_core.network.networks import build_network
from tests.support.random_networks import random_network


class TwoInputs(nn.Module):
    """A used and an unused convolution on two images."""

    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(2, 6, 1, bias=False)

    def forward(self, x, y):
        self.unused(y)
        return self.used(x)


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (nn.Conv2d(3, 8, 5, stride=2, padding=2), (1, 3, 9, 9), Cost(3 * 8 * 25 + 8, convolution=3 * 8 * 25 * 25)),
        (nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), (1, 8, 4, 4), Cost(72, convolution=72 * 16)),
        (nn.Linear(6, 5), (1, 6), Cost(35, linear=30)),
        (nn.BatchNorm2d(4), (1, 4, 3, 3), Cost(8, batch_norm=2 * 36)),
        (nn.BatchNorm2d(4, affine=False), (1, 4, 3, 3), Cost(0, batch_norm=36)),
        (nn.MaxPool2d(3, 2, 1), (1, 4, 7, 7), Cost(0, max_pool=9 * 4 * 16)),
        (nn.AvgPool2d(2), (1, 4, 6, 6), Cost(0, avg_pool=4 * 4 * 9)),
        (nn.AdaptiveAvgPool2d(1), (1, 4, 6, 6), Cost(0, global_pool=144)),
        (nn.Sequential(nn.ReLU(), nn.Flatten()), (1, 4, 6, 6), Cost()),
    ],
)
def test_by_hand(module, shape, expected):
    assert measure(module, shape) == expected


def test_what_is_executed_counts_even_if_unused():
    cost = measure(TwoInputs(), (1, 2, 5, 5), (1, 2, 3, 3))
    assert cost == Cost(2 * 4 * 9 + 4 + 12, convolution=2 * 4 * 9 * 25 + 12 * 9)


@pytest.mark.parametrize("module", [nn.Softmax(dim=1), nn.Sigmoid(), nn.LayerNorm(4)])
def test_an_operator_that_is_neither_counted_nor_free_is_refused(module):
    with pytest.raises(ValueError, match=f"no cost known for operators aten::.* of {type(module).__name__}"):
        measure(module, (2, 4))


def test_modes_and_outputs_survive_measuring():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2).eval()).train()
    network[1].eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    measure(network, (1, 1, 4, 4))
    assert [part.training for part in network.modules()] == [True, True, False]
    assert all(torch.equal(state[name], value) for name, value in network.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())


@pytest.mark.parametrize("seed", range(6))
def test_macs_are_half_of_what_torch_itself_counts(seed):
    architecture, config = random_network(seed)
    network = build_network(architecture, config).eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, config.resolution, config.resolution))
    assert measure(network, (1, 3, config.resolution, config.resolution)).macs * 2 == counter.get_total_flops()


def test_costs_add_and_are_values():
    one, other = Cost(1, 2, 3, 4, 5, 6, 7), Cost(10, 20, 30, 40, 50, 60, 70)
    assert one + other == total([one, other]) == Cost(11, 22, 33, 44, 55, 66, 77)
    assert total([]) == Cost()
    assert hash(one) == hash(Cost(1, 2, 3, 4, 5, 6, 7))
    assert one.macs == 5
    assert dict(one.operators) == dict(zip(OPERATORS, (2, 3, 4, 5, 6, 7), strict=True))
    with pytest.raises(TypeError):
        one.operators["linear"] = 0

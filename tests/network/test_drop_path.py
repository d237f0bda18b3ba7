import pytest
import torch

from nat_core.architecture.cell import Cell, Edge
from nat_core.architecture.library import find
from nat_core.network.config import NetworkConfig
from nat_core.network.modules import DropPath
from nat_core.network.networks import CellModule, build_network
from nat_core.network.plan import CellPlan


def drop_path(probability, seed=0):
    module = DropPath()
    module.probability, module.generator = probability, torch.Generator().manual_seed(seed)
    return module


def test_whole_images_are_dropped_and_the_mean_stays():
    dropped = drop_path(0.3)(torch.ones(20_000, 2, 1, 3))
    per_image = dropped.flatten(1)
    assert (per_image == per_image[:, :1]).all()
    assert sorted(dropped.unique().tolist()) == pytest.approx([0, 1 / 0.7])
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert (per_image[:, 0] == 0).double().mean().item() == pytest.approx(0.3, abs=0.015)


def test_it_is_off_in_evaluation_and_without_a_probability():
    x = torch.randn(50, 2, 3, 3)
    assert torch.equal(drop_path(0.0)(x), x)
    assert torch.equal(drop_path(0.9).eval()(x), x)


def test_the_generator_decides():
    x = torch.ones(100, 1, 1, 1)
    assert torch.equal(drop_path(0.5, seed=1)(x), drop_path(0.5, seed=1)(x))
    assert not torch.equal(drop_path(0.5, seed=1)(x), drop_path(0.5, seed=2)(x))


def test_precision_and_gradient_pass_through():
    x = torch.ones(64, 1, 1, 1, dtype=torch.bfloat16, requires_grad=True)
    y = drop_path(0.5)(x)
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert torch.equal(x.grad, y.detach())  # d(m·x)/dx = m, and x is 1


@pytest.mark.parametrize(("operation", "is_dropped"), [("skip_connect", False), ("max_pool_3x3", True)])
def test_identities_are_never_dropped(operation, is_dropped):
    cell = Cell(1, 2, (Edge(operation, 0, 1),), (1,), "sum")
    module = CellModule(cell, CellPlan("normal", 4, 8), drop_path=drop_path(0.5))
    assert ((module((torch.ones(40, 4, 8, 8),)) == 0).any().item()) is is_dropped


def test_a_skip_of_stride_2_is_dropped():
    cell = Cell(1, 2, (Edge("skip_connect", 0, 1),), (1,), "sum")
    module = CellModule(cell, CellPlan("reduction", 4, 8), drop_path=drop_path(0.5))
    assert (module((torch.randn(40, 4, 8, 8),)).flatten(1) == 0).all(dim=1).any()


def test_all_cells_share_one_and_the_state_stays_as_it_was():
    network = build_network(find("DARTS").architecture, NetworkConfig("cifar", 4, 3, 8, 10))
    assert all(cell.drop_path is network.drop_path for cell in network.cells)
    assert not any("drop_path" in name for name in network.state_dict())
    x = torch.randn(4, 3, 8, 8)
    before = network.eval()(x)
    network.drop_path.probability = 0.9
    assert torch.equal(network(x), before)

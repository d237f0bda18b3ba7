from dataclasses import replace

import pytest
import torch

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.library import library
from nat_core.network.config import NETWORKS, NetworkConfig
from nat_core.network.networks import CellModule, build_network
from nat_core.network.plan import CellPlan, plan_network
from tests.support.random_networks import random_network

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SMALL = NetworkConfig("cifar", channels=4, layers=3, resolution=32, classes=5)


def cell_module(*edges, inputs=1, nodes, output, combine="sum", name="normal"):
    cell = Cell(inputs, nodes, tuple(Edge(*edge) for edge in edges), output, combine)
    return CellModule(cell, CellPlan(name, channels=4, resolution=8)).eval()


def images(config, batch=2, device="cpu"):
    return torch.randn(batch, 3, config.resolution, config.resolution, device=device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("seed", range(30))
def test_random_networks_give_finite_logits(seed, device):
    architecture, config = random_network(seed)
    logits = build_network(architecture, config).to(device).eval()(images(config, device=device))
    assert logits.shape == (2, config.classes)
    assert logits.isfinite().all()


@pytest.mark.parametrize("seed", range(30))
def test_null_edges_own_nothing(seed):
    architecture, config = random_network(seed)
    cells = dict(architecture.cells)
    for module in build_network(architecture, config).cells:
        edges = module.cell.edges
        assert module.cell in cells.values()
        assert set(module.operations) == {str(i) for i, edge in enumerate(edges) if edge.operation != "null"}


@pytest.mark.parametrize("seed", range(60))
def test_dead_edges_change_nothing(seed):
    architecture, config = random_network(seed)
    raw = build_network(architecture, config).eval()
    effective = build_network(architecture.effective, config).eval()
    result = effective.load_state_dict(raw.state_dict(), strict=False)
    assert not result.missing_keys
    x = images(config)
    with torch.no_grad():
        assert torch.equal(raw(x), effective(x))


def test_nodes_sum_their_edges():
    x = torch.randn(1, 4, 8, 8)
    skip = "skip_connect"
    edges = [(skip, 0, 1), (skip, 0, 2), (skip, 1, 2), (skip, 0, 3), (skip, 1, 3), (skip, 2, 3)]
    assert torch.equal(cell_module(*edges, nodes=4, output=(3,))((x,)), 4 * x)  # x, 2x, x + x + 2x
    parallel = [(skip, 0, 1), (skip, 0, 1), (skip, 0, 1)]
    assert torch.equal(cell_module(*parallel, nodes=2, output=(1,))((x,)), 3 * x)


def test_outputs_concatenate_or_sum_in_the_order_given():
    x, y = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    edges = [("skip_connect", 0, 2), ("skip_connect", 1, 3)]
    concat = cell_module(*edges, inputs=2, nodes=4, output=(3, 2), combine="concat")
    assert torch.equal(concat((x, y)), torch.cat((y, x), dim=1))
    assert torch.equal(cell_module(*edges, inputs=2, nodes=4, output=(3, 2))((x, y)), x + y)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("name", "side"), [("normal", 9), ("reduction", 5)])
def test_an_input_in_the_output_comes_after_its_preprocessing_at_the_outputs_resolution(name, side, device):
    edges = (Edge("skip_connect", 1, 2), Edge("conv_1x1", 0, 2))
    reduction = replace(SMALL, layers=1, channels=2) if name == "reduction" else replace(SMALL, layers=4)
    cell = Cell(2, 3, edges, (0, 2, 1))
    plan = next(item for item in plan_network(Architecture(cell, cell), reduction).cells if item.name == name)
    module = CellModule(cell, plan).to(device).eval()
    earlier = tuple(torch.randn(2, block.in_channels, 9, 9, device=device) for block in plan.preprocess)
    with torch.no_grad():
        output = module(earlier)
        inputs = [block(x) for block, x in zip(module.preprocess, earlier, strict=True)]
        expected = [module.carried[str(i)](x) if name == "reduction" else x for i, x in enumerate(inputs)]
    assert output.shape == (2, 3 * plan.channels, side, side) and set(module.carried) <= {"0", "1"}
    first, _, last = output.chunk(3, dim=1)
    assert torch.equal(first, expected[0]) and torch.equal(last, expected[1])


@pytest.mark.parametrize(("name", "side"), [("normal", 9), ("reduction", 5)])
def test_a_node_of_null_edges_is_zeros_and_one_without_edges_is_left_out(name, side):
    cell = cell_module(
        ("null", 0, 2), ("max_pool_3x3", 1, 3), inputs=2, nodes=5, output=(2, 3, 4), combine="concat", name=name
    )
    y = cell((torch.rand(1, 4, 9, 9) + 1, torch.rand(1, 4, 9, 9) + 1))
    assert y.shape == (1, 8, side, side)
    assert not y[:, :4].any()
    assert (y[:, 4:] >= 1).all()


def test_a_node_of_zeros_can_be_a_source():
    cell = cell_module(("null", 0, 2), ("skip_connect", 2, 3), inputs=2, nodes=4, output=(3,), name="reduction")
    assert torch.equal(cell((torch.ones(1, 4, 9, 9),) * 2), torch.zeros(1, 4, 5, 5))


def test_only_edges_from_inputs_stride_in_a_reduction_cell():
    cell = cell_module(("skip_connect", 1, 2), ("max_pool_3x3", 2, 3), inputs=2, nodes=4, output=(3,), name="reduction")
    assert cell((torch.randn(1, 4, 8, 8),) * 2).shape == (1, 4, 4, 4)
    assert cell.operations["1"].stride == 1


def test_the_auxiliary_head_speaks_in_training_only():
    config = replace(SMALL, auxiliary=True)
    network = build_network(library()["DARTS"].architecture, config)
    logits, auxiliary_logits = network(images(config))
    assert logits.shape == auxiliary_logits.shape == (2, 5)
    calls = []
    network.auxiliary.register_forward_hook(lambda *_: calls.append(1))
    assert network.eval()(images(config)).shape == (2, 5)
    assert not calls
    assert build_network(library()["DARTS"].architecture, SMALL)(images(SMALL)).shape == (2, 5)


@pytest.mark.parametrize("device", DEVICES)
def test_every_parameter_learns(device):
    network = build_network(library()["NASNet-A"].architecture, replace(SMALL, auxiliary=True)).to(device)
    logits, auxiliary_logits = network(images(SMALL, batch=4, device=device))
    (logits.logsumexp(1).sum() + auxiliary_logits.logsumexp(1).sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("name", library())
def test_every_published_cell_can_be_built(name):
    logits = build_network(library()[name].architecture, SMALL).eval()(images(SMALL, batch=1))
    assert logits.isfinite().all()


def test_cells_that_do_not_fit_are_refused():
    single = Architecture(Cell(1, 2, (Edge("conv_3x3", 0, 1),), (1,), "sum"))
    with pytest.raises(ValueError, match="the CIFAR network needs a normal and a reduction cell of 2 inputs"):
        build_network(single, SMALL)
    with pytest.raises(ValueError, match="the NAS-Bench-201 network needs a single cell of 1 input"):
        build_network(library()["DARTS"].architecture, NETWORKS["nasbench201"])

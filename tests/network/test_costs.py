import random
import time
from dataclasses import replace
from math import floor

import numpy as np
import pytest
import torch

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.library import library
from nat_core.architecture.notation import parse
from nat_core.architecture.operations import INDEX, NAMES
from nat_core.architecture.spaces import SPACES
from nat_core.network import costs, measure
from nat_core.network.config import NETWORKS, NetworkConfig, usual_network
from nat_core.network.cost import Cost, total
from nat_core.network.costs import cost_model, operation_cost, operation_figure
from nat_core.network.networks import build_network
from tests.support import darts_family
from tests.support.random_networks import random_network

SMALL = NetworkConfig("cifar", channels=4, layers=3, resolution=16, classes=5)
NASBENCH201_CONVS = Architecture(
    Cell(1, 4, tuple(Edge("conv_3x3", s, t) for t in range(1, 4) for s in range(t)), (3,), "sum")
)


def architecture(name):
    return NASBENCH201_CONVS if name == "all conv_3x3" else library()[name].architecture


@pytest.mark.parametrize(
    ("name", "network", "parameters", "macs"),
    [
        ("DARTS", "cifar", 3_349_342, 528_359_040),
        ("DARTS_V2", "cifar", 3_349_342, 528_359_040),
        ("NAT_DARTS", "cifar", 2_682_334, 424_181_376),
        ("NATv2_DARTS", "cifar", 2_476_054, 394_155_648),
        ("ENAS", "cifar", 3_859_894, 605_719_584),
        ("DARTS", "imagenet", 4_718_752, 529_911_552),
        ("all conv_3x3", "nasbench201", 1_531_546, 220_119_680),
    ],
)
def test_known_networks(name, network, parameters, macs):
    cost = cost_model(NETWORKS[network]).cost(architecture(name))
    assert (cost.parameters, cost.macs) == (parameters, macs)


_NAO = (
    "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 1), "
    "('avg_pool_3x3', 1), ('skip_connect', 0), ('avg_pool_3x3', 0), ('avg_pool_3x3', 0), ('sep_conv_5x5', 0), "
    "('sep_conv_3x3', 0)], normal_concat=[0, 2, 3, 4, 5, 6], reduce=[('sep_conv_7x7', 0), ('sep_conv_5x5', 1), "
    "('max_pool_3x3', 1), ('sep_conv_7x7', 0), ('avg_pool_3x3', 1), ('sep_conv_5x5', 0), ('max_pool_3x3', 1), "
    "('sep_conv_3x3', 2), ('avg_pool_3x3', 2), ('skip_connect', 3)], reduce_concat=[3, 4, 5, 6])"
)
_FOUR = "[('dil_sep_conv_3x3', 0), ('dil_sep_conv_3x3', 1), ('dil_sep_conv_3x3', 0), ('dil_sep_conv_3x3', 1)]"


@pytest.mark.parametrize(
    ("text", "parameters", "macs"),
    [
        (_NAO, 4_168_054, 656_538_048),
        (
            f"Genotype(normal={_FOUR}, normal_concat=[2, 3], reduce={_FOUR}, reduce_concat=[2, 3])",
            2_361_718,
            363_297_600,
        ),
        ("|none~0|+|none~0|conv_7x7~1|+|nor_conv_1x1~0|avg_pool_3x3~1|conv_7x7~2|", 2_737_786, 397_066_880),
        ("|conv_1x1~0|+|none~0|none~1|+|none~0|none~1|conv_3x3~2|+|none~0|none~1|none~2|conv_1x1~3|", None, None),
    ],
    ids=["an input in the output", "dil_sep_conv", "a large kernel in NAS-Bench-201", "five nodes in NAS-Bench-201"],
)
def test_cells_from_elsewhere(text, parameters, macs):
    given = parse(text)
    cost = cost_model(usual_network(given)).cost(given)
    if parameters:
        assert (cost.parameters, cost.macs) == (parameters, macs)
    assert cost == measure.measure(build_network(given, usual_network(given)), (1, 3, 32, 32))


def test_an_input_in_a_reduction_cells_output_is_halved_as_by_a_skip():
    edges = (Edge("conv_3x3", 0, 2), Edge("conv_3x3", 1, 3))
    without, within = (
        Architecture(Cell(2, 4, edges, (2, 3)), Cell(2, 4, edges, output)) for output in ((2, 3), (2, 1))
    )
    small = replace(SMALL, layers=2)  # two reduction cells, C 8 and 16, of equal widths with and without
    skips = [operation_cost("skip_connect", channels, side, 2) for channels, side in ((8, 16), (16, 8))]
    assert cost_model(small).cost(within) == total((cost_model(small).cost(without), *skips))


@pytest.mark.parametrize(
    ("name", "parameters_millions", "macs_millions"),
    [
        ("PC_DARTS_CIFAR", 3.63, 558),
        ("PDARTS", 3.43, 532),
        ("GDAS_V1", 3.36, 519),
        ("SNAS_MILD", 2.66, 422),
        ("NASNet-A", 3.83, 608),
    ],
)
def test_published_figures(name, parameters_millions, macs_millions):
    """Printed parameters are cut, not rounded; printed MACs count 4 more per output element of an average pooling.

    The 4 is how thop counts a 3×3 average (k additions instead of k², one division); this is all that PC-DARTS and
    NASNet-A, the two with average pooling, are above convolutions and linear layers.
    """
    cost = cost_model(NETWORKS["cifar"]).cost(architecture(name))
    averaged_elements = cost.avg_pool // 9
    assert floor(cost.parameters / 10_000) / 100 == parameters_millions
    assert round((cost.macs + 4 * averaged_elements) / 1e6) == macs_millions


def test_summed_costs_equal_whole_model_counts_on_200_random_networks():
    kinds = set()
    for seed in range(200):
        drawn, config = random_network(seed)
        cells = [cell for _, cell in drawn.cells]
        kinds |= {"dead" for cell in cells if cell.dead_edges}
        kinds |= {"null" for cell in cells if any(edge.is_null for edge in cell.edges)}
        kinds |= {"parallel" for cell in cells if len({edge[1:] for edge in cell.edges}) < len(cell.edges)}
        kinds |= {"input in the output" for cell in cells if cell.output_inputs}
        kinds |= {"unused input" for cell in cells if {edge.source for edge in cell.edges}.isdisjoint({0})}
        model = cost_model(config)
        whole = measure.measure(build_network(drawn, config), (1, 3, config.resolution, config.resolution))
        assert model.cost(drawn) == whole, (seed, drawn, config)
        assert total((model.fixed_cost(drawn), *model.edge_costs(drawn))) == whole
    assert kinds == {"dead", "null", "parallel", "unused input", "input in the output"}


@pytest.mark.parametrize("network", ["cifar", "imagenet"])
def test_a_full_size_network_equals_its_sum(network):
    config = NETWORKS[network]
    darts = architecture("NASNet-A")
    whole = measure.measure(build_network(darts, config), (1, 3, config.resolution, config.resolution))
    assert cost_model(config).cost(darts) == whole


def test_raw_counts_dead_edges_and_effective_does_not():
    cell = Cell(2, 4, (Edge("skip_connect", 0, 2), Edge("conv_3x3", 1, 3)), (2,))
    model = cost_model(SMALL)
    raw, effective = (model.cost(a) for a in (Architecture(cell, cell), Architecture(cell, cell).effective))
    convs = (4 * 4 * 9 + 8) + (8 * 8 * 9 + 16) + (16 * 16 * 9 + 32)  # one normal cell and two reduction cells
    assert raw.parameters - effective.parameters == convs
    assert raw.macs - effective.macs == 16 * 9 * 256 + 64 * 9 * 64 + 256 * 9 * 16


def test_edges_by_hand():
    normal = Cell(2, 3, (Edge("conv_3x3", 0, 2), Edge("null", 1, 2), Edge("max_pool_2x2", 0, 2)), (2,))
    reduction = Cell(2, 4, (Edge("skip_connect", 0, 2), Edge("skip_connect", 2, 3), Edge("conv_1x1", 2, 3)), (2, 3))
    model = cost_model(SMALL)  # cells: normal at C 4, 16×16; reductions at C 8, to 8×8, and at C 16, to 4×4
    drawn = Architecture(normal, reduction)
    conv, null, pool, reduced, skip, late = model.edge_costs(drawn)
    assert conv == Cost(4 * 4 * 9 + 8, convolution=4 * 4 * 9 * 256, batch_norm=2 * 4 * 256)
    assert null == skip == Cost()
    assert pool == Cost(max_pool=4 * 4 * 256)
    assert reduced.parameters == (2 * 8 * 4 + 16) + (2 * 16 * 8 + 32)
    assert reduced.macs == 8 * 8 * 64 + 16 * 16 * 16
    assert (late.parameters, late.macs) == (64 + 16 + 256 + 32, 64 * 64 + 256 * 16)
    assert model.cost(drawn) == total((model.fixed_cost(drawn), *model.edge_costs(drawn)))


@pytest.mark.parametrize("seed", range(3))
def test_the_table_holds_every_operation_on_every_edge(seed):
    drawn, config = random_network(seed)
    model = cost_model(config)
    macs, parameters = model.edge_table(drawn)
    assert macs.shape == parameters.shape == (len(drawn.edges), len(NAMES))
    assert macs.dtype == parameters.dtype == np.int64
    rng = random.Random(seed)
    changed = [drawn.with_operations([rng.choice(NAMES) for _ in drawn.edges]) for _ in range(10)]
    rows = np.array([[INDEX[name] for name in item.operations] for item in changed])
    found = model.operation_costs(drawn, rows)
    costs = [model.cost(item) for item in changed]
    assert found.macs.tolist() == [cost.macs for cost in costs]
    assert found.parameters.tolist() == [cost.parameters for cost in costs]
    assert [found[number] for number in range(len(costs))] == costs
    assert np.array_equal(model.fixed_cost(drawn).macs + macs[np.arange(rows.shape[1]), rows].sum(axis=1), found.macs)


def test_an_auxiliary_head_costs_parameters_but_no_inference():
    plain, with_head = NETWORKS["cifar"], replace(NETWORKS["cifar"], auxiliary=True)
    darts = architecture("DARTS")
    difference = 576 * 128 + 2 * 128 + 128 * 768 * 4 + 2 * 768 + 768 * 10 + 10
    assert cost_model(with_head).cost(darts) == cost_model(plain).cost(darts) + Cost(parameters=difference)
    small = replace(SMALL, auxiliary=True, resolution=32)
    assert cost_model(small).cost(darts) == measure.measure(build_network(darts, small), (1, 3, 32, 32))


FIGURE = {
    "conv_5x5": (419.4, 409.6), "conv_3x3": (151.0, 147.5), "sep_conv_5x5": (40.1, 39.2), "sep_conv_3x3": (35.9, 35.1),
    "dil_conv_5x5": (20.1, 19.6), "dil_conv_3x3": (18.0, 17.5), "conv_1x1": (16.8, 16.4), "max_pool_5x5": (3.3, 0),
    "avg_pool_5x5": (3.3, 0), "max_pool_3x3": (1.2, 0), "avg_pool_3x3": (1.2, 0), "skip_connect": (0.1, 0),
    "null": (0, 0),
}  # fmt: skip


def test_the_papers_figure_to_its_printed_digits():
    rows = {row.operation: row for row in operation_figure()}
    printed = {name: (round(row.multiply_adds / 1e6, 1), round(row.weights / 1e3, 1)) for name, row in rows.items()}
    assert printed == FIGURE


def test_nothing_is_measured_twice_nor_before_it_is_asked_for(monkeypatch):
    measured = []
    for cached in (operation_cost, costs._operation_scaling, costs._block_cost, costs._block_scaling):
        cached.cache_clear()
    own = measure.measure
    monkeypatch.setattr(measure, "measure", lambda *given: measured.append(1) or own(*given))
    drawn = architecture("DARTS")
    cost_model(replace(SMALL, channels=10, classes=17, resolution=16)).cost(drawn)
    assert not measured  # operations and blocks are shipped
    config = replace(SMALL, channels=10, classes=17, resolution=18)  # the second reduction halves an odd side
    model = cost_model(config)
    first = model.cost(drawn)
    asked = len(measured)
    assert 0 < asked <= 25
    assert model.cost(drawn) == first
    assert cost_model(replace(config)) is model
    assert len(measured) == asked


def test_measuring_leaves_the_random_state_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    operation_cost.cache_clear()
    operation_cost("conv_7x7", 6, 11, 1)
    assert torch.equal(torch.rand(1), expected)


def test_a_warm_cost_takes_well_under_a_millisecond():
    model, drawn = cost_model(NETWORKS["cifar"]), architecture("DARTS")
    model.cost(drawn)
    start = time.perf_counter()
    for _ in range(100):
        model.cost(drawn)
    assert (time.perf_counter() - start) / 100 < 1e-3


def test_cells_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the CIFAR network needs"):
        cost_model(NETWORKS["cifar"]).cost(NASBENCH201_CONVS)
    with pytest.raises(ValueError, match="the NAS-Bench-201 network needs"):
        cost_model(NETWORKS["nasbench201"]).cost(architecture("DARTS"))
    with pytest.raises(ValueError, match="the NAS-Bench-201 network needs"):
        cost_model(NETWORKS["nasbench201"]).edge_table(architecture("DARTS"))


def test_nasbench201_costs_lie_between_the_empty_and_the_heaviest_cell():
    model, space = cost_model(NETWORKS["nasbench201"]), SPACES["nasbench201"]
    sampled = [model.cost(space.sample(random.Random(seed))).macs for seed in range(50)]
    empty = model.cost(NASBENCH201_CONVS.with_operations(["null"] * 6)).macs
    assert all(empty <= macs <= 220_119_680 for macs in sampled)


@pytest.mark.parametrize(
    ("name", "parameters_millions", "macs_millions"), [("PC_DARTS_CIFAR", 5.3, 586), ("PDARTS", 4.9, 557)]
)
def test_published_figures_for_imagenet(name, parameters_millions, macs_millions):
    """Printed MACs count two more per element of a batch norm and one per element of a ReLU.

    DARTS' 4.7 M parameters are those of its cell; its printed 574 M MACs are those of no count of it.
    """
    given = architecture(name)
    cost, relus = cost_model(NETWORKS["imagenet"]).cost(given), 0

    def count(module, inputs, output):
        nonlocal relus
        relus += output.numel()

    network = darts_family.original(given, 48, 14, classes=1000, imagenet=True)
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(count)
    with torch.inference_mode():
        network(torch.zeros(1, 3, 224, 224))
    assert round(cost.parameters / 1e6, 1) == parameters_millions
    assert round((cost.macs + cost.batch_norm + relus) / 1e6) == macs_millions


@pytest.mark.parametrize("name", ["DARTS", "PC_DARTS_CIFAR", "PDARTS", "NASNet-A"])
def test_costs_for_imagenet_are_those_of_a_network_written_by_hand(name):
    given = architecture(name)
    cost = cost_model(NETWORKS["imagenet"]).cost(given)
    counted = measure.measure(darts_family.original(given, 48, 14, classes=1000, imagenet=True), (1, 3, 224, 224))
    assert (cost.parameters, cost.macs) == (counted.parameters, counted.macs)
    if name == "DARTS":
        assert (cost.parameters, cost.macs) == (4_718_752, 529_911_552)

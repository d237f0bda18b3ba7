from dataclasses import replace

import pytest

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.network.config import FAMILIES, NETWORKS, NetworkConfig, usual_network

ONE_INPUT = Architecture(Cell(1, 2, (Edge("conv_3x3", 0, 1),), (1,), "sum"))
CONCAT_OF_TWO = Architecture(Cell(1, 3, (Edge("conv_3x3", 0, 1), Edge("conv_3x3", 0, 2)), (1, 2)))
TWO_INPUT_CELL = Cell(2, 3, (Edge("conv_3x3", 0, 2),), (2,))
TWO_CELLS = Architecture(TWO_INPUT_CELL, TWO_INPUT_CELL)
NO_REDUCTION = Architecture(TWO_INPUT_CELL)
ONE_INPUT_REDUCED = Architecture(ONE_INPUT.normal, ONE_INPUT.normal)
THREE_INPUT_CELL = Cell(3, 4, (Edge("conv_3x3", 0, 3),), (3,))


def test_usual_sizes():
    assert NETWORKS["cifar"] == NetworkConfig("cifar", 36, 20, 32, 10)
    assert NETWORKS["imagenet"] == NetworkConfig("imagenet", 48, 14, 224, 1000)
    assert NETWORKS["nasbench201"] == NetworkConfig("nasbench201", 16, 15, 32, 10)
    assert set(NETWORKS) == set(FAMILIES)


@pytest.mark.parametrize(
    ("config", "description"),
    [
        (NETWORKS["cifar"], "CIFAR, C 36, L 20, 32×32, no auxiliary head"),
        (replace(NETWORKS["cifar"], auxiliary=True), "CIFAR, C 36, L 20, 32×32, auxiliary head"),
        (NETWORKS["imagenet"], "ImageNet, C 48, L 14, 224×224, no auxiliary head"),
        (NETWORKS["nasbench201"], "NAS-Bench-201, C 16, 15 cells, 32×32"),
        (replace(NETWORKS["nasbench201"], stem_stride=2), "NAS-Bench-201, C 16, 15 cells, 32×32, stem of stride 2"),
    ],
)
def test_description(config, description):
    assert config.description == description


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("cifar", {"family": "mnist"}, "unknown network 'mnist'; accepted: cifar, imagenet, nasbench201"),
        ("cifar", {"channels": 0}, "channels is 0; accepted: whole numbers from 2 to 256"),
        ("cifar", {"channels": 258}, "channels is 258; accepted"),
        ("cifar", {"channels": 7}, "channels is 7; it must be even"),
        ("cifar", {"channels": 16.0}, "channels is 16.0; accepted: whole numbers"),
        ("cifar", {"layers": 0}, "layers is 0; accepted: whole numbers from 1 to 120"),
        ("cifar", {"layers": True}, "layers is True; accepted"),
        ("cifar", {"layers": 121}, "layers is 121; accepted"),
        ("cifar", {"resolution": 7}, "resolution is 7; accepted: whole numbers from 8 to 256"),
        ("imagenet", {"resolution": 31}, "resolution is 31; accepted: whole numbers from 32 to 512"),
        ("cifar", {"classes": 1}, "classes is 1; accepted"),
        ("cifar", {"auxiliary": 1}, "auxiliary is 1; accepted: True, False"),
        ("cifar", {"auxiliary": True, "resolution": 28}, "resolution is 28; with an auxiliary head .* 29 or more"),
        ("imagenet", {"auxiliary": True, "resolution": 192}, "accepts 193 or more"),
        ("nasbench201", {"layers": 16}, "layers is 16; NAS-Bench-201 has 3 stages .* multiple of 3"),
        ("cifar", {"stem_stride": 3}, "stem_stride of the CIFAR network is 3; accepted: 1, 2"),
        ("imagenet", {"stem_stride": 2}, "stem_stride of the ImageNet network is 2; accepted: 1$"),
        ("cifar", {"auxiliary": True, "stem_stride": 2}, "auxiliary head and a stem of stride 2 .* accepts 58 or more"),
        ("nasbench201", {"auxiliary": True}, "NAS-Bench-201 network has no auxiliary head"),
    ],
)
def test_refused_with_a_reason(name, changes, message):
    with pytest.raises(ValueError, match=message):
        replace(NETWORKS[name], **changes)


@pytest.mark.parametrize(
    ("name", "architecture"),
    [("cifar", TWO_CELLS), ("imagenet", TWO_CELLS), ("nasbench201", ONE_INPUT)],
)
def test_cells_that_fit(name, architecture):
    assert NETWORKS[name].mismatch(architecture) is None
    NETWORKS[name].require(architecture)


@pytest.mark.parametrize(
    ("name", "architecture", "message"),
    [
        ("cifar", ONE_INPUT, r"a normal and a reduction cell of 2 inputs; .* single cell of 1 input \(.*: nasb"),
        ("imagenet", ONE_INPUT, "the ImageNet network needs a normal and a reduction cell"),
        ("nasbench201", TWO_CELLS, r"needs a single cell of 1 input, no reduction .* 2 inputs \(.*: cifar, imagenet\)"),
        ("nasbench201", CONCAT_OF_TWO, "must be a sum or one node; this cell concatenates 2"),
        ("cifar", NO_REDUCTION, "the reduction cell is missing; the CIFAR network needs a normal and a reduction cell"),
        ("nasbench201", ONE_INPUT_REDUCED, r"a reduction cell of 1 input \(networks that accept it: none\)"),
        ("cifar", CONCAT_OF_TWO, r"a single cell of 1 input \(networks that accept it: none\)"),
        ("nasbench201", NO_REDUCTION, r"a single cell of 2 inputs \(networks that accept it: none\)"),
    ],
)  # fmt: skip
def test_cells_that_do_not_fit(name, architecture, message):
    with pytest.raises(ValueError, match=message):
        NETWORKS[name].require(architecture)


@pytest.mark.parametrize(("architecture", "name"), [(TWO_CELLS, "cifar"), (ONE_INPUT, "nasbench201")])
def test_the_usual_network(architecture, name):
    assert usual_network(architecture) is NETWORKS[name]


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (NO_REDUCTION, "the reduction cell is missing; the CIFAR network needs a normal and a reduction cell of 2 inp"),
        (
            CONCAT_OF_TWO,
            "passes a cell's output straight on, so it must be a sum or one node; this cell concatenates 2",
        ),
        (
            ONE_INPUT_REDUCED,
            "needs a single cell of 1 input, no reduction cell; this architecture has a normal and a r",
        ),
        (Architecture(THREE_INPUT_CELL), "no network accepts a single cell of 3 inputs; accepted: a normal and a redu"),
        (Architecture(THREE_INPUT_CELL, THREE_INPUT_CELL), "no network accepts a normal and a reduction cell of 3 inp"),
    ],
)
def test_cells_that_no_network_accepts(architecture, message):
    with pytest.raises(ValueError, match=message):
        usual_network(architecture)

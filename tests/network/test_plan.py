from dataclasses import replace

import pytest
import torch

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.network.blocks import AuxiliaryHead, Classifier, ResidualReduction
from nat_core.network.config import NETWORKS
from nat_core.network.modules import FactorisedReduction, ReluConvBn
from nat_core.network.plan import plan_network

WIDE = Cell(2, 4, (Edge("conv_3x3", 0, 2), Edge("conv_3x3", 1, 3)), (2, 3))
NARROW = Cell(2, 3, (Edge("conv_3x3", 0, 2),), (2,))
TWO_CELLS = Architecture(WIDE, NARROW)
ONE_CELL = Architecture(Cell(1, 2, (Edge("skip_connect", 0, 1),), (1,), "sum"))


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_cifar_reduces_at_a_third_and_two_thirds():
    plan = plan_network(TWO_CELLS, NETWORKS["cifar"])
    assert [index for index, cell in enumerate(plan.cells) if cell.name == "reduction"] == [6, 13]
    assert [cell.channels for cell in plan.cells] == [36] * 6 + [72] * 7 + [144] * 7
    assert [cell.out_resolution for cell in plan.cells] == [32] * 6 + [16] * 7 + [8] * 7
    assert (plan.classifier.in_channels, plan.classifier.resolution) == (2 * 144, 8)


def test_the_older_input_is_reduced_right_after_a_reduction():
    cells = plan_network(TWO_CELLS, NETWORKS["cifar"]).cells
    factorised = [i for i, cell in enumerate(cells) if cell.preprocess[0].module is FactorisedReduction]
    assert factorised == [7, 14]
    assert all(cell.preprocess[1].module is ReluConvBn for cell in cells)
    assert [block.in_channels for block in cells[0].preprocess] == [108, 108]
    assert [block.in_channels for block in cells[7].preprocess] == [2 * 36, 72]  # wide normal, narrow reduction cell
    assert [block.in_channels for block in cells[8].preprocess] == [72, 2 * 72]


def test_imagenet_starts_as_if_after_a_reduction():
    plan = plan_network(TWO_CELLS, NETWORKS["imagenet"])
    assert [(block.out_channels, block.out_resolution) for block in plan.stem] == [(48, 56), (48, 28)]
    assert plan.cells[0].preprocess[0].module is FactorisedReduction
    assert [index for index, cell in enumerate(plan.cells) if cell.name == "reduction"] == [4, 9]
    assert plan.classifier.resolution == 7


def test_nasbench201_has_residual_blocks_between_its_stages():
    plan = plan_network(ONE_CELL, NETWORKS["nasbench201"])
    blocks = {i: cell.preprocess[0] for i, cell in enumerate(plan.cells) if cell.preprocess}
    assert {i: (block.module, block.in_channels, block.out_channels) for i, block in blocks.items()} == {
        5: (ResidualReduction, 16, 32),
        10: (ResidualReduction, 32, 64),
    }
    assert [cell.resolution for cell in plan.cells] == [32] * 5 + [16] * 5 + [8] * 5


@pytest.mark.parametrize(("name", "architecture"), [("cifar", TWO_CELLS), ("nasbench201", ONE_CELL)])
def test_a_stem_of_stride_two_halves_every_resolution(name, architecture):
    plain = plan_network(architecture, replace(NETWORKS[name], resolution=30))
    halved = plan_network(architecture, replace(NETWORKS[name], resolution=59, stem_stride=2))
    assert halved.cells == plain.cells
    assert halved.stem[0].build()(torch.randn(1, 3, 59, 59)).shape[2:] == (30, 30)


@pytest.mark.parametrize(("layers", "reductions"), [(1, [0]), (2, [0, 1]), (3, [1, 2]), (4, [1, 2]), (8, [2, 5])])
def test_few_layers(layers, reductions):
    plan = plan_network(TWO_CELLS, replace(NETWORKS["cifar"], layers=layers))
    assert [index for index, cell in enumerate(plan.cells) if cell.name == "reduction"] == reductions


def test_the_auxiliary_head_follows_the_second_reduction():
    plan = plan_network(TWO_CELLS, replace(NETWORKS["cifar"], auxiliary=True))
    assert plan.auxiliary_after == 13
    assert (plan.auxiliary.in_channels, plan.auxiliary.resolution) == (144, 8)
    assert plan.auxiliary not in plan.blocks  # which inference executes


def test_auxiliary_head_by_hand():
    head = AuxiliaryHead(576, 10)
    assert parameters(head) == 576 * 128 + 2 * 128 + 128 * 768 * 4 + 2 * 768 + 768 * 10 + 10 == 476_426
    assert head(torch.randn(2, 576, 8, 8)).shape == (2, 10)
    imagenet = AuxiliaryHead(576, 10, pool_stride=2, last_norm=False)
    assert parameters(imagenet) == parameters(head) - 2 * 768
    assert imagenet(torch.randn(2, 576, 7, 7)).shape == (2, 10)


def test_residual_reduction_by_hand():
    block = ResidualReduction(4, 8)
    assert parameters(block) == 4 * 8 * 9 + 16 + 8 * 8 * 9 + 16 + 4 * 8  # no batch norm on the shortcut
    assert block(torch.randn(2, 4, 9, 8)).shape == (2, 8, 5, 4)


def test_classifiers_pool_whatever_comes():
    assert Classifier(4, 3)(torch.randn(2, 4, 5, 7)).shape == (2, 3)

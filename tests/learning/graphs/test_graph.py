"""Graphs: layout, features, batching."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import INDEX, NAMES, OPERATIONS
from nat_core.architecture.rows import CellRows
from nat_core.architecture.spaces import SPACES
from nat_core.learning.graphs.graph import (
    EDGE_FEATURES,
    NODE_FEATURES,
    encode,
    encode_cells,
    graph_count,
    legal_mask,
    operation_traits,
    select,
)
from tests.support.strategies import architectures

SMALL = Architecture(Cell(2, 4, (Edge("conv_3x3", 0, 2), Edge("null", 1, 2), Edge("skip_connect", 2, 3)), (2, 3)))


def test_layout_of_a_small_cell():
    graph = encode([SMALL])
    assert graph.x.shape == (5, NODE_FEATURES)  # four nodes and the output
    assert graph.edge_index.tolist() == [[0, 1, 2], [2, 2, 3]]
    assert graph.link_index.tolist() == [[2, 3], [4, 4]]
    assert graph.operation.tolist() == [INDEX["conv_3x3"], INDEX["null"], INDEX["skip_connect"]]
    assert graph.edge_attr.shape == (3, EDGE_FEATURES)
    assert graph.edge_attr[:, 0].tolist() == [0, 0, 0.5]  # depth of the source ÷ deepest
    assert graph.edge_attr[:, 1].tolist() == [0.5, 0.5, 1]


def test_both_cells_are_linked():
    graph = encode([Architecture(SMALL.normal, SMALL.normal)])
    assert graph.link_index.tolist() == [[2, 3, 7, 8, 4], [4, 4, 9, 9, 9]]
    assert graph.edge_cell.tolist() == [0, 0, 0, 1, 1, 1]
    assert graph.edge_attr[:, 3].tolist() == [0, 0, 0, 1, 1, 0]  # stride 2 from the reduction cell's inputs


@given(st.lists(architectures(), min_size=1, max_size=5), st.data())
@settings(max_examples=50, deadline=None)
def test_selecting_equals_encoding_the_selection(items, data):
    chosen = data.draw(st.lists(st.integers(0, len(items) - 1), min_size=1, max_size=7))
    selected = select(encode(items), torch.tensor(chosen))
    direct = encode([items[number] for number in chosen])
    assert graph_count(selected) == len(chosen)
    for key in direct.keys():  # noqa: SIM118
        assert torch.equal(selected[key], direct[key]), key


def test_operations_differ_in_their_traits():
    assert len(operation_traits().unique(dim=0)) == len(NAMES)


@pytest.mark.parametrize("rule", ["nat", "nat++"])
@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
def test_mask_agrees_with_the_rule(space, rule):
    mask = legal_mask(space, rule)
    for source in OPERATIONS:
        allowed = {NAMES[column] for column in mask[INDEX[source]].nonzero().flatten()}
        assert allowed == set(space.targets(source, rule))


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="at least one architecture"):
        encode([])


def test_unknown_rule_names_the_choices():
    with pytest.raises(ValueError, match=r"unknown transition rule 'any'; accepted: nat, nat\+\+"):
        legal_mask(SPACES["nasbench201"], "any")


def test_a_dilated_separable_convolution_reads_as_a_separable_one_with_dilation():
    """Traits keep their width and rows their numbers, so that trained policies decide on known operations as before."""
    traits = operation_traits()
    assert traits.shape == (len(NAMES), 12) and NAMES[25] == "null"
    difference = traits[INDEX["dil_sep_conv_5x5"]] - traits[INDEX["sep_conv_5x5"]]
    assert difference.nonzero().flatten().tolist() == [10] and difference[10] == 1
    assert traits[INDEX["dil_conv_5x5"]][10] == 1


def test_cells_as_rows_are_the_same_graphs():
    rng = random.Random(0)
    cells = [cell for space in SPACES.values() for _ in range(10) for _, cell in space.sample(rng).cells]
    one_by_one, at_once = encode([Architecture(cell) for cell in cells]), encode_cells(CellRows.of(cells))
    names = one_by_one.keys()
    assert names == at_once.keys()
    for name in names:
        assert one_by_one[name].dtype == at_once[name].dtype and torch.equal(one_by_one[name], at_once[name]), name

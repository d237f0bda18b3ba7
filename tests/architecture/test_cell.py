import re

import pytest
from hypothesis import given

from nat_core.architecture.cell import Architecture, Cell, Edge
from tests.support.strategies import architectures, cells


def cell(*edges, inputs=2, nodes=None, output=None, combine="concat"):
    edges = tuple(Edge(*edge) for edge in edges)
    nodes = nodes or max(edge.target for edge in edges) + 1
    return Cell(inputs, nodes, edges, tuple(range(inputs, nodes)) if output is None else output, combine)


def test_equal_values_are_equal_and_hash_alike():
    one, other = cell(("conv_3x3", 0, 2)), cell(("conv_3x3", 0, 2))
    assert one == other and hash(one) == hash(other)
    assert hash(Architecture(one, other)) == hash(Architecture(other, one))
    assert one != cell(("conv_1x1", 0, 2))


def test_values_are_frozen():
    with pytest.raises(AttributeError):
        cell(("conv_3x3", 0, 2)).nodes = 4


def test_loose_ends_are_nodes_that_feed_no_other_and_null_feeds():
    chain = cell(("conv_3x3", 0, 2), ("null", 2, 3), ("conv_3x3", 1, 4), nodes=6)
    assert chain.loose_ends == (3, 4)  # 2 feeds 3 by a null edge; no edge enters 5


def test_dead_nodes_and_edges_reach_no_output():
    value = cell(("conv_3x3", 0, 2), ("null", 2, 3), ("sep_conv_3x3", 1, 3), ("conv_1x1", 1, 4), output=(3,))
    assert value.dead_nodes == (2, 4)
    assert value.dead_edges == (0, 3)
    assert value.effective.operations == ("null", "null", "sep_conv_3x3", "null")


def test_a_node_that_no_edge_enters_is_left_out_and_one_with_null_edges_stays():
    value = cell(("null", 0, 2), ("conv_3x3", 0, 4), nodes=6)
    assert value.output_nodes == (2, 4)
    assert value.width == 2
    assert cell(("conv_3x3", 0, 1), inputs=1, combine="sum").width == 1


def test_parallel_edges_are_kept_in_order():
    value = cell(("conv_3x3", 0, 2), ("skip_connect", 0, 2))
    assert value.operations == ("conv_3x3", "skip_connect")
    assert value.incoming(2) == value.edges


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: cell(("conv_3x3", 3, 2), nodes=4), "source 3 → target 2 must satisfy"),
        (lambda: cell(("conv_3x3", 2, 2), nodes=4), "source 2 → target 2 must satisfy"),
        (lambda: cell(("conv_3x3", 0, 1), nodes=4, output=(2,)), "target 1 is an input node"),
        (lambda: cell(("conv_3x3", 0, 9), nodes=4), "< 4"),
        (lambda: cell(("conv_4x4", 0, 2)), "unknown operation 'conv_4x4'; did you mean"),
        (lambda: cell(("none", 0, 2)), "use 'null'"),
        (lambda: cell(("conv_3x3", 0, 2), nodes=21), "21 nodes; at most 20"),
        (lambda: cell(*[("conv_3x3", 0, 2)] * 201), "201 edges; at most 200"),
        (lambda: cell(("conv_3x3", 0, 2), output=(3,)), "output node 3 does not exist; accepted: 0 to 2"),
        (lambda: cell(("conv_3x3", 0, 2), output=(2, -1)), "output node -1 does not exist; accepted: 0 to 2"),
        (lambda: cell(("conv_3x3", 0, 2), output=(0, 1)), "no intermediate node of the output [0, 1] has an incoming"),
        (lambda: cell(("conv_3x3", 0, 2), output=(2, 2)), "names a node twice"),
        (lambda: cell(("conv_3x3", 0, 2), nodes=4, output=(3,)), "the cell has no output"),
        (lambda: cell(("conv_3x3", 0, 2), combine="mean"), "combine is 'mean'"),
        (lambda: Cell(2, 2, (), ()), "needs 1 or more inputs and an intermediate node"),
        (lambda: Architecture(cell(("null", 0, 1), inputs=1), cell(("null", 0, 2))), "they must agree"),
        (lambda: Architecture(cell(("null", 0, 2))).with_operations(["null", "null"]), "2 operations for 1 edges"),
    ],
)
def test_what_is_invalid_is_refused_with_its_place(build, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build()


def test_an_input_may_be_part_of_the_output():
    value = cell(("conv_3x3", 0, 2), ("conv_1x1", 1, 3), nodes=5, output=(0, 2, 3, 4))
    assert value.output_nodes == (0, 2, 3) and value.width == 3 and value.output_inputs == (0,)
    assert value.live_nodes == {0, 1, 2, 3} and value.effective == value


def brute_force_live(value: Cell) -> set[int]:
    live = set(value.output_nodes)
    for _ in range(value.nodes):
        live |= {edge.source for edge in value.edges if edge.target in live and not edge.is_null}
    return live


@given(cells())
def test_effective_keeps_exactly_what_reaches_the_output(value):
    live = brute_force_live(value)
    assert value.live_nodes == live
    kept = [not edge.is_null and edge.target in live for edge in value.edges]
    assert [not edge.is_null for edge in value.effective.edges] == kept
    assert value.effective.effective == value.effective
    assert value.effective.output_nodes == value.output_nodes


@given(architectures())
def test_operations_round_trip_through_the_flat_order(value):
    assert value.with_operations(value.operations) == value
    assert len(value.edges) == sum(len(cell.edges) for _, cell in value.cells)

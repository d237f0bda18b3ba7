import pytest
from hypothesis import given
from hypothesis import strategies as st

from nat_core.architecture import editing
from nat_core.architecture.cell import MAX_EDGES, Architecture, Cell, Edge
from nat_core.architecture.library import library
from nat_core.architecture.operations import NAMES
from nat_core.architecture.spaces import SPACES
from tests.support.strategies import cells

DARTS = library()["DARTS"].architecture
ENAS = library()["ENAS"].architecture


@given(cells(), st.data())
def test_an_operation_changes_one_edge_only(cell, data):
    position = data.draw(st.integers(0, len(cell.edges) - 1))
    operation = data.draw(st.sampled_from(NAMES))
    edited = editing.with_operation(cell, position, operation)
    assert edited.edges[position] == cell.edges[position]._replace(operation=operation)
    assert [e for i, e in enumerate(edited.edges) if i != position] == [
        e for i, e in enumerate(cell.edges) if i != position
    ]
    assert editing.with_operation(edited, position, cell.edges[position].operation) == cell


@given(cells(), st.data())
def test_an_added_edge_can_be_deleted_again(cell, data):
    target = data.draw(st.integers(cell.inputs, cell.nodes - 1))
    source = data.draw(st.integers(0, target - 1))
    edited = editing.with_edge(cell, "skip_connect", source, target)
    added = [i for i, edge in enumerate(edited.edges) if edge == Edge("skip_connect", source, target)]
    assert len(edited.edges) == len(cell.edges) + 1
    assert any(editing.without_edge(edited, i).edges == cell.edges for i in added)


@given(cells(max_intermediates=4))
def test_an_added_node_can_be_deleted_again(cell):
    edited = editing.with_node(cell, "conv_3x3", 0)
    assert edited.nodes == cell.nodes + 1 and edited.edges[:-1] == cell.edges
    back = editing.without_node(edited, cell.nodes)
    assert (back.nodes, back.edges) == (cell.nodes, cell.edges)


@given(cells(), st.data())
def test_whatever_is_done_gives_a_cell_or_a_sentence(cell, data):
    number = st.integers(-1, 8)
    edits = [
        lambda: editing.rewired(cell, data.draw(number), data.draw(number), data.draw(number)),
        lambda: editing.with_edge(cell, data.draw(st.sampled_from(NAMES)), data.draw(number), data.draw(number)),
        lambda: editing.without_edge(cell, data.draw(number)),
        lambda: editing.with_node(cell, "skip_connect", data.draw(number)),
        lambda: editing.without_node(cell, data.draw(number)),
        lambda: editing.with_outputs(cell, data.draw(st.sets(number))),
    ]
    try:
        edited = data.draw(st.sampled_from(edits))()
    except ValueError as error:
        assert "\n" not in str(error) and str(error)
    else:
        assert isinstance(edited, Cell) and edited.output_nodes


@given(cells(), st.data())
def test_a_node_leaves_with_its_edges_and_later_ones_move_up(cell, data):
    node = data.draw(st.integers(cell.inputs, cell.nodes - 1))
    try:
        edited = editing.without_node(cell, node)
    except ValueError:
        return
    kept = [edge for edge in cell.edges if node not in edge[1:]]
    assert edited.operations == tuple(edge.operation for edge in kept)
    restored = [tuple(end + (end >= node) for end in edge[1:]) for edge in edited.edges]
    assert restored == [edge[1:] for edge in kept]


@pytest.mark.parametrize(("architecture", "space"), [(DARTS, "fully_concat"), (ENAS, "loose_end")])
def test_edges_and_nodes_come_and_go_within_the_space(architecture, space):
    cell, space = architecture.normal, SPACES[space]
    for edited in (
        editing.with_node(cell, "conv_3x3", cell.nodes - 1, space),
        editing.with_edge(cell, "conv_3x3", 0, cell.nodes - 1, space),
        editing.rewired(cell, len(cell.edges) - 1, 0, cell.nodes - 1, space),
        editing.without_edge(cell, 0, space),
        editing.without_node(cell, cell.nodes - 1, space),
    ):
        assert space.mismatch(editing.replaced(architecture, "normal", edited)) is None


def test_without_a_space_the_output_keeps_its_nodes():
    cell = ENAS.normal
    assert editing.with_edge(cell, "conv_3x3", 5, 6).output == cell.output
    assert editing.with_edge(cell, "conv_3x3", 5, 6, SPACES["loose_end"]).output == (2, 3, 4, 6)
    assert editing.with_node(cell, "conv_3x3", 0).output == (*cell.output, 7)


def test_the_output_is_toggled():
    cell = editing.with_outputs(DARTS.normal, {2, 4, 5})
    assert cell.output == (2, 4, 5)
    assert editing.with_outputs(cell, (5, 3, 4, 2)).output == (2, 3, 4, 5)
    assert editing.with_edge(cell, "skip_connect", 0, 5).output == (2, 4, 5)


def test_one_cell_is_replaced():
    cell = editing.without_edge(DARTS.reduction, 0)
    assert editing.replaced(DARTS, "reduction", cell) == Architecture(DARTS.normal, cell)


ONE = Cell(1, 2, (Edge("conv_3x3", 0, 1),), (1,))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda: editing.without_edge(ONE, 0), "has no output"),
        (lambda: editing.without_edge(ONE, 1), "there is no edge 1; the cell has 1"),
        (lambda: editing.with_operation(ONE, -1, "null"), "there is no edge -1"),
        (lambda: editing.with_operation(ONE, 0, "conv_9x9"), "unknown operation 'conv_9x9'"),
        (lambda: editing.rewired(ONE, 0, 1, 1), "no cycle"),
        (lambda: editing.with_edge(ONE, "null", 0, 0), "no cycle"),
        (lambda: editing.without_node(ONE, 1), "the only intermediate node cannot be deleted"),
        (lambda: editing.without_node(ONE, 0), r"node 0 is not an intermediate node \(1…1\)"),
        (lambda: editing.with_outputs(ONE, ()), "has no output"),
        (lambda: editing.with_outputs(ONE, (0,)), "no intermediate node of the output"),
        (lambda: editing.with_outputs(ONE, (1, 2)), "output node 2 does not exist; accepted: 0 to 1"),
        (lambda: editing.replaced(Architecture(ONE), "reduction", ONE), "has no reduction cell"),
    ],
)
def test_impossible_edits_are_one_sentence(edit, message):
    with pytest.raises(ValueError, match=message):
        edit()


def test_an_input_in_the_output_stays_through_edits():
    cell = editing.with_outputs(DARTS.normal, (5, 0, 2, 3, 4))
    assert cell.output == (0, 2, 3, 4, 5)
    assert editing.with_node(cell, "conv_3x3", 0).output == (0, 2, 3, 4, 5, 6)
    assert editing.without_node(cell, 2).output == (0, 2, 3, 4)
    assert editing.with_operation(cell, 0, "null").output == cell.output


def test_limits_hold():
    cell = ONE
    for _ in range(MAX_EDGES - 1):
        cell = editing.with_edge(cell, "null", 0, 1)
    with pytest.raises(ValueError, match="at most 200 are accepted"):
        editing.with_edge(cell, "null", 0, 1)

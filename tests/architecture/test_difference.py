import pytest
from hypothesis import given
from hypothesis import strategies as st

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.difference import (
    EdgeChange,
    aligned,
    aligned_cells,
    difference,
    illegal_changes,
    why_not_comparable,
)
from nat_core.architecture.library import library
from tests.support.strategies import architectures


def cell(*edges: tuple[str, int, int], nodes: int = 4) -> Cell:
    return Cell(2, nodes, tuple(Edge(*edge) for edge in edges), tuple({edge[2]: None for edge in edges}))


def brief(change: EdgeChange) -> tuple:
    return change.kind, change.before, change.after, change.position_before, change.position_after


def test_same_topology_pairs_edges_by_position_even_where_operations_are_swapped():
    before = cell(("conv_3x3", 0, 2), ("skip_connect", 0, 2), ("null", 1, 3))
    after = before.with_operations(("skip_connect", "conv_3x3", "skip_connect"))
    assert [brief(change) for change in aligned_cells(before, after)] == [
        ("changed", "conv_3x3", "skip_connect", 0, 0),
        ("changed", "skip_connect", "conv_3x3", 1, 1),
        ("added", "null", "skip_connect", 2, 2),
    ]


def test_other_topology_pairs_equal_operations_between_the_same_nodes_first():
    before = cell(("conv_3x3", 0, 2), ("sep_conv_3x3", 0, 2), ("skip_connect", 1, 2), ("null", 1, 3))
    after = cell(("max_pool_3x3", 0, 3), ("dil_conv_3x3", 0, 2), ("conv_3x3", 0, 2))
    assert [brief(change) for change in aligned_cells(before, after)] == [
        ("unchanged", "conv_3x3", "conv_3x3", 0, 2),
        ("changed", "sep_conv_3x3", "dil_conv_3x3", 1, 1),
        ("removed", "skip_connect", None, 2, None),
        ("unchanged", "null", None, 3, None),
        ("added", None, "max_pool_3x3", None, 0),
    ]


@pytest.mark.parametrize(
    ("before", "after", "kind", "label"),
    [
        ("sep_conv_3x3", "sep_conv_3x3", "unchanged", "sep 3×3"),
        ("sep_conv_3x3", "skip_connect", "changed", "sep 3×3 → skip"),
        ("sep_conv_3x3", "null", "removed", "sep 3×3 → null"),
        ("skip_connect", None, "removed", "skip → null"),
        ("null", "skip_connect", "added", "null → skip"),
        (None, "conv_1x1", "added", "null → conv 1×1"),
        ("null", None, "unchanged", "null"),
    ],
)
def test_kind_and_label(before, after, kind, label):
    change = EdgeChange("normal", 0, 2, before, after, 0, 0)
    assert (change.kind, change.label) == (kind, label)


def test_published_change_outside_the_rule_is_flagged_not_fatal():
    before, after = library()["NAONet"].architecture, library()["NATv2_NAONet"].architecture
    flagged = illegal_changes(before, after)
    assert ("conv_1x1", "max_pool_3x3") in {(change.before, change.after) for change in flagged}
    assert all(not change.is_legal() for change in flagged)
    assert len(flagged) < len(difference(before, after))


def test_the_first_rule_is_stricter():
    change = EdgeChange("normal", 0, 2, "sep_conv_3x3", "dil_conv_3x3", 0, 0)
    assert change.is_legal("nat++")
    assert not change.is_legal("nat")


def test_an_absent_edge_counts_as_null_for_the_rule():
    assert EdgeChange("normal", 0, 2, "conv_3x3", None, 0, None).is_legal()
    assert not EdgeChange("normal", 0, 2, None, "conv_3x3", None, 0).is_legal()


def test_darts_to_its_published_transformation():
    before, after = library()["DARTS"].architecture, library()["NATv2_DARTS"].architecture
    changes = difference(before, after)
    assert [change.cell for change in changes] == sorted(change.cell for change in changes)
    expected = sum(a != b for a, b in zip(before.operations, after.operations, strict=True))
    assert len(changes) == expected > 0


def test_a_missing_reduction_cell_is_all_removed():
    both = library()["DARTS"].architecture
    changes = difference(both, Architecture(both.normal))
    assert {change.kind for change in changes} == {"removed"}
    assert [change.position_before for change in changes] == list(range(len(both.reduction.edges)))


@given(architectures(), architectures())
def test_every_edge_of_both_sides_appears_exactly_once(before, after):
    changes = aligned(before, after)
    for side, architecture in (("before", before), ("after", after)):
        for name, cell_ in architecture.cells:
            positions = [getattr(c, f"position_{side}") for c in changes if c.cell == name]
            assert sorted(p for p in positions if p is not None) == list(range(len(cell_.edges)))
    for change in changes:
        for side, architecture in (("before", before), ("after", after)):
            position = getattr(change, f"position_{side}")
            if position is not None:
                edge = dict(architecture.cells)[change.cell].edges[position]
                assert edge == Edge(getattr(change, side), change.source, change.target)


@given(architectures())
def test_nothing_differs_from_itself(architecture):
    assert difference(architecture, architecture) == ()


@given(architectures(), st.randoms(use_true_random=False))
def test_the_order_of_edges_does_not_matter(architecture, random):
    def shuffled(cell_: Cell) -> Cell:
        edges = list(cell_.edges)
        random.shuffle(edges)
        return Cell(cell_.inputs, cell_.nodes, tuple(edges), cell_.output, cell_.combine)

    normal = architecture.normal
    other = shuffled(normal)
    same_ends = [edge[1:] for edge in other.edges] == [edge[1:] for edge in normal.edges]
    if not same_ends:  # else edges correspond by position, which is meant
        assert all(change.kind == "unchanged" for change in aligned_cells(normal, other))


def test_cells_of_different_kinds_or_inputs_are_not_compared():
    one, two = (Cell(n, n + 1, (Edge("conv_1x1", 0, n),), (n,)) for n in (1, 2))
    assert why_not_comparable(Architecture(two, two), Architecture(two, two)) is None
    assert "reduction" in why_not_comparable(Architecture(two), Architecture(two, two))
    assert why_not_comparable(Architecture(one), Architecture(two)) == "their normal cells have 1 and 2 inputs"

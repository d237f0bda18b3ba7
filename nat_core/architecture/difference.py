"""The difference of two architectures, edge by edge.

A transformation keeps the topology, so edge i of the input is edge i of the output. Architectures of different
topology are compared too: edges are then matched between the same two nodes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Literal

from nat_core.architecture.cell import Architecture, Cell, CellName, Edge
from nat_core.architecture.operations import NULL, OPERATIONS
from nat_core.architecture.transitions import is_legal

ChangeKind = Literal["unchanged", "changed", "removed", "added"]


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """What happened to one edge.

    Attributes:
        cell: the name of the edge's cell.
        source, target: the nodes that the edge connects.
        before, after: its operations; None if that architecture does not have the edge.
        position_before, position_after: its positions in the cells' `edges`; None if that cell does not have it.
    """

    cell: CellName
    source: int
    target: int
    before: str | None
    after: str | None
    position_before: int | None
    position_after: int | None

    @property
    def kind(self) -> ChangeKind:
        """The kind of change; an absent edge counts as null, because both compute nothing."""
        before, after = self.before or NULL, self.after or NULL
        if before == after:
            return "unchanged"
        if after == NULL:
            return "removed"
        return "added" if before == NULL else "changed"

    @property
    def label(self) -> str:
        """``sep 3×3 → skip`` or, unchanged, ``sep 3×3``; an absent edge reads as null."""
        before, after = (OPERATIONS[name or NULL].short_label for name in (self.before, self.after))
        return before if self.kind == "unchanged" else f"{before} → {after}"

    def is_legal(self, rule: str = "nat++") -> bool:
        """Whether `rule` allows the change; an absent edge counts as null. Some published results break the rule."""
        return is_legal(self.before or NULL, self.after or NULL, rule)


def difference(before: Architecture, after: Architecture) -> tuple[EdgeChange, ...]:
    """The edges that differ, the normal cell's first."""
    return tuple(change for change in aligned(before, after) if change.kind != "unchanged")


@dataclass(frozen=True, slots=True)
class CellChange:
    """A difference between two cells other than an operation.

    Attributes:
        cell: the name of the cell.
        what: "nodes", "output", "combination" or "edges".
        before, after: that property of each cell, in words.
    """

    cell: CellName
    what: str
    before: str
    after: str

    @property
    def label(self) -> str:
        """Return the change in words, such as ``the output is 4, 5, 6 → 2, 3, 4, 5, 6``."""
        return f"{_WHAT[self.what]} {self.before} → {self.after}"


_WHAT = {
    "nodes": "the number of intermediate nodes is",
    "output": "the output is",
    "combination": "the output combines its nodes by",
    "edges": "the same operations are listed in another order, or with other null edges:",
}


def cell_changes(before: Architecture, after: Architecture) -> tuple[CellChange, ...]:
    """Return how cells differ apart from operations; if this and `difference` are empty, architectures are equal."""
    afters = dict(after.cells)
    return tuple(change for name, cell in before.cells for change in _cell_changes(name, cell, afters[name]))


def _cell_changes(name: CellName, before: Cell, after: Cell) -> Iterator[CellChange]:
    compared = [
        ("nodes", str(len(before.intermediates)), str(len(after.intermediates))),
        ("output", _numbers(before.output_nodes), _numbers(after.output_nodes)),
        ("combination", before.combine, after.combine),
    ]
    changes = [CellChange(name, what, old, new) for what, old, new in compared if old != new]
    yield from changes
    same_edges = all(change.kind == "unchanged" for change in aligned_cells(before, after, name))
    if before != after and same_edges and not changes:
        yield CellChange(name, "edges", f"{len(before.edges)} edges", f"{len(after.edges)} edges")


def _numbers(nodes: tuple[int, ...]) -> str:
    return ", ".join(map(str, nodes))


def why_not_comparable(before: Architecture, after: Architecture) -> str | None:
    """Return why two architectures cannot be compared, or None: both need the same cells with as many inputs."""
    befores, afters = dict(before.cells), dict(after.cells)
    if befores.keys() != afters.keys():
        return "one of the two has a reduction cell and the other has none"
    for name, cell in befores.items():
        if cell.inputs != afters[name].inputs:
            return f"their {name} cells have {cell.inputs} and {afters[name].inputs} inputs"
    return None


@lru_cache(maxsize=512)
def aligned(before: Architecture, after: Architecture) -> tuple[EdgeChange, ...]:
    """Every edge of either architecture, the normal cell's first; unchanged edges included."""
    befores, afters = dict(before.cells), dict(after.cells)
    names = [name for name in ("normal", "reduction") if name in befores or name in afters]
    return tuple(change for name in names for change in aligned_cells(befores.get(name), afters.get(name), name))


def aligned_cells(before: Cell | None, after: Cell | None, name: CellName = "normal") -> tuple[EdgeChange, ...]:
    """Every edge of either cell: those of `before` in order, then those that only `after` has."""
    old, new = before.edges if before else (), after.edges if after else ()
    changes = []
    for i, j in _pairs(before, after):
        was, now = None if i is None else old[i], None if j is None else new[j]
        _, source, target = next(edge for edge in (was, now) if edge is not None)
        operations = (was and was.operation, now and now.operation)
        changes.append(EdgeChange(name, source, target, *operations, i, j))
    return tuple(changes)


def illegal_changes(before: Architecture, after: Architecture, rule: str = "nat++") -> tuple[EdgeChange, ...]:
    """The changes that `rule` does not allow."""
    return tuple(change for change in difference(before, after) if not change.is_legal(rule))


def _pairs(before: Cell | None, after: Cell | None) -> list[tuple[int | None, int | None]]:
    """Positions of corresponding edges; None where one cell has no counterpart."""
    old, new = before.edges if before else (), after.edges if after else ()
    if [edge[1:] for edge in old] == [edge[1:] for edge in new]:
        return [(i, i) for i in range(len(old))]
    ends = dict.fromkeys(edge[1:] for edge in (*old, *new))
    pairs = [pair for end in ends for pair in _match_parallel(old, new, end)]
    return sorted(pairs, key=lambda pair: (pair[0] is None, pair[0] if pair[0] is not None else pair[1]))


def _match_parallel(
    old: tuple[Edge, ...], new: tuple[Edge, ...], ends: tuple[int, int]
) -> Iterator[tuple[int | None, int | None]]:
    """Matches the edges between two nodes: equal operations first, then the rest in order."""
    left = [i for i, edge in enumerate(old) if edge[1:] == ends]
    right = [j for j, edge in enumerate(new) if edge[1:] == ends]
    for i in tuple(left):
        twin = next((j for j in right if new[j].operation == old[i].operation), None)
        if twin is not None:
            left.remove(i)
            right.remove(twin)
            yield i, twin
    yield from zip_longest(left, right)

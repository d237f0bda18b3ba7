"""Many cells as arrays, so that properties of thousands of cells are computed without a loop over cells."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell
from nat_core.architecture.operations import INDEX, NULL

# The padding value for operations: the cell does not have this edge.
ABSENT = -1

Numbers = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CellRows:
    """n cells, padded to E edges and N nodes.

    Attributes:
        operations: row numbers in the table of operations, [n, E]; padding is `ABSENT`.
        sources, targets: the edges' nodes, [n, E]; padding leads from node N to itself.
        inputs, nodes: the numbers of input nodes and of all nodes, [n].
        outputs: whether a node is part of the cell's output, [n, N + 1].
        concatenates: whether the output concatenates its nodes instead of summing them, [n].
    """

    operations: Numbers
    sources: Numbers
    targets: Numbers
    inputs: Numbers
    nodes: Numbers
    outputs: _Flags
    concatenates: _Flags

    def __len__(self) -> int:
        return len(self.operations)

    @classmethod
    def of(cls, cells: Sequence[Cell], operations: Sequence[Numbers] | None = None) -> "CellRows":
        """Make one row per cell; with `operations`, one [k, edges] array per cell, make k rows with these
        operations.
        """
        if operations is None:
            operations = [np.array([[INDEX[name] for name in cell.operations]], dtype=np.int64) for cell in cells]
        found = [_topology(cell.inputs, cell.nodes, _ends(cell), cell.output) for cell in cells]
        edges = max((len(item.sources) for item in found), default=0)
        highest = max((cell.nodes for cell in cells), default=0)
        repeats = [len(part) for part in operations]
        filled = np.full((sum(repeats), edges), ABSENT, dtype=np.int64)
        start = 0
        for part in operations:
            filled[start : start + len(part), : part.shape[1]] = part
            start += len(part)
        sources, targets = (np.full((len(cells), edges), highest, dtype=np.int64) for _ in range(2))
        outputs = np.zeros((len(cells), highest + 1), dtype=np.bool_)
        for number, item in enumerate(found):
            sources[number, : len(item.sources)] = item.sources
            targets[number, : len(item.targets)] = item.targets
            outputs[number, item.outputs] = True
        numbers = [[cell.inputs, cell.nodes, cell.combine == "concat"] for cell in cells]
        inputs, nodes, concatenates = np.array(numbers, dtype=np.int64).reshape(-1, 3).T
        topologies = cls(
            np.empty_like(sources), sources, targets, inputs, nodes, outputs, concatenates.astype(np.bool_)
        )
        return replace(topologies.chosen(np.repeat(np.arange(len(cells)), repeats)), operations=filled)

    def chosen(self, which: slice | Numbers | _Flags) -> "CellRows":
        """Return the selected rows."""
        return CellRows(**{item.name: getattr(self, item.name)[which] for item in fields(self)})

    def with_edges(self, kept: _Flags, operations: Numbers) -> "CellRows":
        """Return the cells with other operations [n, E] and only the edges `kept`, sorted by target, then source."""
        outside = self.outputs.shape[1] - 1
        sources, targets = (np.where(kept, ends, outside) for ends in (self.sources, self.targets))
        order = np.argsort(targets * (outside + 1) + sources, axis=1, kind="stable")
        operations, sources, targets = (
            np.take_along_axis(part, order, axis=1) for part in (np.where(kept, operations, ABSENT), sources, targets)
        )
        return replace(self, operations=operations, sources=sources, targets=targets)

    @cached_property
    def exists(self) -> _Flags:
        """Return whether a cell has the edge, shape [n, E]."""
        return self.operations != ABSENT

    @cached_property
    def is_null(self) -> _Flags:
        """Return whether an edge's operation is null, shape [n, E]."""
        return self.operations == INDEX[NULL]

    def same_topology(self, other: "CellRows") -> _Flags:
        """Return whether the two cells of a row differ at most in their operations, shape [n]."""
        one, two = self._filled(other), other._filled(self)
        same = [getattr(one, name) == getattr(two, name) for name in ("inputs", "nodes", "concatenates")]
        rows = [(getattr(one, name) == getattr(two, name)).all(axis=1) for name in ("sources", "targets", "outputs")]
        return np.asarray(np.logical_and.reduce([*same, *rows]))

    def differing_edges(self, other: "CellRows") -> Numbers:
        """Return the number of edges whose operations differ between the two cells of a row, shape [n]."""
        return (self._filled(other).operations != other._filled(self).operations).sum(axis=1)

    def _filled(self, other: "CellRows") -> "CellRows":
        """Return the same cells, padded to the shape of `other` if it is larger."""
        nodes, edges = self.outputs.shape[1] - 1, self.operations.shape[1]
        more_nodes = max(0, other.outputs.shape[1] - 1 - nodes)
        more_edges = max(0, other.operations.shape[1] - edges)
        if not more_nodes and not more_edges:
            return self
        wide, outside = ((0, 0), (0, more_edges)), nodes + more_nodes
        sources, targets = (
            np.pad(np.where(self.exists, part, outside), wide, constant_values=outside)
            for part in (self.sources, self.targets)
        )
        operations = np.pad(self.operations, wide, constant_values=ABSENT)
        outputs = np.pad(self.outputs, ((0, 0), (0, more_nodes)))
        return replace(self, operations=operations, sources=sources, targets=targets, outputs=outputs)

    @cached_property
    def carries(self) -> _Flags:
        """Return whether an edge lies on a path of non-null operations from an input to the output, shape [n, E]."""
        every, able = self._every, self.exists & ~self.is_null
        live = self.forms_output.copy()
        reached, carries = self.is_input.copy(), np.zeros_like(able)
        for edge in self._by_target[::-1]:
            passes = able[every, edge] & live[every, self.targets[every, edge]]
            live[every, self.sources[every, edge]] |= passes
        for edge in self._by_target:
            source, target = self.sources[every, edge], self.targets[every, edge]
            passes = able[every, edge] & live[every, target] & reached[every, source]
            reached[every, target] |= passes
            carries[every, edge] = passes
        return carries

    @cached_property
    def forms_output(self) -> _Flags:
        """Return whether a node is one of the cell's `output_nodes`, shape [n, N + 1]."""
        return self.outputs & ((self.count(self.targets, self.exists) > 0) | self.is_input)

    @cached_property
    def is_input(self) -> _Flags:
        """Return whether a node is an input, shape [n, N + 1]."""
        return np.arange(self.outputs.shape[1]) < self.inputs[:, None]

    def count(self, nodes: Numbers, which: _Flags) -> Numbers:
        """Count each node in `nodes` [n, E] at the edges `which` [n, E] only; the result has shape [n, N + 1]."""
        width = self.outputs.shape[1]
        places = (self._every[:, None] * width + nodes)[which]
        return np.bincount(places, minlength=len(self) * width).reshape(-1, width)

    def depths(self, which: _Flags) -> Numbers:
        """Return the length of the longest path to each node along the edges `which` [n, E], shape [n, N + 1]."""
        return self._longest(self._by_target, self.sources, self.targets, which)

    def heights(self, which: _Flags) -> Numbers:
        """Return the length of the longest path from each node along the edges `which` [n, E], shape [n, N + 1]."""
        return self._longest(self._by_target[::-1], self.targets, self.sources, which)

    def _longest(self, order: Numbers, begins: Numbers, ends: Numbers, which: _Flags) -> Numbers:
        every, found = self._every, np.zeros(self.outputs.shape, dtype=np.int64)
        for edge in order:
            begin, end = begins[every, edge], ends[every, edge]
            longer = np.maximum(found[every, end], found[every, begin] + 1)
            found[every, end] = np.where(which[every, edge], longer, found[every, end])
        return found

    @cached_property
    def _every(self) -> Numbers:
        return np.arange(len(self))

    @cached_property
    def _by_target(self) -> Numbers:
        """Return the edges in topological order, shape [E, n]: those into a node come before those out of it."""
        return np.ascontiguousarray(np.argsort(self.targets, axis=1, kind="stable").T)


@dataclass(frozen=True, eq=False)
class ArchitectureRows:
    """n architectures.

    Attributes:
        normal, reduction: n cells each; an architecture without a reduction cell has its normal cell in both.
        has_reduction: whether there is a reduction cell, [n].
    """

    normal: CellRows
    reduction: CellRows
    has_reduction: _Flags

    def __len__(self) -> int:
        return len(self.normal)

    @classmethod
    def of(
        cls, architectures: Sequence[Architecture], operations: Sequence[Numbers] | None = None
    ) -> "ArchitectureRows":
        """Make one row per architecture; `operations`, one [k, edges] array for each, make k rows with these
        operations.

        Raises:
            ValueError: the operations' number of edges does not match.
        """
        normals = [item.normal for item in architectures]
        reductions = [item.reduction or item.normal for item in architectures]
        has_reduction = np.array([item.reduction is not None for item in architectures], dtype=np.bool_)
        if operations is None:
            return cls(CellRows.of(normals), CellRows.of(reductions), has_reduction)
        for item, rows in zip(architectures, operations, strict=True):
            if rows.ndim != 2 or rows.shape[1] != len(item.edges):
                raise ValueError(f"operations are {list(rows.shape)}; accepted: rows of {len(item.edges)}")
        splits = [len(cell.edges) for cell in normals]
        first = [rows[:, :split] for rows, split in zip(operations, splits, strict=True)]
        second = [
            rows[:, split if item.reduction else 0 :]
            for rows, split, item in zip(operations, splits, architectures, strict=True)
        ]
        repeats = [len(rows) for rows in operations]
        return cls(CellRows.of(normals, first), CellRows.of(reductions, second), np.repeat(has_reduction, repeats))

    def chosen(self, which: slice | Numbers | _Flags) -> "ArchitectureRows":
        """Return the selected rows."""
        return ArchitectureRows(self.normal.chosen(which), self.reduction.chosen(which), self.has_reduction[which])

    @property
    def cells(self) -> tuple[CellRows, CellRows]:
        return self.normal, self.reduction

    @property
    def edges(self) -> Numbers:
        """Return the number of edges, shape [n]."""
        return self._in_all([cells.exists.sum(axis=1) for cells in self.cells])

    def same_topology(self, other: "ArchitectureRows") -> _Flags:
        """Return whether the two architectures of a row differ at most in their operations, shape [n]."""
        pairs = zip(self.cells, other.cells, strict=True)
        same = [one.same_topology(two) for one, two in pairs]
        return np.asarray(np.logical_and.reduce([*same, self.has_reduction == other.has_reduction]))

    def differing_edges(self, other: "ArchitectureRows") -> Numbers:
        """Return the number of edges whose operations differ between the two architectures of a row, shape [n]."""
        return self._in_all([one.differing_edges(two) for one, two in zip(self.cells, other.cells, strict=True)])

    def count_edges(self, table: NDArray[np.bool_]) -> Numbers:
        """Return the number of edges whose operation is marked in `table` [operations], shape [n]."""
        padded = np.append(table, False)  # padding has the last index
        return self._in_all([padded[cells.operations].sum(axis=1) for cells in self.cells])

    def _in_all(self, of_cells: Sequence[Numbers]) -> Numbers:
        """Return sums over both cells, shape [n]; only the normal cell counts if there is no reduction cell."""
        first, second = of_cells
        return np.asarray(first + np.where(self.has_reduction, second, 0))


def operation_rows(architecture: Architecture) -> Numbers:
    """Return the architecture's operations as row numbers in the table of operations, shape [1, edges]."""
    return np.array([[INDEX[name] for name in architecture.operations]], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Topology:
    sources: Numbers
    targets: Numbers
    outputs: Numbers


def _ends(cell: Cell) -> tuple[tuple[int, int], ...]:
    return tuple([(edge.source, edge.target) for edge in cell.edges])


@lru_cache(maxsize=16_384)
def _topology(inputs: int, nodes: int, ends: tuple[tuple[int, int], ...], output: tuple[int, ...]) -> _Topology:
    sources, targets = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    return _Topology(sources, targets, np.array(output, dtype=np.int64))

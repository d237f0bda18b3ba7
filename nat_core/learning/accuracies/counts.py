"""Count features of cells of any size; accuracy after a full training is nearly linear in them.

Only live edges count: those that are not null and lie on a path from an input to the output. Counts are per eight edges
and per four nodes, as in DARTS' cells, so that cells of different sizes and densities can be compared. Operations are
described by their traits. An operation that is rare in trainings counts as the most similar common one, and has a
feature of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import OPERATIONS as TABLE
from nat_core.architecture.operations import Kind, Operation
from nat_core.architecture.rows import ArchitectureRows, CellRows, Numbers

Names = tuple[str, ...]

OPERATIONS: Names = ("sep3", "sep5", "dil3", "dil5", "max", "avg", "skip")
PLAIN: Names = (*OPERATIONS, "convolutions at inputs", "skips at inputs", "depth", "sum of depths", "loose ends")
FEW = "few convolutions"
# Features that full trainings of DARTS' cells lack.
FOREIGN: Names = ("null", "dense", "1x1", "wide pooling", "unread inputs", FEW)
_PLACES: Names = ("older", "latest", "node")
_DEPTHS = range(1, 5)
DETAILED: Names = (
    *PLAIN,
    *(f"{name} from {place}" for name in OPERATIONS for place in _PLACES),
    *(f"{name} at depth {depth}" for name in OPERATIONS for depth in _DEPTHS),
    *(f"{one} beside {other}" for i, one in enumerate(OPERATIONS) for other in OPERATIONS[i:]),
    *(f"{one} after {other}" for one in OPERATIONS for other in OPERATIONS),
)
_EDGES, _NODES = 8, 4
# Cells counted at a time.
_CHUNK = 4096
# Fewer convolutions than this, of eight edges, are few.
_FEW = 2

_Numbers = NDArray[np.float64]


def plain(rows: ArchitectureRows) -> _Numbers:
    """Return the plain features of normal cells, then of reduction cells (else again normal), [n, 2 · len(PLAIN)]."""
    return _beside(rows, _plain)


def detailed(rows: ArchitectureRows) -> _Numbers:
    """Return the detailed features likewise, shape [n, 2 · len(DETAILED)]."""
    return _beside(rows, _detailed)


def foreign(rows: ArchitectureRows) -> _Numbers:
    """Return the foreign features of both cells and the number of convolutions they lack, [n, len(FOREIGN_COLUMNS)].

    All are 0 for cells like those of the full trainings.
    """
    columns = _beside(rows, _foreign)
    convolutions, others = (
        columns[:, len(FOREIGN) :: len(FOREIGN) + 1],
        np.arange(columns.shape[1]) % (len(FOREIGN) + 1),
    )
    few = (2 * _FEW - convolutions.sum(axis=1, keepdims=True)).clip(0)
    return np.hstack([columns[:, others < len(FOREIGN)], few])


def convolution_share(architecture: Architecture) -> float:
    """Return the share of convolutions among all edges, null edges included."""
    return float(convolution_shares(ArchitectureRows.of([architecture]))[0])


def convolution_shares(rows: ArchitectureRows) -> _Numbers:
    """Return the share of convolutions among all edges, including null edges, shape [n]."""
    return np.asarray(rows.count_edges(IS_CONVOLUTION) / rows.count_edges(_IS_ANY).clip(1))


def both(names: Names) -> Names:
    """The columns' names."""
    return tuple(f"{name}, {cell} cell" for cell in ("normal", "reduction") for name in names)


FOREIGN_COLUMNS = (*both(FOREIGN), f"{FEW}, both cells")


def relative(operation: Operation) -> str:
    """The one of OPERATIONS that is most like it."""
    kind, wide = operation.kind, operation.kernel >= 5
    if kind.is_pooling:
        return "max" if kind is Kind.MAX_POOL else "avg"
    if kind is Kind.SKIP or operation.kernel <= 1:
        return "skip"
    return f"{'dil' if kind is Kind.DIL_CONV else 'sep'}{5 if wide else 3}"


def _marked(trait: Callable[[Operation], bool]) -> NDArray[np.bool_]:
    return np.array([trait(item) for item in TABLE.values()])


_RELATIVE = np.array([OPERATIONS.index(relative(item)) for item in TABLE.values()])
_IS_ANY = _marked(lambda _: True)
# [operations].
IS_CONVOLUTION = _marked(lambda item: item.kernel > 0 and not item.kind.is_pooling)
_IS_DENSE = _marked(lambda item: item.kind in (Kind.CONV, Kind.THIN_CONV) and item.kernel > 1)
_IS_PIXELWISE = _marked(lambda item: item.kind is Kind.CONV and item.kernel == 1)
_IS_WIDE_POOLING = _marked(lambda item: item.kind.is_pooling and item.kernel >= 5)
_CONVOLUTIONS = OPERATIONS.index("max")  # those before it
_SKIP = OPERATIONS.index("skip")
# Of two relatives side by side, the place of the pair.
_PAIRS = np.zeros((len(OPERATIONS), len(OPERATIONS)), dtype=np.int64)
_PAIRS[np.triu_indices(len(OPERATIONS))] = np.arange(len(OPERATIONS) * (len(OPERATIONS) + 1) // 2)
_PAIRS = np.maximum(_PAIRS, _PAIRS.T)


def _beside(rows: ArchitectureRows, of_cells: Callable[["_Structure"], _Numbers]) -> _Numbers:
    """Return the columns of normal cells, then of reduction cells, shape [n, 2 · columns]."""
    return np.hstack([of_cells(_Structure(cells)) for cells in rows.cells])


@dataclass(frozen=True, eq=False)
class _Structure:
    """Features of n cells: the kinds of related operations on their carrying edges, and where these edges are."""

    cells: CellRows

    @cached_property
    def carries(self) -> NDArray[np.bool_]:
        return self.cells.carries

    @cached_property
    def relatives(self) -> Numbers:
        """Return the related operation of every edge, carrying or not, shape [n, E]."""
        return np.asarray(_RELATIVE[self.cells.operations])

    @cached_property
    def edges(self) -> Numbers:
        """Return the number of carrying edges, shape [n]."""
        return self.carries.sum(axis=1)

    @cached_property
    def depths(self) -> Numbers:
        """Return the depth of every node, shape [n, nodes]."""
        return self.cells.depths(self.carries)

    @cached_property
    def per_edge(self) -> _Numbers:
        return np.asarray(_EDGES / (self.edges + self.cells.is_null.sum(axis=1)).clip(1))

    @cached_property
    def per_node(self) -> _Numbers:
        entered = self.cells.count(self.cells.targets, self.cells.exists) > 0
        return np.asarray(_NODES / entered.sum(axis=1).clip(1))

    @cached_property
    def from_input(self) -> NDArray[np.bool_]:
        """Return whether the edge reads an input, shape [n, E]."""
        return self.cells.sources < self.cells.inputs[:, None]

    def amounts(self, which: NDArray[np.bool_]) -> Numbers:
        """Count operations over the edges `which` [n, E], shape [n, operations]."""
        return _tally(self.relatives, which, len(OPERATIONS))

    def marked(self, table: NDArray[np.bool_]) -> Numbers:
        """Return the number of carrying edges whose operation `table` marks, shape [n]."""
        return (table[self.cells.operations] & self.carries).sum(axis=1)


def _tally(places: Numbers, which: NDArray[np.bool_], count: int, weights: _Numbers | None = None) -> NDArray[Any]:
    """Count each place among `places` [n, …] at `which`, or sum the `weights` there; the result is [n, count]."""
    row = np.broadcast_to(np.arange(len(places)).reshape(-1, *[1] * (places.ndim - 1)), places.shape)
    found = np.bincount(
        row[which] * count + places[which], None if weights is None else weights[which], len(places) * count
    )
    return found.reshape(len(places), count)


def _plain(found: _Structure) -> _Numbers:
    amounts, first = found.amounts(found.carries), found.amounts(found.carries & found.from_input)
    entered = found.cells.count(found.cells.targets, found.carries) > 0
    left = found.cells.count(found.cells.sources, found.carries) > 0
    columns = [
        first[:, :_CONVOLUTIONS].sum(axis=1) * found.per_edge,
        first[:, _SKIP] * found.per_edge,
        found.depths.max(axis=1, initial=0) * found.per_node.clip(max=1.0),
        found.depths.sum(axis=1) * found.per_node,
        (entered & ~left).sum(axis=1) * found.per_node,
    ]
    return np.column_stack([amounts * found.per_edge[:, None], *columns])


def _detailed(found: _Structure) -> _Numbers:
    parts = [_Structure(found.cells.chosen(part)) for part in _parts(len(found.cells))]
    columns = [
        np.column_stack([_plain(part), _places(part), _beside_each_other(part), _chains(part)]) for part in parts
    ]
    return np.vstack([np.empty((0, len(DETAILED))), *columns])


def _parts(count: int) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, count, _CHUNK)]


def _places(found: _Structure) -> _Numbers:
    """Operations by where they read, and by how deep they are."""
    cells, size = found.cells, len(_PLACES)
    place = np.where(found.from_input, cells.sources == cells.inputs[:, None] - 1, _PLACES.index("node"))
    read = _tally(found.relatives * size + place, found.carries, len(OPERATIONS) * size)
    depth = np.take_along_axis(found.depths, cells.targets, axis=1).clip(1, _DEPTHS[-1]) - 1
    deep = _tally(found.relatives * len(_DEPTHS) + depth, found.carries, len(OPERATIONS) * len(_DEPTHS))
    return np.hstack([read, deep]) * found.per_edge[:, None]


def _beside_each_other(found: _Structure) -> _Numbers:
    """Pairs of operations into a node, of which a node of n edges has as much as n ÷ 2 nodes of two."""
    targets = found.cells.targets
    entering = np.take_along_axis(found.cells.count(targets, found.carries), targets, axis=1)
    pairs = _pairs(found.carries, found.carries) & (targets[:, :, None] == targets[:, None, :])
    pairs &= np.tri(targets.shape[1], k=-1, dtype=np.bool_)
    weights = np.broadcast_to((found.per_edge[:, None] / (entering - 1).clip(1))[:, :, None], pairs.shape)
    places = _PAIRS[found.relatives[:, :, None], found.relatives[:, None, :]]
    return np.asarray(_tally(places, pairs, int(_PAIRS.max()) + 1, weights))


def _chains(found: _Structure) -> _Numbers:
    """Operations after operations: chains of a node of n edges count as those of two."""
    cells = found.cells
    inner = found.carries & ~found.from_input
    pairs = _pairs(inner, found.carries) & (cells.sources[:, :, None] == cells.targets[:, None, :])
    amounts = found.per_edge * 2 * inner.sum(axis=1) / pairs.sum(axis=(1, 2)).clip(1)
    places = found.relatives[:, :, None] * len(OPERATIONS) + found.relatives[:, None, :]
    return np.asarray(_tally(places, pairs, len(OPERATIONS) ** 2) * amounts[:, None])


def _pairs(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pairs of edges of which the first is in `one` and the second in `other`, shape [n, E, E]."""
    return one[:, :, None] & other[:, None, :]


def _foreign(found: _Structure) -> _Numbers:
    """The cells' own counts, then their convolutions."""
    cells = found.cells
    idle = cells.exists.sum(axis=1) - found.edges
    amounts = [idle, *map(found.marked, (_IS_DENSE, _IS_PIXELWISE, _IS_WIDE_POOLING))]
    read = (cells.count(cells.sources, found.carries) > 0) & cells.is_input
    convolutions = found.amounts(found.carries)[:, :_CONVOLUTIONS].sum(axis=1) * found.per_edge
    columns = [amount * found.per_edge for amount in amounts]
    return np.column_stack([*columns, cells.inputs - read.sum(axis=1), (_FEW - convolutions).clip(0), convolutions])

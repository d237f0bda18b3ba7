"""What can be counted in a cell of any size: numbers in which accuracy after a full training is nearly linear.

Only edges count that carry something: not null, on a path from an input to the output. Amounts are per eight edges and
per four nodes, as in DARTS' cells, so that larger and denser cells are compared by what they are made of. Operations
are known by their traits; those that few trainings contain count as their nearest relatives, and again by themselves.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import Kind, Operation

Names = tuple[str, ...]

OPERATIONS: Names = ("sep3", "sep5", "dil3", "dil5", "max", "avg", "skip")
PLAIN: Names = (*OPERATIONS, "convolutions at inputs", "skips at inputs", "depth", "sum of depths", "loose ends")
FEW = "few convolutions"
# What the full trainings of DARTS' cells do not contain.
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
_PLACE = {name: place for place, name in enumerate(DETAILED)}
_REMEMBERED = 16_384
# Fewer convolutions than this, of eight edges, are few.
_FEW = 2

_Numbers = NDArray[np.float64]


def plain(architectures: Sequence[Architecture]) -> _Numbers:
    """[n, 2 · len(PLAIN)] of n architectures: the normal cell's, then the reduction cell's (or the normal's again)."""
    return _stacked(architectures, _plain, len(PLAIN))


def detailed(architectures: Sequence[Architecture]) -> _Numbers:
    """[n, 2 · len(DETAILED)], likewise."""
    return _stacked(architectures, _detailed, len(DETAILED))


def foreign(architectures: Sequence[Architecture]) -> _Numbers:
    """[n, len(FOREIGN_COLUMNS)]: the normal cell's, the reduction cell's, and how many convolutions both lack together.

    All 0 for cells as the full trainings have them.
    """
    width = len(FOREIGN)
    cells = _stacked(architectures, _foreign, width + 1).reshape(-1, 2, width + 1)
    few = (2 * _FEW - cells[:, :, width].sum(axis=1, keepdims=True)).clip(0)
    return np.hstack([cells[:, :, :width].reshape(-1, 2 * width), few])


def convolution_share(architecture: Architecture) -> float:
    """Of all edges, nulls included, those that are convolutions."""
    traits = [edge.traits for _, edge in architecture.edges]
    return sum(item.kernel > 0 and not item.kind.is_pooling for item in traits) / max(1, len(traits))


def both(names: Names) -> Names:
    """The columns' names."""
    return tuple(f"{name}, {cell} cell" for cell in ("normal", "reduction") for name in names)


FOREIGN_COLUMNS = (*both(FOREIGN), f"{FEW}, both cells")


def carrying_edges(cell: Cell) -> list[Edge]:
    """Edges on a path of operations other than null from an input to the output, by their sources."""
    reached, carrying = set(range(cell.inputs)), []
    for edge in sorted(cell.edges, key=lambda edge: edge.source):
        if edge.source in reached and edge.target in cell.live_nodes and not edge.is_null:
            reached.add(edge.target)
            carrying.append(edge)
    return carrying


def relative(operation: Operation) -> str:
    """The one of OPERATIONS that is most like it."""
    kind, wide = operation.kind, operation.kernel >= 5
    if kind.is_pooling:
        return "max" if kind is Kind.MAX_POOL else "avg"
    if kind is Kind.SKIP or operation.kernel <= 1:
        return "skip"
    return f"{'dil' if kind is Kind.DIL_CONV else 'sep'}{5 if wide else 3}"


def _stacked(architectures: Sequence[Architecture], of_cell: Callable[[Cell], _Numbers], width: int) -> _Numbers:
    rows = [of_cell(cell) for item in architectures for cell in (item.normal, item.reduction or item.normal)]
    return np.array(rows, dtype=np.float64).reshape(len(architectures), 2 * width)


class _Structure:
    """A cell's carrying edges as relatives, and where they are."""

    def __init__(self, cell: Cell) -> None:
        self.inputs = cell.inputs
        self.edges = [(relative(edge.traits), edge.source, edge.target) for edge in carrying_edges(cell)]
        self.into: dict[int, list[tuple[str, int]]] = {}
        for name, source, target in self.edges:
            self.into.setdefault(target, []).append((name, source))
        self.depth = dict.fromkeys(range(cell.inputs), 0)
        for node in sorted(self.into):
            self.depth[node] = 1 + max(self.depth[source] for _, source in self.into[node])
        self.per_edge = _EDGES / max(1, len(self.edges) + sum(edge.is_null for edge in cell.edges))
        self.per_node = _NODES / max(1, len({edge.target for edge in cell.edges}))

    def place(self, source: int) -> str:
        return "node" if source >= self.inputs else "older" if source < self.inputs - 1 else "latest"


@lru_cache(maxsize=2048)
def _structure(cell: Cell) -> _Structure:
    return _Structure(cell)


@lru_cache(maxsize=_REMEMBERED)
def _plain(cell: Cell) -> _Numbers:
    return np.array([*_plain_of(_structure(cell))])


def _plain_of(found: _Structure) -> Iterator[float]:
    amounts = Counter(name for name, _, _ in found.edges)
    first = Counter(name for name, source, _ in found.edges if source < found.inputs)
    sources = {source for _, source, _ in found.edges}
    yield from (amounts[name] * found.per_edge for name in OPERATIONS)
    yield sum(first[name] for name in OPERATIONS[:4]) * found.per_edge
    yield first["skip"] * found.per_edge
    yield max(found.depth.values()) * min(1.0, found.per_node)
    yield sum(found.depth.values()) * found.per_node
    yield sum(node not in sources for node in found.into) * found.per_node


@lru_cache(maxsize=_REMEMBERED)
def _detailed(cell: Cell) -> _Numbers:
    found = _structure(cell)
    row = np.zeros(len(DETAILED))
    row[: len(PLAIN)] = _plain(cell)
    amounts: dict[int, float] = {}

    def add(name: str, amount: float) -> None:
        place = _PLACE[name]
        amounts[place] = amounts.get(place, 0.0) + amount

    inner = [(name, source) for name, source, _ in found.edges if source >= found.inputs]
    chains = sum(len(found.into[source]) for _, source in inner)
    for name, source, target in found.edges:
        add(f"{name} from {found.place(source)}", found.per_edge)
        add(f"{name} at depth {min(found.depth[target], _DEPTHS[-1])}", found.per_edge)
    for entering in found.into.values():  # a node of n edges counts n ÷ 2 times
        for one, other in combinations(sorted((name for name, _ in entering), key=OPERATIONS.index), 2):
            add(f"{one} beside {other}", found.per_edge / (len(entering) - 1))
    for name, source in inner:  # chains of a node of n edges count as those of two
        for other, _ in found.into[source]:
            add(f"{name} after {other}", found.per_edge * 2 * len(inner) / chains)
    row[list(amounts)] = list(amounts.values())
    return row


@lru_cache(maxsize=_REMEMBERED)
def _foreign(cell: Cell) -> _Numbers:
    """The cell's own counts, then its convolutions."""
    edges, found = carrying_edges(cell), _structure(cell)
    traits = [edge.traits for edge in edges]
    dense = sum(item.kind in (Kind.CONV, Kind.THIN_CONV) and item.kernel > 1 for item in traits)
    pixelwise = sum(item.kind is Kind.CONV and item.kernel == 1 for item in traits)
    wide = sum(item.kind.is_pooling and item.kernel >= 5 for item in traits)
    convolutions = sum(name in OPERATIONS[:4] for name, _, _ in found.edges) * found.per_edge
    unread = cell.inputs - len({edge.source for edge in edges if edge.source < cell.inputs})
    amounts = [amount * found.per_edge for amount in (len(cell.edges) - len(edges), dense, pixelwise, wide)]
    return np.array([*amounts, float(unread), max(0.0, _FEW - convolutions), convolutions])

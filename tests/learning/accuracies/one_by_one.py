"""What is counted of cells, one edge after the other: the same as `counts`, slow and easy to read."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from nat_core.architecture.cell import Cell, Edge
from nat_core.architecture.operations import Kind
from nat_core.learning.accuracies import counts


def carrying_edges(cell: Cell) -> list[Edge]:
    """Edges on a path of operations other than null from an input to the output, by their sources."""
    reached, carrying = set(range(cell.inputs)), []
    for edge in sorted(cell.edges, key=lambda edge: edge.source):
        if edge.source in reached and edge.target in cell.live_nodes and not edge.is_null:
            reached.add(edge.target)
            carrying.append(edge)
    return carrying


class _Structure:
    """A cell's carrying edges as relatives, and where they are."""

    def __init__(self, cell: Cell) -> None:
        self.inputs = cell.inputs
        self.edges = [(counts.relative(edge.traits), edge.source, edge.target) for edge in carrying_edges(cell)]
        self.into: dict[int, list[tuple[str, int]]] = {}
        for name, source, target in self.edges:
            self.into.setdefault(target, []).append((name, source))
        self.depth = dict.fromkeys(range(cell.inputs), 0)
        for node in sorted(self.into):
            self.depth[node] = 1 + max(self.depth[source] for _, source in self.into[node])
        self.per_edge = 8 / max(1, len(self.edges) + sum(edge.is_null for edge in cell.edges))
        self.per_node = 4 / max(1, len({edge.target for edge in cell.edges}))

    def place(self, source: int) -> str:
        return "node" if source >= self.inputs else "older" if source < self.inputs - 1 else "latest"


def plain(cell: Cell) -> np.ndarray:
    return np.array([*_plain_of(_Structure(cell))])


def _plain_of(found: _Structure) -> Iterator[float]:
    amounts = Counter(name for name, _, _ in found.edges)
    first = Counter(name for name, source, _ in found.edges if source < found.inputs)
    sources = {source for _, source, _ in found.edges}
    yield from (amounts[name] * found.per_edge for name in counts.OPERATIONS)
    yield sum(first[name] for name in counts.OPERATIONS[:4]) * found.per_edge
    yield first["skip"] * found.per_edge
    yield max(found.depth.values()) * min(1.0, found.per_node)
    yield sum(found.depth.values()) * found.per_node
    yield sum(node not in sources for node in found.into) * found.per_node


def detailed(cell: Cell) -> np.ndarray:
    found = _Structure(cell)
    row = np.zeros(len(counts.DETAILED))
    row[: len(counts.PLAIN)] = plain(cell)
    amounts: dict[int, float] = {}

    def add(name: str, amount: float) -> None:
        place = counts.DETAILED.index(name)
        amounts[place] = amounts.get(place, 0.0) + amount

    inner = [(name, source) for name, source, _ in found.edges if source >= found.inputs]
    chains = sum(len(found.into[source]) for _, source in inner)
    for name, source, target in found.edges:
        add(f"{name} from {found.place(source)}", found.per_edge)
        add(f"{name} at depth {min(found.depth[target], 4)}", found.per_edge)
    for entering in found.into.values():  # a node of n edges counts n ÷ 2 times
        for one, other in combinations(sorted((name for name, _ in entering), key=counts.OPERATIONS.index), 2):
            add(f"{one} beside {other}", found.per_edge / (len(entering) - 1))
    for name, source in inner:  # chains of a node of n edges count as those of two
        for other, _ in found.into[source]:
            add(f"{name} after {other}", found.per_edge * 2 * len(inner) / chains)
    row[list(amounts)] = list(amounts.values())
    return row


def foreign(cell: Cell) -> np.ndarray:
    """The cell's own counts, then its convolutions."""
    edges, found = carrying_edges(cell), _Structure(cell)
    traits = [edge.traits for edge in edges]
    dense = sum(item.kind in (Kind.CONV, Kind.THIN_CONV) and item.kernel > 1 for item in traits)
    pixelwise = sum(item.kind is Kind.CONV and item.kernel == 1 for item in traits)
    wide = sum(item.kind.is_pooling and item.kernel >= 5 for item in traits)
    convolutions = sum(name in counts.OPERATIONS[:4] for name, _, _ in found.edges) * found.per_edge
    unread = cell.inputs - len({edge.source for edge in edges if edge.source < cell.inputs})
    amounts = [amount * found.per_edge for amount in (len(cell.edges) - len(edges), dense, pixelwise, wide)]
    return np.array([*amounts, float(unread), max(0.0, 2 - convolutions), convolutions])

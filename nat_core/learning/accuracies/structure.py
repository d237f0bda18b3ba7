"""What can be counted about an architecture: a few numbers in which accuracy after a whole training is nearly linear.

Only edges count that carry something: not null, on a path from an input to the output. The more there is of something,
the less another one matters, hence logarithms.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import log1p

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import Kind
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model

_CELL_FEATURES: tuple[str, ...] = (
    "ln(1 + layers)",  # of convolutions that see more than one pixel; a sep_conv has two
    "ln(1 + layers of any kernel)",
    "ln(1 + max poolings)",
    "ln(1 + average poolings)",
    "reads the latest cell",  # 1 if any edge does, else 0
    "share of the older cell, up to 1/4",  # of the ways back from the output, each node's edges being equally likely
    "most poolings on a path",  # from an input to the output: each blurs what the others left
)
_SHARE = 1 / 4
FEATURES: tuple[str, ...] = (
    "ln MACs",
    *(f"{name}, {cell} cell" for cell in ("normal", "reduction") for name in _CELL_FEATURES),
)


# Root of the covariance expected of the weights of standardised features, up to a factor: what is counted is worth
# nearly the same in either cell, a difference less than a third as likely as a sum.
_ALIKE = 0.3


def _expected() -> NDArray[np.float64]:
    """[len(FEATURES), len(FEATURES)], by columns: MACs, sums over both cells, normal minus reduction cell."""
    found, half = np.eye(len(FEATURES)), np.eye(len(_CELL_FEATURES)) / 2**0.5
    found[1:, 1:] = np.block([[half, _ALIKE * half], [half, -_ALIKE * half]])
    return found


EXPECTED = _expected()


def features(architectures: Sequence[Architecture], network: NetworkConfig) -> NDArray[np.float64]:
    """[n, len(FEATURES)] for n architectures; MACs are of `network`, dead edges left out.

    An architecture without a reduction cell has zeros there.
    """
    return np.array([_of_architecture(item, network) for item in architectures]).reshape(-1, len(FEATURES))


@lru_cache(maxsize=65_536)
def _of_architecture(architecture: Architecture, network: NetworkConfig) -> tuple[float, ...]:
    macs = cost_model(network).cost(architecture.effective).macs
    reduction = _of_cell(architecture.reduction) if architecture.reduction else (0.0,) * len(_CELL_FEATURES)
    return (float(np.log(macs)), *_of_cell(architecture.normal), *reduction)


@lru_cache(maxsize=65_536)
def _of_cell(cell: Cell) -> tuple[float, ...]:
    edges = carrying_edges(cell)
    poolings = Counter(edge.traits.kind for edge in edges if edge.traits.kind.is_pooling)
    pixelwise = sum(edge.traits.kernel == 1 for edge in edges)
    layers = sum(map(_layers, edges))
    amounts = (layers, layers + pixelwise, poolings[Kind.MAX_POOL], poolings[Kind.AVG_POOL])
    latest = any(edge.source == cell.inputs - 1 for edge in edges)
    return (*map(log1p, amounts), float(latest), min(_SHARE, _share_of(0, cell, edges)), _most_poolings(cell, edges))


def _share_of(node: int, cell: Cell, edges: Sequence[Edge]) -> float:
    """Probability that a way back from the output ends in input `node`; `edges` by their sources."""
    shares = {given: float(given == node) for given in range(cell.inputs)}
    for target in cell.intermediates:
        if sources := [edge.source for edge in edges if edge.target == target]:
            shares[target] = sum(shares[source] for source in sources) / len(sources)
    ends = [shares[end] for end in cell.output_nodes if end in shares]
    return sum(ends) / len(ends) if ends else 0.0


def _most_poolings(cell: Cell, edges: Sequence[Edge]) -> float:
    """On a path from an input to the output; `edges` by their sources."""
    most: Counter[int] = Counter()
    for edge in edges:
        most[edge.target] = max(most[edge.target], most[edge.source] + edge.traits.kind.is_pooling)
    return float(max((most[node] for node in cell.output_nodes), default=0))


def _layers(edge: Edge) -> int:
    """Of convolutions that see more than one pixel."""
    kind, kernel = edge.traits.kind, edge.traits.kernel
    return 0 if kind.is_pooling or kernel <= 1 else 2 if kind is Kind.SEP_CONV else 1


def carrying_edges(cell: Cell) -> list[Edge]:
    """Edges on a path of operations other than null from an input to the output, by their sources."""
    reached, carrying = set(range(cell.inputs)), []
    for edge in sorted(cell.edges, key=lambda edge: edge.source):
        if edge.source in reached and edge.target in cell.live_nodes and not edge.is_null:
            reached.add(edge.target)
            carrying.append(edge)
    return carrying

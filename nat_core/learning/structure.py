"""What can be counted about an architecture: a few numbers in which accuracy after a whole training is nearly linear.

Only edges count that carry something: not null, on a path from an input to the output.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import Kind
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model

_CELL_FEATURES = (
    "convolutions",  # edges with weights
    "poolings",
    "skips",
    "depth",  # most convolutions in a row
    "reads the latest cell",  # 1 if any edge does, else 0
)
FEATURES = ("ln MACs", *(f"{name}, {cell} cell" for cell in ("normal", "reduction") for name in _CELL_FEATURES))


def features(architectures: Sequence[Architecture], network: NetworkConfig) -> NDArray[np.float64]:
    """[n, len(FEATURES)] for n architectures; MACs are of `network`, dead edges left out.

    An architecture without a reduction cell has zeros there.
    """
    model, empty = cost_model(network), (0.0,) * len(_CELL_FEATURES)
    return np.array(
        [
            [
                float(np.log(model.cost(item.effective).macs)),
                *_of_cell(item.normal),
                *(_of_cell(item.reduction) if item.reduction else empty),
            ]
            for item in architectures
        ]
    ).reshape(-1, len(FEATURES))


@lru_cache(maxsize=65_536)
def _of_cell(cell: Cell) -> tuple[float, ...]:
    edges = carrying_edges(cell)
    kinds = [edge.traits.kind for edge in edges]
    poolings = sum(kind.is_pooling for kind in kinds)
    skips = kinds.count(Kind.SKIP)
    latest = any(edge.source == cell.inputs - 1 for edge in edges)
    return (
        float(len(edges) - poolings - skips),
        float(poolings),
        float(skips),
        float(_depth(cell, edges)),
        float(latest),
    )


def carrying_edges(cell: Cell) -> list[Edge]:
    """Edges on a path of operations other than null from an input to the output, by their sources."""
    reached, carrying = set(range(cell.inputs)), []
    for edge in sorted(cell.edges, key=lambda edge: edge.source):
        if edge.source in reached and edge.target in cell.live_nodes and not edge.is_null:
            reached.add(edge.target)
            carrying.append(edge)
    return carrying


def _depth(cell: Cell, edges: Sequence[Edge]) -> int:
    """Most convolutions on one path; `edges` are sorted by their sources."""
    depths = [0] * cell.nodes
    for edge in edges:
        kind = edge.traits.kind
        weighs = not kind.is_pooling and kind is not Kind.SKIP
        depths[edge.target] = max(depths[edge.target], depths[edge.source] + weighs)
    return max(depths[node] for node in cell.output_nodes)

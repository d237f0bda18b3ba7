"""Graph networks that read one cell at a time: for tables of thousands of trained cells.

An ensemble by folds: each member leaves out one, which it then predicts as unseen. Operations that no trained cell has
are read as those most like them that some have, and edges that carry nothing are left out.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import OPERATIONS, Kind, Operation
from nat_core.learning.accuracies.counts import carrying_edges
from nat_core.learning.accuracies.regressor import GraphRegressor
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_member, predicted_targets
from nat_core.learning.graphs.graph import encode, select
from nat_core.specification import specified

_Numbers = NDArray[np.float64]
_REMEMBERED = 200_000
# What a cell without any edge that carries something is worth, in targets: less than all that trained.
WORTHLESS = -3.0


@specified
class NetworkShape:
    """Of every member, and how long it was fitted."""

    width: Annotated[int, Field(ge=1, le=256)] = 64
    layers: Annotated[int, Field(ge=1, le=8)] = 3
    embedding: Annotated[int, Field(ge=1, le=256)] = 32
    steps: Annotated[int, Field(ge=1, le=100_000)] = 1000
    batch: Annotated[int, Field(ge=1, le=4096)] = 256


@dataclass(frozen=True, eq=False)
class CellNetwork:
    """An ensemble that tells cells' targets.

    Attributes:
        members: in evaluation mode.
        shape: of each.
        operations: that trained cells have.
    """

    members: tuple[GraphRegressor, ...]
    shape: NetworkShape
    operations: tuple[str, ...]
    _known: dict[Cell, tuple[float, ...]] = field(default_factory=dict, repr=False)

    def targets(self, cells: Sequence[Cell]) -> _Numbers:
        """[members, n] of n cells; repeats cost nothing."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        missing = [cell for cell in dict.fromkeys(cells) if cell not in self._known]
        readable = {cell: found for cell in missing if (found := read_as(cell, self.operations)) is not None}
        if readable:
            distinct = list(dict.fromkeys(readable.values()))
            graphs = encode([Architecture(item) for item in distinct])
            rows = np.stack([predicted_targets(member, graphs) for member in self.members]).T
            values = dict(zip(distinct, map(tuple, rows.tolist()), strict=True))
            self._known.update({cell: values[found] for cell, found in readable.items()})
        nothing = (WORTHLESS,) * len(self.members)
        self._known.update({cell: nothing for cell in missing if cell not in readable})
        return np.array([self._known[cell] for cell in cells]).reshape(len(cells), len(self.members)).T


def fit_cell_network(
    cells: Sequence[Cell],
    targets: _Numbers,
    folds: NDArray[np.int64],
    shape: NetworkShape | None = None,
    seed: int = 0,
) -> tuple[CellNetwork, _Numbers]:
    """A member for each fold, which it leaves out.

    Args:
        cells: n of them.
        targets: [n], of mean about 0 and deviation about 1.
        folds: [n] numbers from 0.

    Returns:
        The ensemble, and [n] the targets of each cell by the member that has not seen it.
    """
    shape = shape or NetworkShape()
    known = tuple(sorted({edge.operation for cell in cells for edge in carrying_edges(cell)}))
    if dead := sum(not carrying_edges(cell) for cell in cells):
        raise ValueError(f"{dead} trained cells carry nothing from their inputs to their output")
    readable = [found for cell in cells if (found := read_as(cell, known)) is not None]
    graphs = encode([Architecture(cell) for cell in readable])
    config = RewardModelConfig(
        width=shape.width, layers=shape.layers, embedding=shape.embedding, steps=shape.steps, batch=shape.batch,
        seed=seed,
    )  # fmt: skip
    wanted, unseen, members = torch.from_numpy(targets).float(), np.empty(len(cells)), []
    for fold in range(int(folds.max()) + 1):
        member = fit_member(graphs, wanted, torch.from_numpy(np.flatnonzero(folds != fold)), config, fold)
        own = np.flatnonzero(folds == fold)
        unseen[own] = predicted_targets(member, select(graphs, torch.from_numpy(own)))
        members.append(member)
    return CellNetwork(tuple(members), shape, known), unseen


def read_as(cell: Cell, operations: Sequence[str]) -> Cell | None:
    """`cell` of its carrying edges alone, with `operations` only; None if it carries nothing."""
    nearest = _nearest(tuple(operations))
    edges = tuple(
        Edge(nearest[edge.operation], edge.source, edge.target)
        for edge in sorted(carrying_edges(cell), key=lambda edge: edge.target)
    )
    return Cell(cell.inputs, cell.nodes, edges, cell.output, cell.combine) if edges else None


def _nearest(operations: tuple[str, ...]) -> Mapping[str, str]:
    """For every operation that one of `operations` which is most like it."""
    if operations not in _NEAREST:
        _NEAREST[operations] = {
            name: min(operations, key=lambda other: _unlikeness(traits, OPERATIONS[other]))
            for name, traits in OPERATIONS.items()
        }
    return _NEAREST[operations]


_NEAREST: dict[tuple[str, ...], Mapping[str, str]] = {}


def _unlikeness(one: Operation, other: Operation) -> float:
    return math.dist(tuple(_traits(one)), tuple(_traits(other)))


def _traits(operation: Operation) -> Iterator[float]:
    """Of which kind it is weighs most, then whether it is dilated or which pooling, then its size."""
    kind = operation.kind
    plain = kind is Kind.SKIP or (operation.kernel <= 1 and not kind.is_pooling)
    yield 8.0 * (0 if plain else 1)
    yield 8.0 * kind.is_pooling
    yield 8.0 * (kind is Kind.NULL)
    yield 2.0 * (operation.dilation > 1)
    yield 2.0 * (kind is Kind.AVG_POOL)
    yield 1.0 * (kind in (Kind.CONV, Kind.THIN_CONV))
    yield operation.kernel / 4

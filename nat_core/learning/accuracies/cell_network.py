"""Graph networks that read one cell at a time: for tables of thousands of trained cells.

Each member of the ensemble leaves out one fold and predicts it as unseen data. Operations that no trained cell has are
replaced by the most similar ones that occur, and edges that do not affect the output are removed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from nat_core.architecture.cell import MAX_NODES, Cell
from nat_core.architecture.operations import INDEX, NAMES, OPERATIONS, Kind, Operation
from nat_core.architecture.rows import CellRows, Numbers
from nat_core.learning.accuracies.regressor import GraphRegressor
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_member, predicted_targets
from nat_core.learning.graphs.graph import encode_cells, select
from nat_core.specification import specified

_Numbers = NDArray[np.float64]
_REMEMBERED = 200_000
# What a cell without any edge that carries something is worth, in targets: less than all that trained.
WORTHLESS = -3.0


@specified
class NetworkShape:
    """The shape of every member, and the length of its fit."""

    width: Annotated[int, Field(ge=1, le=256)] = 64
    layers: Annotated[int, Field(ge=1, le=8)] = 3
    embedding: Annotated[int, Field(ge=1, le=256)] = 32
    steps: Annotated[int, Field(ge=1, le=100_000)] = 1000
    batch: Annotated[int, Field(ge=1, le=4096)] = 256


@dataclass(frozen=True, eq=False)
class CellNetwork:
    """An ensemble that predicts cells' targets.

    Attributes:
        members: members of the ensemble, in evaluation mode.
        shape: shape of each member.
        operations: operations in the trained cells.
    """

    members: tuple[GraphRegressor, ...]
    shape: NetworkShape
    operations: tuple[str, ...]
    _known: dict[bytes, tuple[float, ...]] = field(default_factory=dict, repr=False)

    def targets(self, cells: CellRows) -> _Numbers:
        """Return predicted targets of n cells, cached, shape [members, n]."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        read = read_as(cells, self.operations)
        keys = _keys(read)
        first = {key: number for number, key in enumerate(keys) if key not in self._known}
        if first:
            missing = read.chosen(np.array([*first.values()]))
            self._known.update(zip(first, map(tuple, self._answers(missing).T.tolist()), strict=True))
        return np.array([self._known[key] for key in keys]).reshape(len(cells), len(self.members)).T

    def _answers(self, read: CellRows) -> _Numbers:
        """Return predicted targets of n cells, not cached, shape [members, n]."""
        alive = np.flatnonzero(read.exists.any(axis=1))
        answers = np.full((len(self.members), len(read)), WORTHLESS)
        if len(alive):
            graphs = encode_cells(read.chosen(alive))
            answers[:, alive] = predicted_targets(self.members, graphs)
        return answers


def fit_cell_network(
    cells: Sequence[Cell],
    targets: _Numbers,
    folds: NDArray[np.int64],
    shape: NetworkShape | None = None,
    seed: int = 0,
) -> tuple[CellNetwork, _Numbers]:
    """Fit an ensemble of one member per fold; each member leaves out its fold.

    Args:
        cells: n cells.
        targets: targets of the cells, [n], with mean about 0 and standard deviation about 1.
        folds: number of each cell's fold, [n], from 0.

    Returns:
        The ensemble, and each cell's target predicted by the member that has not seen the cell, [n].
    """
    shape = shape or NetworkShape()
    rows = CellRows.of(cells)
    if dead := int((~rows.carries.any(axis=1)).sum()):
        raise ValueError(f"{dead} trained cells carry nothing from their inputs to their output")
    known = tuple(sorted({NAMES[number] for number in np.unique(rows.operations[rows.carries])}))
    graphs = encode_cells(read_as(rows, known))
    config = RewardModelConfig(
        width=shape.width, layers=shape.layers, embedding=shape.embedding, steps=shape.steps, batch=shape.batch,
        seed=seed,
    )  # fmt: skip
    wanted, unseen, members = torch.from_numpy(targets).float(), np.empty(len(cells)), []
    for fold in range(int(folds.max()) + 1):
        member = fit_member(graphs, wanted, torch.from_numpy(np.flatnonzero(folds != fold)), config, fold)
        own = np.flatnonzero(folds == fold)
        unseen[own] = predicted_targets([member], select(graphs, torch.from_numpy(own)))[0]
        members.append(member)
    return CellNetwork(tuple(members), shape, known), unseen


def read_as(cells: CellRows, operations: Sequence[str]) -> CellRows:
    """Return `cells` without edges that do not affect the output, with every operation mapped to one of
    `operations`.
    """
    return cells.with_edges(cells.carries, _nearest(tuple(operations))[cells.operations])


def _keys(cells: CellRows) -> list[bytes]:
    """Return one key per cell; equal cells have equal keys, whatever their padding."""
    graph, edge = np.nonzero(cells.exists)
    parts = np.column_stack([cells.operations[graph, edge], cells.sources[graph, edge], cells.targets[graph, edge]])
    raw, width = parts.astype(np.int8).tobytes(), 3
    ends = np.cumsum(cells.exists.sum(axis=1)).tolist()
    nodes = cells.outputs.shape[1] - 1
    whole = np.column_stack([cells.inputs, cells.nodes, cells.concatenates, cells.outputs[:, :nodes]]).astype(np.int8)
    heads = [row.tobytes() for row in np.pad(whole, ((0, 0), (0, MAX_NODES - nodes)))]
    return [head + raw[width * begin : width * end] for head, begin, end in zip(heads, [0, *ends], ends, strict=False)]


@cache
def _nearest(operations: tuple[str, ...]) -> Numbers:
    """Return the row of the most similar one of `operations` for every operation, in the order of the table."""
    known = [OPERATIONS[name] for name in operations]
    found = [min(known, key=lambda other: _unlikeness(traits, other)) for traits in OPERATIONS.values()]
    return np.array([INDEX[item.name] for item in found])


def _unlikeness(one: Operation, other: Operation) -> float:
    return math.dist(tuple(_traits(one)), tuple(_traits(other)))


def _traits(operation: Operation) -> Iterator[float]:
    """Yield an operation's coordinates: its kind weighs most, then dilation or kind of pooling, then size."""
    kind = operation.kind
    plain = kind is Kind.SKIP or (operation.kernel <= 1 and not kind.is_pooling)
    yield 8.0 * (0 if plain else 1)
    yield 8.0 * kind.is_pooling
    yield 8.0 * (kind is Kind.NULL)
    yield 2.0 * (operation.dilation > 1)
    yield 2.0 * (kind is Kind.AVG_POOL)
    yield 1.0 * (kind in (Kind.CONV, Kind.THIN_CONV))
    yield operation.kernel / 4

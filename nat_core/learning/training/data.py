"""The data of a training: input architectures, split into training and held-out ones, and the source of rewards."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import Space
from nat_core.learning.accuracies.own_trainings import model_of_files
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.nasbench201 import table
from nat_core.learning.training.config import TRAININGS, InputsConfig, TrainingConfig
from nat_core.learning.training.rewards import Objective, RelativeCost
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

_THINNED_AT_MOST = 0.5
_CHAINED = 0.25


@dataclass(frozen=True)
class Inputs:
    """Architectures to transform: those trained on, and those that are only measured."""

    training: tuple[Architecture, ...]
    held_out: tuple[Architecture, ...]


def split_codes(inputs: InputsConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return codes of NAS-Bench-201 cells to train on and to hold out: a seeded permutation cut in two.

    Raises:
        ValueError: more cells are requested than there are.
    """
    if (wanted := inputs.training + inputs.held_out) > table.SIZE:
        raise ValueError(f"inputs.training + inputs.held_out is {wanted}; NAS-Bench-201 has {table.SIZE} cells")
    order = np.random.default_rng(inputs.split_seed).permutation(table.SIZE)
    return order[: inputs.training], order[table.SIZE - inputs.held_out :]


def inputs_of(config: TrainingConfig) -> Inputs:
    """The inputs of a training: cells of the benchmark where the space is enumerated, else a seeded random pool."""
    if config.space == table.SPACE.name:
        parts = split_codes(config.inputs)
        return Inputs(*(tuple(table.architecture_of_code(int(code)) for code in part) for part in parts))
    inputs, rng = config.inputs, random.Random(config.inputs.split_seed)
    pool = [config.target_space.sample(rng) for _ in range(inputs.training + inputs.held_out)]
    training = (
        _as_by_hand(item, config.target_space, rng) if rng.random() < inputs.thinned_share else item
        for item in pool[: inputs.training]
    )
    return Inputs(tuple(training), tuple(pool[inputs.training :]))


def _as_by_hand(architecture: Architecture, space: Space, rng: random.Random) -> Architecture:
    """Draw cells like those that people have designed: most are sparse, some are chains."""
    return _chained(architecture, space, rng) if rng.random() < _CHAINED else _thinned(architecture, rng)


def _chained(architecture: Architecture, space: Space, rng: random.Random) -> Architecture:
    """Return a chain: one operation between each node and the previous one, and null on all other edges."""
    operations = [name for name in space.operations if name != "null"]

    def cell(given: Cell) -> Cell:
        edges: list[Edge] = []
        for edge in given.edges:
            beside = edges and edges[-1].target == edge.target
            name = rng.choice(operations) if edge.is_null else edge.operation
            edges.append(edge._replace(operation="null") if beside else Edge(name, edge.target - 1, edge.target))
        return space.cell(tuple(edges), given.nodes)

    return Architecture(cell(architecture.normal), cell(architecture.reduction) if architecture.reduction else None)


def _thinned(architecture: Architecture, rng: random.Random) -> Architecture:
    """Replace a random share of the operations by null; in some cells, all edges from the first input."""
    share, unread = rng.random() * _THINNED_AT_MOST, {name: rng.random() < 0.5 for name, _ in architecture.cells}
    return architecture.with_operations(
        [
            "null" if rng.random() < share or (edge.source == 0 and unread[name]) else edge.operation
            for name, edge in architecture.edges
        ]
    )


def objective_of(config: TrainingConfig, source: AccuracySource | None = None) -> Objective:
    """Return the objective of the training; without `source`, its source is the one in the configuration.

    Raises:
        ValueError: the space has no table, so a source is needed.
    """
    source = source or source_of(config)
    reward = config.reward
    relative_cost = relative_cost_of(config) if reward.cost_weight else None
    return Objective(source, relative_cost, reward.cost_weight, reward.change_weight, reward.caution)


def source_of(config: TrainingConfig) -> AccuracySource:
    """Return the accuracy source that the configuration names. Raises ValueError if its space has none."""
    if config.reward.source == TRAININGS:
        if config.reward.trainings:
            return model_of_files(tuple(map(Path, config.reward.trainings)), config.space, config.seed)[0]
        return shipped_trainings_model(config.space)
    if config.space != table.SPACE.name:
        raise ValueError(f"{config.space} has no table of accuracies; accepted for reward.source: {TRAININGS}")
    return table.TabularAccuracy(config.reward.data_set)


def read_in_words(config: TrainingConfig) -> str:
    """Read the files of trained cells, and measure how well they can be predicted. Raises ValueError like
    `source_of`.
    """
    model, predicted = model_of_files(tuple(map(Path, config.reward.trainings)), config.space, config.seed)
    tables = ", ".join(f"{source.name} ({source.rows:,} cells)" for source in model.sources)
    quality = predicted.quality
    return (
        f"read {tables}; cells of other topologies are predicted with rank correlation {quality.rank_correlation:.2f}, "
        f"error {quality.error_points:.2f} points, {quality.within_one:.0%} within one standard error and "
        f"{quality.within_two:.0%} within two"
    )


def relative_cost_of(config: TrainingConfig) -> RelativeCost:
    """The cost that the configuration names, as a fraction of the heaviest architecture's."""
    if config.reward.cost == "macs":
        return relative_macs(config.target_space)
    latencies = table.latencies_ms(config.reward.cost)
    return lambda architectures: latencies[table.codes(architectures)] / latencies.max()


def relative_macs(space: Space) -> RelativeCost:
    """MACs of the whole network ÷ MACs with the heaviest operation of `space` on every edge, same topology."""
    model = cost_model(NETWORKS[space.network])
    columns = [INDEX[name] for name in space.operations]

    def relative(architecture: Architecture) -> float:
        fixed, (macs, _) = model.fixed_cost(architecture).macs, model.edge_table(architecture)
        chosen = sum(int(row[INDEX[name]]) for row, name in zip(macs, architecture.operations, strict=True))
        return (fixed + chosen) / (fixed + int(macs[:, columns].max(axis=1).sum()))

    return lambda architectures: np.array([relative(item) for item in architectures])

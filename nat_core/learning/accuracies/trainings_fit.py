"""Fits a model to trained cells, and measures how well it predicts held-out cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.rows import ArchitectureRows, CellRows
from nat_core.learning.accuracies import counts
from nat_core.learning.accuracies.beside import expected_of, shipped_trainings
from nat_core.learning.accuracies.cell_network import CellNetwork, NetworkShape, fit_cell_network
from nat_core.learning.accuracies.line import Data, Expected, Standard, fitted, folds_of, left_out
from nat_core.learning.accuracies.trained_cells import TrainedCells
from nat_core.learning.accuracies.trainings_model import (
    Knots,
    LeftOut,
    Read,
    Source,
    Student,
    TrainingsModel,
    Unexplained,
    columns_of,
)
from nat_core.learning.support.ranks import TargetScale, rank_correlation

_Numbers = NDArray[np.float64]
_Chosen = NDArray[np.bool_]
_LEAST = 20
# Cells from which on a graph network tells more than counts do.
NETWORK_FROM = 1000
_FOLDS = 10
_NETWORK_FOLDS = 5
# Penalties on standardised weights; the one that predicts left-out topologies best is taken.
_PENALTIES = (10.0, 30.0, 100.0, 300.0)
_STUDENT_PENALTY = 100.0
# Of a network's answers: what the normal cell's is worth beside the reduction cell's, and how surely.
_CELL_WEIGHTS, _CELL_WEIGHT_DEVIATION = (0.65, 0.35), 0.15
# Share of the unexplained variance that is attributed to the noise of one training, where that is unknown.
_NOISE_SHARE = 1 / 3
_KNOTS = 33
# Levels of what is unexplained, and cells that each needs.
_LEVELS, _ROWS_PER_LEVEL = 6, 200
# A lack of convolutions is assumed to cost this many standard errors more than the fit says.
_PESSIMISM = 0.5
# A distribution more skewed than this is predicted by ranks.
_SKEWED = 1.0


@dataclass(frozen=True, eq=False)
class Predicted:
    """Held-out predictions: each cell is predicted by a fit that has seen no cell of its topology.

    Attributes:
        architectures: n architectures.
        tables: number of each architecture's table, [n].
        measured, predicted, errors: accuracies in percent, and standard errors of one training in points, [n].
    """

    architectures: tuple[Architecture, ...]
    tables: NDArray[np.int64]
    measured: _Numbers
    predicted: _Numbers
    errors: _Numbers

    @property
    def quality(self) -> LeftOut:
        """Figures; rank correlations are means over tables, by their rows."""
        off = np.abs(self.predicted - self.measured)
        return LeftOut(
            len(off),
            self._rank_correlation(),
            float(np.sqrt(np.mean(off**2))),
            float(np.mean(off <= self.errors)),
            float(np.mean(off <= 2 * self.errors)),
        )

    def rank_correlations(self) -> dict[int, float]:
        """Spearman's, of each table."""
        own = {int(table): self.tables == table for table in np.unique(self.tables)}
        return {table: rank_correlation(self.predicted[which], self.measured[which]) for table, which in own.items()}

    def _rank_correlation(self) -> float:
        found = self.rank_correlations()
        rows = [int((self.tables == table).sum()) for table in found]
        return float(np.average(list(found.values()), weights=rows))


def fit_trainings_model(
    tables: Sequence[TrainedCells],
    space: str,
    about: str = "",
    *,
    students: Sequence[Student] = (),
    beside: Sequence[TrainedCells] | None = None,
    sources: Sequence[Source] = (),
    noise_points: float | None = None,
    shape: NetworkShape | None = None,
    seed: int = 0,
) -> tuple[TrainingsModel, Predicted]:
    """Fit a model to tables of one kind of training; each has its own level, and that of the first is predicted.

    Args:
        tables: tables of cells of any space; those outside `space` are used, too.
        space: space of the architectures that the model will evaluate.
        about: the training in words; by default the first table's name.
        students: linear models that imitate other sources.
        beside: other trainings, which inform about operations that these lack; by default the shipped ones.
        sources: sources of the trainings, for the card.
        noise_points: standard deviation between trainings of one cell, if known.
        shape: shape of the networks, which are fitted to a thousand cells or more.
        seed: seed of folds and networks.

    Returns:
        The model, and each cell's prediction by a fit without its topology.

    Raises:
        ValueError: there are too few cells, or all accuracies are equal.
    """
    cells = tuple(item for table in tables for item in table.architectures)
    if len(cells) < _LEAST:
        raise ValueError(f"{len(cells)} trained cells; accepted: {_LEAST} or more")
    accuracies = np.concatenate([table.accuracies_percent for table in tables])
    numbers = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    centred = _centred(accuracies, numbers)
    if centred.std() == 0:
        raise ValueError("all accuracies are the same, so nothing can be learned from them")
    knots = _knots(accuracies, centred)
    targets = knots.scale.to_target(accuracies)
    folds = folds_of([item.topology for item in cells], _FOLDS, seed)
    network, unseen = None, None
    if len(cells) >= NETWORK_FROM:
        network, unseen = _network(cells, targets, folds % _NETWORK_FOLDS, shape, seed)
    lacking = _lacking(cells, network)
    beside = shipped_trainings() if beside is None else beside
    data, standard, free = _data(cells, targets, numbers, students, network, unseen, lacking, beside)
    penalty, unexplained, predicted, variances = _best(data, free, folds)
    noise_share = _NOISE_SHARE
    if noise_points is not None:
        noise_share = min(1.0, (noise_points * _targets_per_point(knots, targets)) ** 2 / unexplained)
    line = fitted(_with_penalty(data, free, penalty, unexplained), standard, unexplained)
    left = _left(predicted, targets, variances, unexplained, noise_share)
    errors = np.sqrt(variances + left(predicted))
    to_percent = knots.scale.to_percent
    evaluated = Predicted(
        cells, numbers, accuracies, to_percent(predicted),
        (to_percent(predicted + errors) - to_percent(predicted - errors)) / 2,
    )  # fmt: skip
    model = TrainingsModel(
        space, about or tables[0].name, line, tuple(students), lacking, knots, left, evaluated.quality,
        tuple(sources), network,
    )  # fmt: skip
    return model, evaluated


def _centred(values: _Numbers, tables: NDArray[np.int64]) -> _Numbers:
    """Subtract the mean of each value's table, shape [n]."""
    counted = np.bincount(tables)
    return np.asarray(values - (np.bincount(tables, weights=values) / counted)[tables], dtype=np.float64)


def _left(
    predicted: _Numbers, targets: _Numbers, variances: _Numbers, unexplained: float, noise_share: float
) -> Unexplained:
    """Fit the unexplained variance; with many cells, as a function of how good they are, from the 67 % and 95 %
    quantiles.
    """
    count = min(_LEVELS, len(targets) // _ROWS_PER_LEVEL)
    if count < 2:
        return Unexplained((0.0,), (unexplained,), noise_share)
    levels, found = [], []
    for part in np.array_split(np.argsort(predicted), count):
        usual, most = np.quantile(np.abs(predicted - targets)[part], [0.683, 0.954])
        levels.append(float(np.median(predicted[part])))
        found.append(max(float(((usual + most / 2) / 2) ** 2 - np.mean(variances[part])), 1e-3 * unexplained))
    return Unexplained(tuple(levels), tuple(found), noise_share)


def fit_student(name: str, table: TrainedCells, by_rank: bool = False) -> Student:
    """Fit a student: a linear model that predicts a source's values of n cells from counts.

    Args:
        name: name of the source.
        table: cells with the source's values.
        by_rank: whether the student learns normal scores of the values.
    """
    columns, targets = counts.detailed(ArchitectureRows.of(table.architectures)), table.accuracies_percent
    if by_rank:
        targets = TargetScale.fitted(targets, 1.0).to_target(targets)
    folds = folds_of([item.topology for item in table.architectures], _FOLDS)
    unseen = np.empty(len(targets))
    for fold in range(_FOLDS):
        weights, intercept = _ridge(columns[folds != fold], targets[folds != fold])
        unseen[folds == fold] = columns[folds == fold] @ weights + intercept
    weights, intercept = _ridge(columns, targets)
    correlation = rank_correlation(unseen, table.accuracies_percent)
    return Student(name, tuple(weights.tolist()), intercept, round(correlation, 4))


def _ridge(columns: _Numbers, targets: _Numbers) -> tuple[_Numbers, float]:
    means, spread = columns.mean(axis=0), columns.std(axis=0)
    deviations = np.where(spread > 0, spread, 1.0)
    known = (columns - means) / deviations
    precision = known.T @ known + _STUDENT_PENALTY * np.eye(known.shape[1])
    weights = np.linalg.solve(precision, known.T @ (targets - targets.mean())) / deviations
    return weights, float(targets.mean() - means @ weights)


def _knots(accuracies: _Numbers, centred: _Numbers) -> Knots:
    """Use ranks if a few bad cells would dominate the fit, else the accuracies themselves."""
    skewed = abs(np.mean(centred**3)) / centred.std() ** 3 > _SKEWED
    scale = TargetScale.fitted(accuracies, 1.0 if skewed else 0.0)
    kept = np.unique(np.linspace(0, len(scale.targets) - 1, _KNOTS).round().astype(int))
    return Knots(tuple(scale.accuracies_percent[kept].tolist()), tuple(scale.targets[kept].tolist()))


def _targets_per_point(knots: Knots, targets: _Numbers) -> float:
    middle = np.median(targets)
    return float(0.2 / np.ptp(knots.scale.to_percent(np.array([middle - 0.1, middle + 0.1]))))


def _network(
    cells: Sequence[Architecture], targets: _Numbers, folds: NDArray[np.int64], shape: NetworkShape | None, seed: int
) -> tuple[CellNetwork, _Numbers]:
    """Fit a network on normal cells; return it, and predictions for both cells of each architecture, [n, 2], by members
    that have not seen the topology."""
    network, unseen = fit_cell_network([item.normal for item in cells], targets, folds, shape, seed)
    columns = np.stack([unseen, unseen], axis=1)
    others = {
        number: item.reduction
        for number, item in enumerate(cells)
        if item.reduction is not None and item.reduction != item.normal
    }
    if others:
        numbers = np.array([*others])
        columns[numbers, 1] = network.targets(CellRows.of([*others.values()]))[folds[numbers], np.arange(len(numbers))]
    return network, columns


def _lacking(cells: Sequence[Architecture], network: CellNetwork | None) -> tuple[Read, ...]:
    """Plain operations that no cell of a network's has, each beside the one as which it is read."""
    if network is None:
        return ()
    have = counts.plain(ArchitectureRows.of(cells))[:, : len(counts.OPERATIONS)].sum(axis=0) > 0
    known = [name for name, has in zip(counts.OPERATIONS, have, strict=True) if has]
    read_as = {name: next((other for other in _READ_AS[name] if other in known), known[0]) for name in _READ_AS}
    return tuple(Read(name, read_as[name]) for name in counts.OPERATIONS if name not in known)


# As which others an operation is read, the first that is there.
_READ_AS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sep3": ("sep5", "dil3", "dil5"), "sep5": ("sep3", "dil5", "dil3"), "dil3": ("dil5", "sep3", "sep5"),
        "dil5": ("dil3", "sep5", "sep3"), "max": ("avg", "skip"), "avg": ("max", "skip"), "skip": ("avg", "max"),
    }
)  # fmt: skip


def _data(
    cells: Sequence[Architecture],
    targets: _Numbers,
    tables: NDArray[np.int64],
    students: Sequence[Student],
    network: CellNetwork | None,
    unseen: _Numbers | None,
    lacking: Sequence[Read],
    beside: Sequence[TrainedCells],
) -> tuple[Data, Standard, _Chosen]:
    """Return the line's data and the mask of penalised columns, which are plain counts and students; see
    `_with_penalty`.
    """
    answers = None if unseen is None else unseen[None]
    columns = columns_of(ArchitectureRows.of(cells), students, answers, lacking)
    first = 2 if network is not None else 2 * len(counts.PLAIN)
    known = first + len(students)
    size = columns.shape[1]
    free = (np.arange(size) < known) & (np.arange(size) >= (2 if network is not None else 0))
    standard = Standard.of(columns, bounded=free, scaled=free)
    other = _foreign_expected(lacking, beside, float(_centred(targets, tables).std()))
    means, deviations = np.zeros(size), np.ones(size)
    means[known:], deviations[known:] = other.means, other.deviations
    if network is not None:
        means[:2], deviations[:2] = _CELL_WEIGHTS, _CELL_WEIGHT_DEVIATION
    return Data(standard(columns), targets, tables, Expected(means, deviations)), standard, free


def _foreign_expected(lacking: Sequence[Read], beside: Sequence[TrainedCells], spread: float) -> Expected:
    """Estimate the weights of foreign counts and of lacking operations, in units of the targets.

    The cost of too few convolutions is assumed to be higher than estimated: surrogates overrate cells without
    any, and an optimiser exploits that in seconds.
    """
    names = [*counts.both(counts.PLAIN), *counts.FOREIGN_COLUMNS]
    combinations = [np.eye(len(names))[names.index(name)] for name in counts.FOREIGN_COLUMNS]
    for item in lacking:
        for cell in ("normal", "reduction"):
            row = np.zeros(len(names))
            row[names.index(f"{item.operation}, {cell} cell")] = 1
            row[names.index(f"{item.as_operation}, {cell} cell")] = -1
            combinations.append(row)
    found = expected_of(np.array(combinations), beside)
    few = np.array([counts.FEW in name for name in counts.FOREIGN_COLUMNS] + [False] * 2 * len(lacking))
    means = np.where(few, np.minimum(found.means, 0) - _PESSIMISM * found.deviations, found.means)
    return Expected(means * spread, found.deviations * spread)


def _with_penalty(data: Data, free: _Chosen, penalty: float, unexplained: float) -> Data:
    """Return the same data, with `penalty` on the weights of the free columns."""
    deviations = np.where(free, np.sqrt(unexplained / penalty), data.expected.deviations)
    return Data(data.columns, data.targets, data.tables, Expected(data.expected.means, deviations))


def _best(data: Data, free: _Chosen, folds: NDArray[np.int64]) -> tuple[float, float, _Numbers, _Numbers]:
    """Penalty, variance that is left, and each target as predicted without its fold, with its variance."""
    found = []
    for penalty in _PENALTIES if free.any() else _PENALTIES[:1]:
        unexplained = float(data.targets.var())
        for _ in range(3):
            predicted, variances = left_out(_with_penalty(data, free, penalty, unexplained), folds, unexplained)
            squares = (predicted - data.targets) ** 2
            unexplained = max(float((squares - variances).mean()), 1e-3 * float(data.targets.var()))
        found.append((float(squares.mean()), penalty, unexplained, predicted, variances))
    _, penalty, unexplained, predicted, variances = min(found, key=lambda item: item[0])
    return penalty, unexplained, predicted, variances

"""A model of trained cells: it predicts a cell's accuracy after such a training, and the gain of a transformation.

It is a linear model of a few strong features: plain counts; the predictions of *students*, linear models of many counts
that were fitted to a surrogate or a table; for large tables, the prediction of a graph network; and counts of features
that the trainings lack, whose weights and errors come from other trainings (`beside`). Features are clipped to the
range seen in training, so that nothing is gained by leaving the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.rows import ArchitectureRows, Numbers, operation_rows
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies import counts
from nat_core.learning.accuracies.cell_network import CellNetwork
from nat_core.learning.accuracies.line import Line
from nat_core.learning.accuracy import AccuracyKind, EvaluatedOperations
from nat_core.learning.support.ranks import TargetScale
from nat_core.specification import specified

_Numbers = NDArray[np.float64]
# Share of edges that are convolutions, below which trainings are few.
FEWEST = 0.25
# Architectures counted at a time.
_CHUNK = 4096
# A step in targets that stands for a slope.
_SMALL = 0.1


@dataclass(frozen=True)
class Source:
    """A source of trainings.

    Attributes:
        name, address, licence: texts about the source.
        rows: number of trainings.
        use: what the trainings were used for.
    """

    name: str
    licence: str
    rows: int
    use: str
    address: str = ""


@dataclass(frozen=True)
class Student:
    """A linear model of detailed counts that imitates a source.

    Attributes:
        name: name of the source.
        weights: weights of `counts.detailed`.
        intercept: intercept in the source's units.
        rank_correlation: rank correlation with the source on held-out cells.
    """

    name: str
    weights: tuple[float, ...]
    intercept: float
    rank_correlation: float

    def __post_init__(self) -> None:
        if len(self.weights) != 2 * len(counts.DETAILED):
            raise ValueError(f"{self.name} has {len(self.weights)} weights; accepted: {2 * len(counts.DETAILED)}")

    def __call__(self, detailed: _Numbers) -> _Numbers:
        """Return predictions, shape [n], from counts [n, 2 · len(DETAILED)]."""
        return detailed @ np.array(self.weights) + self.intercept


@dataclass(frozen=True)
class Knots:
    """The map between accuracies in percent and targets: straight lines between k points."""

    accuracies_percent: tuple[float, ...]
    targets: tuple[float, ...]

    def __post_init__(self) -> None:
        for values in (self.accuracies_percent, self.targets):
            if len(values) < 2 or not (np.diff(values) > 0).all():
                raise ValueError("the scale's knots do not increase")

    @cached_property
    def scale(self) -> TargetScale:
        return TargetScale(np.array(self.accuracies_percent), np.array(self.targets))


@dataclass(frozen=True)
class Unexplained:
    """The variance of a target that the line leaves, straight between k levels of the predicted target.

    Attributes:
        targets: levels of the predicted target, increasing.
        variances: variances at these levels, including the noise of one training.
        noise_share: share of the variances that is the noise of one training.
    """

    targets: tuple[float, ...]
    variances: tuple[float, ...]
    noise_share: float

    def __post_init__(self) -> None:
        if not 1 <= len(self.targets) == len(self.variances) or not (np.diff(self.targets) > 0).all():
            raise ValueError("the levels of what is unexplained do not increase, or variances are missing")
        if not 0 <= min(self.variances) <= max(self.variances) < np.inf or not 0 <= self.noise_share <= 1:
            raise ValueError("unexplained variances are not 0 or more, or the share of noise is not 0 to 1")

    def __call__(self, predicted: _Numbers) -> _Numbers:
        """Return the variances at n predicted targets, shape [n]."""
        return np.interp(predicted, self.targets, self.variances)


@dataclass(frozen=True)
class LeftOut:
    """The quality of predictions for cells whose topologies were left out of the fit.

    Attributes:
        rows: number of cells.
        rank_correlation: Spearman's rank correlation within tables.
        error_points: root mean squared error in points.
        within_one, within_two: shares of cells within one and two standard errors.
    """

    rows: int
    rank_correlation: float
    error_points: float
    within_one: float
    within_two: float


@dataclass(frozen=True)
class Read:
    """An operation of `counts.OPERATIONS` that the trainings lack, and as which other the network reads it."""

    operation: str
    as_operation: str


@specified
class TrainingsModel:
    """The model as an `UncertainSource`.

    Attributes:
        space: space of the architectures that the model evaluates.
        about: the training that is predicted, in words.
        line: linear model of the columns.
        students: models whose predictions are columns.
        lacking: operations with columns of their own, because the network was not trained on them.
        knots: knots of the targets' scale.
        unexplained: variance that the line does not explain.
        left_out: quality of predictions for left-out topologies.
        sources: sources of the trainings.
        network: network whose predictions for both cells replace the columns of plain counts; None for counts.
    """

    space: str
    about: str
    line: Line
    students: tuple[Student, ...]
    lacking: tuple[Read, ...]
    knots: Knots
    unexplained: Unexplained
    left_out: LeftOut
    sources: tuple[Source, ...]
    network: CellNetwork | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise ValueError(f"space is {self.space!r:.60}; accepted: {', '.join(SPACES)}")

    def check_columns(self) -> None:
        """Raise ValueError if the line's number of columns is wrong."""
        wanted = sum((
            2 if self.network else 2 * len(counts.PLAIN), len(self.students), len(counts.FOREIGN_COLUMNS),
            2 * len(self.lacking),
        ))  # fmt: skip
        if len(self.line.weights) != wanted:
            raise ValueError(f"the line has {len(self.line.weights)} weights; accepted: {wanted}")
        if unknown := [item.operation for item in self.lacking if item.operation not in counts.OPERATIONS]:
            raise ValueError(f"operation {unknown[0]!r:.40} is unknown; accepted: {', '.join(counts.OPERATIONS)}")

    @property
    def kind(self) -> AccuracyKind:
        return "modelled"

    @property
    def stable(self) -> bool:
        return True

    @property
    def target_space(self) -> Space:
        return SPACES[self.space]

    @property
    def description(self) -> str:
        return f"predicted for {self.about}, ± {self.left_out.error_points:.2f}"

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why the model cannot evaluate `architecture`, or None."""
        return self.target_space.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> _Numbers:
        """Return predicted accuracies in percent, shape [n]. Raises ValueError for an architecture of another space."""
        return self._accuracies(self._seen(architectures))

    def standard_error_points(self, architectures: Sequence[Architecture]) -> _Numbers:
        """Return their standard errors as predictions of one training each, shape [n]. Raises ValueError likewise."""
        return self._level_errors(self._seen(architectures))

    def gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> _Numbers:
        """Return the standard errors of predicted gains, without training noise, shape [n]; they grow with changes.

        Raises ValueError if an architecture is of another space.
        """
        return self._gain_errors(self._seen(inputs), self._seen(outputs))

    def believable(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """Return whether a quarter of an output's edges are convolutions, or as many as its input has, shape [n].

        Models of trainings overrate cells of skip connections, since few cells with few convolutions were trained.
        """
        return _keeps_convolutions(ArchitectureRows.of(inputs), ArchitectureRows.of(outputs))

    def mean_gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> float:
        """Return the standard error of the predicted mean gain; errors that all gains share do not average out.

        Raises ValueError if an architecture is of another space.
        """
        before, after = self._seen(inputs), self._seen(outputs)
        middle = self.line.targets((before.columns + after.columns) / 2)
        slopes = self._slopes(middle, np.full(len(inputs), _SMALL)) / _SMALL
        mean = (slopes[:, None] * (after.columns - before.columns)).mean(axis=0, keepdims=True)
        own = self._own_variances(before, after, middle)
        return float(np.sqrt(self.line.change_variances(mean)[0] + (slopes**2 * own).sum() / len(inputs) ** 2))

    def evaluate_operations(self, inputs: Sequence[Architecture], operations: Sequence[Numbers]) -> EvaluatedOperations:
        """Evaluate transformations of n inputs, given as operations' row numbers; see `OperationsSource`."""
        self._check(inputs)
        before = self._read(ArchitectureRows.of(inputs))
        rows = ArchitectureRows.of(inputs, operations)
        found, own = (
            self._read(rows),
            before.chosen(np.repeat(np.arange(len(inputs)), [len(part) for part in operations])),
        )
        return EvaluatedOperations(
            self._accuracies(before), self._accuracies(found), self._level_errors(found),
            self._gain_errors(own, found), _keeps_convolutions(own.rows, rows),
        )  # fmt: skip

    def believable_operations(
        self, inputs: Sequence[Architecture], operations: Sequence[Numbers]
    ) -> list[NDArray[np.bool_]]:
        """Return for each input a mask of its transformations that may be believed, given as rows of operations."""
        counted = np.cumsum([len(rows) for rows in operations])[:-1]
        given = ArchitectureRows.of(
            inputs, [_repeated(item, len(rows)) for item, rows in zip(inputs, operations, strict=True)]
        )
        return np.split(_keeps_convolutions(given, ArchitectureRows.of(inputs, operations)), counted)

    def least_believable(self, inputs: Sequence[Architecture], costs: _Numbers) -> _Numbers:
        """Return the cost of the edges of the cheapest believable output, shape [n]; infinite if there is none."""
        edges = np.array([len(item.edges) for item in inputs])
        own = np.round(counts.convolution_shares(ArchitectureRows.of(inputs)) * edges).astype(int)
        needed = np.minimum(np.ceil(FEWEST * edges - 1e-9).astype(int), own)
        cheapest, convolutions = costs.min(axis=2), costs[:, :, counts.IS_CONVOLUTION].min(axis=2)
        more = np.sort(convolutions - cheapest, axis=1).cumsum(axis=1)
        dearer = np.take_along_axis(more, needed.clip(1)[:, None] - 1, axis=1)[:, 0]
        return np.asarray(cheapest.sum(axis=1) + np.where(needed > 0, dearer, 0.0))

    def _seen(self, architectures: Sequence[Architecture]) -> "_Seen":
        self._check(architectures)
        return self._read(ArchitectureRows.of(architectures))

    def _check(self, architectures: Sequence[Architecture]) -> None:
        for position, item in enumerate(architectures):
            if reason := self.mismatch(item):
                raise ValueError(f"architecture {position} is not of the model's space: {reason}")

    def _read(self, rows: ArchitectureRows) -> "_Seen":
        answers = None if self.network is None else network_answers(self.network, rows)
        parts = [slice(start, start + _CHUNK) for start in range(0, max(1, len(rows)), _CHUNK)]
        columns = [
            columns_of(rows.chosen(part), self.students, None if answers is None else answers[:, part], self.lacking)
            for part in parts
        ]
        return _Seen(rows, self.line.standard(np.vstack(columns)), answers)

    def _accuracies(self, seen: "_Seen") -> _Numbers:
        return self.knots.scale.to_percent(self.line.targets(seen.columns))

    def _level_errors(self, seen: "_Seen") -> _Numbers:
        targets = self.line.targets(seen.columns)
        variances = self.line.variances(seen.columns) + self.unexplained(targets) + seen.disagreement()
        return self._slopes(targets, np.sqrt(variances))

    def _gain_errors(self, before: "_Seen", after: "_Seen") -> _Numbers:
        middle = self.line.targets((before.columns + after.columns) / 2)
        variances = self.line.change_variances(after.columns - before.columns)
        return self._slopes(middle, np.sqrt(variances + self._own_variances(before, after, middle)))

    def _exchanged(self, targets: _Numbers) -> _Numbers:
        """Return the variances of gains when all operations are exchanged, without noise, shape [n]."""
        return 2 * (1 - self.unexplained.noise_share) * self.unexplained(targets)

    def _own_variances(self, before: "_Seen", after: "_Seen", middle: _Numbers) -> _Numbers:
        """Return the variances of gains that other gains do not share, around targets `middle`, shape [n]."""
        return self._exchanged(middle) * _changed(before.rows, after.rows) + after.disagreement(before)

    def _slopes(self, targets: _Numbers, errors: _Numbers) -> _Numbers:
        """Convert errors of targets to points, shape [n]."""
        to_percent = self.knots.scale.to_percent
        return (to_percent(targets + errors) - to_percent(targets - errors)) / 2


@dataclass(frozen=True, eq=False)
class _Seen:
    """The features of n architectures.

    Attributes:
        rows: the architectures.
        columns: standardised columns, [n, k].
        answers: the network's predictions for both cells, [members, n, 2]; None without a network.
    """

    rows: ArchitectureRows
    columns: _Numbers
    answers: _Numbers | None

    def chosen(self, which: NDArray[np.int64]) -> "_Seen":
        answers = None if self.answers is None else self.answers[:, which]
        return _Seen(self.rows.chosen(which), self.columns[which], answers)

    def disagreement(self, other: "_Seen | None" = None) -> _Numbers:
        """Return the variances between members of targets, or of their differences to those of `other`, shape [n]."""
        if self.answers is None or len(self.answers) < 2:
            return np.zeros(len(self.rows))
        answers = self.answers.mean(axis=2)
        if other is not None and other.answers is not None:
            answers = answers - other.answers.mean(axis=2)
        return np.asarray(answers.var(axis=0, ddof=1))


def columns_of(
    rows: ArchitectureRows, students: Sequence[Student], answers: _Numbers | None, lacking: Sequence[Read]
) -> _Numbers:
    """Return the columns, shape [n, k]: plain counts, or a network's mean `answers` [members, n, 2] for both cells;
    students' predictions; foreign counts; counts of lacking operations."""
    plain = counts.plain(rows)
    first = plain if answers is None else answers.mean(axis=0)
    detailed = counts.detailed(rows) if students else np.empty((len(rows), 0))
    told = [student(detailed)[:, None] for student in students]
    alone = [counts.both(counts.PLAIN).index(f"{item.operation}, {cell} cell") for item in lacking for cell in _CELLS]
    return np.hstack([first, *told, counts.foreign(rows), plain[:, alone]])


def network_answers(network: CellNetwork, rows: ArchitectureRows) -> _Numbers:
    """Return the network's predictions for the normal and the reduction cell, shape [members, n, 2]."""
    return np.stack([network.targets(cells) for cells in rows.cells], axis=2)


_CELLS = ("normal", "reduction")


def _repeated(architecture: Architecture, count: int) -> Numbers:
    """Return `count` copies of the architecture's own operations, shape [count, edges]."""
    return np.repeat(operation_rows(architecture), count, axis=0)


def _keeps_convolutions(inputs: ArchitectureRows, outputs: ArchitectureRows) -> NDArray[np.bool_]:
    """Return whether a quarter of an output's edges are convolutions, or as many as its input has, shape [n]."""
    before, after = counts.convolution_shares(inputs), counts.convolution_shares(outputs)
    return np.asarray(after >= np.minimum(FEWEST, before) - 1e-9)


def _changed(inputs: ArchitectureRows, outputs: ArchitectureRows) -> _Numbers:
    """Return the shares of edges whose operations differ, shape [n]; 1 if topologies differ."""
    differing, alike = inputs.differing_edges(outputs), inputs.same_topology(outputs)
    return np.where(alike, differing / inputs.edges.clip(1), 1.0)

"""A model of really trained cells: what any cell is worth after such a training, what a transformation gains.

It is a line through a few strong numbers: plain counts; what *students* of other sources say, each a line through many
counts that has learned from a surrogate or a table; for large tables what a graph network says; and counts of what
the trainings do not contain, whose weights other trainings tell, with as little certainty as they have (`beside`).
Columns stay within what was seen, so that nothing is gained by leaving the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies import counts
from nat_core.learning.accuracies.cell_network import CellNetwork
from nat_core.learning.accuracies.line import Line
from nat_core.learning.accuracy import AccuracyKind
from nat_core.learning.support.ranks import TargetScale
from nat_core.specification import specified

_Numbers = NDArray[np.float64]
# Of the error that gains have; differences up to it mean nothing.
_TOLERANCE = 0.5
# Share of edges that are convolutions, below which trainings are few.
_FEWEST = 0.25
# The target of a good cell, better than three of four.
_GOOD = 0.67
# Architectures whose columns are kept.
_REMEMBERED = 50_000
# A step in targets that stands for a slope.
_SMALL = 0.1


@dataclass(frozen=True)
class Source:
    """Where trainings come from.

    Attributes:
        name, address, licence: in words.
        rows: how many trainings.
        use: what they were used for.
    """

    name: str
    licence: str
    rows: int
    use: str
    address: str = ""


@dataclass(frozen=True)
class Student:
    """A line through detailed counts that says what a source says.

    Attributes:
        name: of the source.
        weights: of `counts.detailed`.
        intercept: in the source's units.
        rank_correlation: with the source, on cells that it has not learned from.
    """

    name: str
    weights: tuple[float, ...]
    intercept: float
    rank_correlation: float

    def __post_init__(self) -> None:
        if len(self.weights) != 2 * len(counts.DETAILED):
            raise ValueError(f"{self.name} has {len(self.weights)} weights; accepted: {2 * len(counts.DETAILED)}")

    def __call__(self, detailed: _Numbers) -> _Numbers:
        """[n] of counts [n, 2 · len(DETAILED)]."""
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
        targets: increasing.
        variances: one training's noise included.
        noise_share: the part of them that is one training's noise.
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
        """[n] variances at n predicted targets."""
        return np.interp(predicted, self.targets, self.variances)


@dataclass(frozen=True)
class LeftOut:
    """How well cells are predicted by a fit without any of their topology.

    Attributes:
        rows: cells.
        rank_correlation: Spearman's, within tables.
        error_points: root of the mean squared error.
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
        space: whose architectures it judges.
        about: the training that is predicted, in words.
        line: through the columns.
        students: whose answers are columns.
        lacking: operations that are columns of their own, since the network has not met them.
        knots: of the scale of targets.
        unexplained: what the line leaves.
        left_out: its quality.
        sources: what it learned from.
        network: whose answers for either cell are columns, instead of plain counts.
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
    _known: dict[Architecture, _Numbers] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise ValueError(f"space is {self.space!r:.60}; accepted: {', '.join(SPACES)}")

    def check_columns(self) -> None:
        """Raises ValueError if the line is through another number of columns than there are."""
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

    @property
    def tolerance_points(self) -> float:
        """Half of the error of the gain of a good cell whose operations are all exchanged."""
        middle = np.array([_GOOD])
        return float(_TOLERANCE * self._slopes(middle, np.sqrt(self._exchanged(middle)))[0])

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why the model cannot judge `architecture`, or None."""
        return self.target_space.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n] predicted accuracies, 0 to 100. Raises ValueError for an architecture of another space."""
        return self.knots.scale.to_percent(self.line.targets(self._standardised(architectures)))

    def standard_error_points(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n] standard errors of these as predictions of one training each. Raises ValueError likewise."""
        standardised = self._standardised(architectures)
        targets = self.line.targets(standardised)
        variances = self.line.variances(standardised) + self.unexplained(targets) + self._disagreement(architectures)
        return self._slopes(targets, np.sqrt(variances))

    def gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> _Numbers:
        """[n] standard errors of predicted gains, whatever one training's noise: the more, the more is changed.

        Raises ValueError for an architecture of another space.
        """
        before, after = self._standardised(inputs), self._standardised(outputs)
        middle = self.line.targets((before + after) / 2)
        variances = self.line.change_variances(after - before) + self._own_variances(inputs, outputs, middle)
        return self._slopes(middle, np.sqrt(variances))

    def believable(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """[n] whether outputs keep a quarter of their edges convolutions, or as many as their inputs had.

        Models of trainings like cells of skips, as trainings of cells with few convolutions are few.
        """
        kept = [
            counts.convolution_share(new) >= min(_FEWEST, counts.convolution_share(old)) - 1e-9
            for old, new in zip(inputs, outputs, strict=True)
        ]
        return np.array(kept, dtype=np.bool_)

    def mean_gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> float:
        """The standard error of the predicted mean gain: of errors that all gains share, all stay.

        Raises ValueError for an architecture of another space.
        """
        before, after = self._standardised(inputs), self._standardised(outputs)
        middle = self.line.targets((before + after) / 2)
        slopes = self._slopes(middle, np.full(len(inputs), _SMALL)) / _SMALL
        mean = (slopes[:, None] * (after - before)).mean(axis=0, keepdims=True)
        own = self._own_variances(inputs, outputs, middle)
        return float(np.sqrt(self.line.change_variances(mean)[0] + (slopes**2 * own).sum() / len(inputs) ** 2))

    def columns(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n, k] what the line is through, before it is standardised."""
        return columns_of(architectures, self.students, self.network, self.lacking)

    def _standardised(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n, k]; what was asked before is remembered."""
        missing = {item: position for position, item in enumerate(architectures) if item not in self._known}
        for item, position in missing.items():
            if reason := self.mismatch(item):
                raise ValueError(f"architecture {position} is not of the model's space: {reason}")
        if len(self._known) > _REMEMBERED:
            kept = {item: self._known[item] for item in set(architectures) - missing.keys()}
            self._known.clear()
            self._known.update(kept)
        if missing:
            rows = self.line.standard(self.columns(list(missing)))
            self._known.update(zip(missing, rows, strict=True))
        size = len(self.line.weights)
        return np.array([self._known[item] for item in architectures], dtype=np.float64).reshape(-1, size)

    def _exchanged(self, targets: _Numbers) -> _Numbers:
        """[n] variances of the gain of cells all of whose operations are exchanged, whatever noise."""
        return 2 * (1 - self.unexplained.noise_share) * self.unexplained(targets)

    def _own_variances(
        self, inputs: Sequence[Architecture], outputs: Sequence[Architecture], middle: _Numbers
    ) -> _Numbers:
        """[n] variances of gains that other gains do not share, around targets `middle`."""
        return self._exchanged(middle) * _changed(inputs, outputs) + self._disagreement(outputs, inputs)

    def _disagreement(self, architectures: Sequence[Architecture], others: Sequence[Architecture] = ()) -> _Numbers:
        """[n] variances of targets, or of differences to those of others, between the network's members."""
        if self.network is None:
            return np.zeros(len(architectures))
        answers = self._answers(self.network, architectures)
        if others:
            answers = answers - self._answers(self.network, others)
        return np.asarray(answers.var(axis=0, ddof=1) if len(answers) > 1 else np.zeros(len(architectures)))

    @staticmethod
    def _answers(network: CellNetwork, architectures: Sequence[Architecture]) -> _Numbers:
        """[members, n] means over both cells."""
        cells = [cell for item in architectures for cell in (item.normal, item.reduction or item.normal)]
        return network.targets(cells).reshape(len(network.members), -1, 2).mean(axis=2)

    def _slopes(self, targets: _Numbers, errors: _Numbers) -> _Numbers:
        """[n] errors of targets in points."""
        to_percent = self.knots.scale.to_percent
        return (to_percent(targets + errors) - to_percent(targets - errors)) / 2


def columns_of(
    architectures: Sequence[Architecture],
    students: Sequence[Student],
    network: CellNetwork | None,
    lacking: Sequence[Read],
) -> _Numbers:
    """[n, k]: plain counts, or the network's answers for either cell; students; foreign counts; what is lacking."""
    plain = counts.plain(architectures)
    first = plain if network is None else network_columns(network, architectures)
    detailed = counts.detailed(architectures) if students else np.empty((len(architectures), 0))
    answers = [student(detailed)[:, None] for student in students]
    alone = [counts.both(counts.PLAIN).index(f"{item.operation}, {cell} cell") for item in lacking for cell in _CELLS]
    return np.hstack([first, *answers, counts.foreign(architectures), plain[:, alone]])


def network_columns(network: CellNetwork, architectures: Sequence[Architecture]) -> _Numbers:
    """[n, 2] the network's mean answers for the normal and the reduction cell."""
    normal = network.targets([item.normal for item in architectures]).mean(axis=0)
    reduction = network.targets([item.reduction or item.normal for item in architectures]).mean(axis=0)
    return np.stack([normal, reduction], axis=1)


_CELLS = ("normal", "reduction")


def _changed(inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> _Numbers:
    """[n] shares of edges whose operation differs; all of them where topologies differ."""
    shares = []
    for one, other in zip(inputs, outputs, strict=True):
        if one.topology != other.topology:
            shares.append(1.0)
            continue
        pairs = [
            zip(old.edges, new.edges, strict=True) for (_, old), (_, new) in zip(one.cells, other.cells, strict=True)
        ]
        differing = sum(old.operation != new.operation for pair in pairs for old, new in pair)
        shares.append(differing / max(1, sum(len(cell.edges) for _, cell in one.cells)))
    return np.array(shares)

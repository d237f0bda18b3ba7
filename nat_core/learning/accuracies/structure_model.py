"""A model of accuracies after whole trainings: ridge regression on what can be counted about an architecture.

Trainings from scratch are dear, so only some dozens are known; a line through a few counts is what so few can tell,
and it can be read. It ranks architectures that it has not seen far better than MACs alone or than trainings of
seconds do (`docs/rewards.md`). Where some were trained longer too, the model predicts what longer trainings give, and
the shorter ones tell the rest.

Architectures of one topology share what is not counted, so each topology has a level of its own in the fit: counts are
weighed mostly by how transformations of an architecture differ from it, which is what a policy is rewarded for.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.regression import (
    Observed,
    Penalties,
    fit,
    numbered,
    predicted_without_topology,
    within_topologies,
)
from nat_core.learning.accuracies.structure import EXPECTED, FEATURES, features
from nat_core.learning.accuracy import AccuracyKind
from nat_core.learning.scratch.config import Budget
from nat_core.learning.scratch.measured import SHIPPED, MeasuredAccuracy, MeasuredResult, budgets, read_measured
from nat_core.learning.support.files import write_text
from nat_core.learning.support.ranks import rank_correlation
from nat_core.learning.support.values import dataclass_of
from nat_core.network.config import NetworkConfig

FILE = "structure_model.json"
# Penalties on the weights of standardised counts, and on the levels of topologies relative to them; those that predict
# gains of left-out topologies best are taken.
_PENALTIES = (0.3, 1.0, 3.0, 10.0)
_LEVEL_PENALTIES = (0.05, 0.25, 1.0)
_LEAST = 20
_LARGEST = 1e6
_TOLERANCE = 0.5

_Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class LeftOut:
    """How well architectures are predicted by a fit on those of all other topologies.

    Attributes:
        rank_correlation: Spearman's, with what was measured.
        error_points: root of the mean squared error.
        gain_correlation: Pearson's, of differences to the mean of a topology; 0 if none has several architectures.
        gain_error_points: root of these differences' mean squared error.
    """

    rank_correlation: float
    error_points: float
    gain_correlation: float
    gain_error_points: float


@dataclass(frozen=True)
class StructureModel:
    """A fitted line as an `AccuracySource`: intercept + Σ weight · (count − mean) ÷ deviation.

    Attributes:
        space: whose architectures it judges.
        network: whose MACs it counts.
        counted: the names of what it counts.
        means, deviations, weights: [len(FEATURES)], the weights in points of accuracy.
        covariance: [len(FEATURES), len(FEATURES)] of the weights' errors, in squared points.
        intercept: in percent.
        penalty, level_penalty: of the regression.
        observed: how many trainings it was fitted on.
        left_out: its quality on those.
        about: what is predicted, in words.
        longer: how many of the trainings were longer, and tell what is predicted; 0: all are equal.
        share, addition_penalty: of the regression, where some were longer.
    """

    space: str
    network: NetworkConfig
    counted: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    intercept: float
    penalty: float
    level_penalty: float
    observed: int
    left_out: LeftOut
    about: str
    longer: int = 0
    share: float = 1.0
    addition_penalty: float = 10.0

    def __post_init__(self) -> None:
        if self.counted != FEATURES:
            raise ValueError("counted are not the features of this version; train the policy again")
        for name in ("means", "deviations", "weights"):
            values = getattr(self, name)
            if len(values) != len(FEATURES) or not np.isfinite(values).all():
                raise ValueError(f"{name} are {len(values)} numbers; accepted: {len(FEATURES)} finite ones")
        if {len(row) for row in (self.covariance, *self.covariance)} != {len(FEATURES)}:
            raise ValueError(f"covariance is not {len(FEATURES)} rows of {len(FEATURES)} numbers")
        if not (np.abs(self.covariance) <= _LARGEST).all() or min(np.diag(self.covariance)) < 0:
            raise ValueError(f"covariance must be within ±{_LARGEST:,.0f}, variances 0 or more")
        if np.abs([*self.means, *self.weights, self.intercept]).max() > _LARGEST or not np.isfinite(self.intercept):
            raise ValueError(f"means, weights and intercept must be between −{_LARGEST:,.0f} and {_LARGEST:,.0f}")
        if not 1 / _LARGEST <= min(self.deviations) <= max(self.deviations) <= _LARGEST:
            raise ValueError(f"deviations must be above 0, between {1 / _LARGEST:g} and {_LARGEST:,.0f}")
        if self.space not in SPACES:
            raise ValueError(f"space is {self.space!r:.60}; accepted: {', '.join(SPACES)}")

    @property
    def kind(self) -> AccuracyKind:
        return "modelled"

    @property
    def stable(self) -> bool:
        return True

    @property
    def penalties(self) -> Penalties:
        """Of the regression."""
        return Penalties(self.penalty, self.level_penalty, self.share, self.addition_penalty)

    @property
    def tolerance_points(self) -> float:
        """Half of the error that gains have on topologies that the model has not seen."""
        return _TOLERANCE * self.left_out.gain_error_points

    @property
    def target_space(self) -> Space:
        return SPACES[self.space]

    @property
    def description(self) -> str:
        return (
            f"{self.about}: predicted from the architecture's structure, fitted on {self.observed} trainings"
            f"{f', {self.longer} of them so long' if self.longer else ''}, rank correlation "
            f"{self.left_out.rank_correlation:.2f} on other topologies"
        )

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why the model cannot judge `architecture`, or None."""
        return self.target_space.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n] predicted accuracies, 0 to 100. Raises ValueError for an architecture of another space."""
        return (self.intercept + self._counts(architectures) @ np.array(self.weights)).clip(0, 100)

    def standard_error_points(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n] standard errors of predicted accuracies: what architectures of other topologies are off by, and the more,
        the farther counts are from those of what was trained.

        Raises ValueError for an architecture of another space.
        """
        return np.hypot(self.left_out.error_points, self._errors(self._counts(architectures)))

    def gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> _Numbers:
        """[n] standard errors of predicted gains: the more, the farther what differs is from what was trained.

        Raises ValueError for an architecture of another space.
        """
        return self._errors(self._counts(outputs) - self._counts(inputs))

    def mean_gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> float:
        """The standard error of the predicted mean gain: of errors that all gains share, all stay.

        Raises ValueError for an architecture of another space.
        """
        changes = self._counts(outputs) - self._counts(inputs)
        return float(self._errors(changes.mean(axis=0, keepdims=True))[0])

    def _errors(self, changes: _Numbers) -> _Numbers:
        """[n] standard errors of what [n, len(FEATURES)] standardised changes are worth."""
        variances: _Numbers = np.einsum("ni,ij,nj->n", changes, np.array(self.covariance), changes)
        return np.sqrt(variances.clip(0))

    def _counts(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n, len(FEATURES)], standardised."""
        for position, architecture in enumerate(architectures):
            if reason := self.mismatch(architecture):
                raise ValueError(f"architecture {position} is not of the model's space: {reason}")
        return (features(architectures, self.network) - self.means) / self.deviations


def fit_structure_model(
    results: Sequence[MeasuredResult],
    space: str,
    penalties: Penalties | None = None,
    longer: Sequence[MeasuredResult] = (),
) -> StructureModel:
    """The model of trainings of one budget; seeds are averaged. The same results give the same model.

    Args:
        results: on test images only if the model is for reports and chooses nothing.
        space: whose architectures it will judge; the results may be of any space of the same network.
        penalties: of another fit; None seeks those that predict gains best.
        longer: trainings of another budget, which is the one that is predicted then; `results` tell the rest.

    Raises:
        ValueError: too few architectures, or several budgets.
    """
    if not results:
        raise ValueError(f"no trainings of {space}'s network; at least {_LEAST} are needed")
    measured = MeasuredAccuracy(results)
    if len(measured.architectures) < _LEAST:
        raise ValueError(f"{len(measured.architectures)} trained architectures; at least {_LEAST} are needed")
    network = Budget.from_dict(results[0].settings).network(10)
    counts = features(measured.architectures, network)
    means, spread = counts.mean(axis=0), counts.std(axis=0)
    deviations = np.where(spread > 0, spread, 1.0)
    data = observed([results, longer], network, means, deviations)
    penalties = penalties or _best_penalties(data)
    left_out = _left_out(data, penalties)
    line = fit(data, penalties)[-1]
    error = left_out.gain_error_points or left_out.error_points
    return StructureModel(
        space, network, FEATURES, tuple(means.tolist()), tuple(deviations.tolist()), tuple(line.weights.tolist()),
        tuple(map(tuple, (error**2 * line.covariance).tolist())), line.intercept, penalties.weights,
        penalties.levels, len(data.accuracies), left_out, _about(longer[0] if longer else results[0]),
        int(data.longer.sum()), penalties.share, penalties.additions,
    )  # fmt: skip


def observed(
    lengths: Sequence[Sequence[MeasuredResult]], network: NetworkConfig, means: _Numbers, deviations: _Numbers
) -> Observed:
    """Trainings of two budgets, of which the second, the longer, may be empty.

    Args:
        lengths: the two.
        network: whose MACs are counted.
        means, deviations: [len(FEATURES)], with which counts are standardised.
    """
    groups = [MeasuredAccuracy(results) for results in lengths if results]
    architectures = [item for group in groups for item in group.architectures]
    return Observed(
        (features(architectures, network) - means) / deviations,
        numbered([item.topology for item in architectures]),
        np.repeat([False, True][: len(groups)], [len(group.architectures) for group in groups]),
        np.concatenate([group.accuracy_percent(group.architectures) for group in groups]),
        EXPECTED,
    )


@cache
def shipped_structure_model(space: str) -> StructureModel:
    """The model of a space, fitted on the shipped trainings of its network. Raises ValueError if they are too few."""
    return selection_model(read_measured(SHIPPED), space)


def selection_model(
    results: Sequence[MeasuredResult], space: str, penalties: Penalties | None = None
) -> StructureModel:
    """The model of those judged on selection images: the most frequent budget and the longest. Raises ValueError."""
    return fit_structure_model(of_main_budget(results, "selection"), space, penalties, longer_ones(results))


def of_main_budget(
    results: Iterable[MeasuredResult], judged_on: str, epochs: int | None = None
) -> list[MeasuredResult]:
    """Those of the most frequent budget (of `epochs`) judged on "selection", to learn and choose by, or "test"."""
    groups = budgets(result for result in results if result.judged_on == judged_on and epochs in (None, result.epochs))
    return next(iter(groups.values()), [])


def longer_ones(results: Iterable[MeasuredResult]) -> list[MeasuredResult]:
    """Those of the longest budget judged on selection images, if it is longer than the most frequent one's."""
    every = [result for result in results if result.judged_on == "selection"]
    usual, longest = of_main_budget(every, "selection"), max((result.epochs for result in every), default=0)
    return of_main_budget(every, "selection", longest) if usual and longest > usual[0].epochs else []


def save_structure_model(folder: Path, model: StructureModel) -> Path:
    """Writes the model into `folder`; returns the file."""
    path = folder / FILE
    write_text(path, json.dumps(asdict(model), indent=1))
    return path


def load_structure_model(folder: Path) -> StructureModel:
    """The model in `folder`.

    Raises:
        ValueError: it is broken; names the file.
    """
    path = folder / FILE
    try:
        return dataclass_of(StructureModel, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError, TypeError) as error:
        raise ValueError(f"{path}: {error}; accepted: a model written by `train`") from error


def _about(result: MeasuredResult) -> str:
    data = result.data.partition(":")[0]
    return f"{data} {result.judged_on} accuracy after {result.epochs} epochs at {result.network}"


def _best_penalties(data: Observed) -> Penalties:
    """Those that predict gains of left-out topologies best, by the shorter trainings.

    What longer ones add stays as it is expected: few gains tell hardly anything about it, and would choose anything.
    """
    shorter, choices = data.of(~data.longer), [Penalties(*item) for item in product(_PENALTIES, _LEVEL_PENALTIES)]
    errors = [_left_out(shorter, item) for item in choices]
    return min(zip(choices, errors, strict=True), key=lambda item: (item[1].gain_error_points, item[1].error_points))[0]


def _left_out(data: Observed, penalties: Penalties) -> LeftOut:
    """Every topology's architectures predicted by a fit on those of all others; of two lengths, the longer."""
    wanted = data.longer if data.longer.any() else ~data.longer
    judged, predicted = data.of(wanted), predicted_without_topology(data, penalties)[wanted]
    gains, guessed = (within_topologies(item, judged.topologies) for item in (judged.accuracies, predicted))
    product_of_norms = float(np.linalg.norm(gains) * np.linalg.norm(guessed))
    return LeftOut(
        rank_correlation(predicted, judged.accuracies),
        _root_mean_square(predicted - judged.accuracies),
        float(gains @ guessed) / product_of_norms if product_of_norms else 0.0,
        _root_mean_square(guessed - gains) if len(gains) else 0.0,
    )


def _root_mean_square(values: _Numbers) -> float:
    return float(np.sqrt(np.mean(values**2)))

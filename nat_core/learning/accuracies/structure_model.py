"""A model of accuracies after whole trainings: ridge regression on what can be counted about an architecture.

Trainings from scratch are dear, so only some dozens are known; a line through a few counts is what so few can tell,
and it can be read. It ranks architectures that it has not seen far better than MACs alone or than trainings of
seconds do (`docs/rewards.md`).

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
from nat_core.learning.accuracies.structure import FEATURES, features
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
        observed: how many architectures it was fitted on.
        left_out: its quality on those.
        about: what is predicted, in words.
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
    def tolerance_points(self) -> float:
        """Half of the error that gains have on topologies that the model has not seen."""
        return _TOLERANCE * self.left_out.gain_error_points

    @property
    def target_space(self) -> Space:
        return SPACES[self.space]

    @property
    def description(self) -> str:
        return (
            f"{self.about}: predicted from the architecture's structure, fitted on {self.observed} trainings, rank "
            f"correlation {self.left_out.rank_correlation:.2f} on other topologies"
        )

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why the model cannot judge `architecture`, or None."""
        return self.target_space.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n] predicted accuracies, 0 to 100. Raises ValueError for an architecture of another space."""
        return (self.intercept + self._counts(architectures) @ np.array(self.weights)).clip(0, 100)

    def gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> _Numbers:
        """[n] standard errors of predicted gains: the more, the farther what differs is from what was trained.

        Raises ValueError for an architecture of another space.
        """
        changes = self._counts(outputs) - self._counts(inputs)
        variances: _Numbers = np.einsum("ni,ij,nj->n", changes, np.array(self.covariance), changes)
        return np.sqrt(variances.clip(0))

    def _counts(self, architectures: Sequence[Architecture]) -> _Numbers:
        """[n, len(FEATURES)], standardised."""
        for position, architecture in enumerate(architectures):
            if reason := self.mismatch(architecture):
                raise ValueError(f"architecture {position} is not of the model's space: {reason}")
        return (features(architectures, self.network) - self.means) / self.deviations


def fit_structure_model(
    results: Sequence[MeasuredResult], space: str, penalties: tuple[float, float] | None = None
) -> StructureModel:
    """The model of trainings of one budget; seeds are averaged. The same results give the same model.

    Args:
        results: on test images only if the model is for reports and chooses nothing.
        space: whose architectures it will judge; the results may be of any space of the same network.
        penalties: on weights and on levels, of another fit; None seeks those that predict gains best.

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
    accuracies = measured.accuracy_percent(measured.architectures)
    means, spread = counts.mean(axis=0), counts.std(axis=0)
    deviations = np.where(spread > 0, spread, 1.0)
    known, levels = (counts - means) / deviations, _memberships(measured.architectures)
    choices = [penalties] if penalties else list(product(_PENALTIES, _LEVEL_PENALTIES))
    fits = [_left_out(known, levels, accuracies, *item) for item in choices]
    best = min(range(len(fits)), key=lambda number: (fits[number].gain_error_points, fits[number].error_points))
    weights, intercept = _ridge(known, levels, accuracies, *choices[best])
    error = fits[best].gain_error_points or fits[best].error_points
    covariance = error**2 * _inverse(known, levels, *choices[best])
    return StructureModel(
        space, network, FEATURES, tuple(means.tolist()), tuple(deviations.tolist()), tuple(weights.tolist()),
        tuple(map(tuple, covariance.tolist())), intercept, *choices[best], len(accuracies), fits[best],
        _about(results[0]),
    )  # fmt: skip


@cache
def shipped_structure_model(space: str) -> StructureModel:
    """The model of a space, fitted on the shipped trainings of its network. Raises ValueError if they are too few."""
    return fit_structure_model(of_main_budget(read_measured(SHIPPED), "selection"), space)


def of_main_budget(
    results: Iterable[MeasuredResult], judged_on: str, epochs: int | None = None
) -> list[MeasuredResult]:
    """Those of the most frequent budget (of `epochs`) judged on "selection", to learn and choose by, or "test"."""
    groups = budgets(result for result in results if result.judged_on == judged_on and epochs in (None, result.epochs))
    return next(iter(groups.values()), [])


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


def _memberships(architectures: Sequence[Architecture]) -> _Numbers:
    """[n, topologies] 1 where the architecture is of the topology, else 0."""
    topologies: dict[object, int] = {}
    numbers = [topologies.setdefault(item.topology, len(topologies)) for item in architectures]
    return np.eye(len(topologies))[numbers]


def _ridge(
    counts: _Numbers, levels: _Numbers, accuracies: _Numbers, penalty: float, level_penalty: float
) -> tuple[_Numbers, float]:
    """Weights and intercept of the least squares' line through [n, k] counts; large weights and levels penalised."""
    middle, mean, k = counts.mean(axis=0), accuracies.mean(), counts.shape[1]
    known = np.hstack([counts - middle, levels])
    weights = np.linalg.solve(_normal(known, k, penalty, level_penalty), known.T @ (accuracies - mean))[:k]
    return weights, float(mean - middle @ weights)


def _inverse(counts: _Numbers, levels: _Numbers, penalty: float, level_penalty: float) -> _Numbers:
    """[k, k] covariance of the weights of `_ridge` in units of the variance of what is not explained.

    Penalties are what was expected before any training: a weight's variance is one over its penalty.
    """
    k = counts.shape[1]
    known = np.hstack([counts - counts.mean(axis=0), levels])
    inverse = np.linalg.inv(_normal(known, k, penalty, level_penalty))[:k, :k]
    return np.asarray(inverse, dtype=np.float64)


def _normal(known: _Numbers, k: int, penalty: float, level_penalty: float) -> _Numbers:
    """The matrix of the normal equations for k counts and levels beside them."""
    penalties: _Numbers = np.array([penalty] * k + [level_penalty] * (known.shape[1] - k))
    return known.T @ known + np.diag(penalties)


def _left_out(
    counts: _Numbers, levels: _Numbers, accuracies: _Numbers, penalty: float, level_penalty: float
) -> LeftOut:
    """Every topology's architectures predicted by a fit on those of all others."""
    predicted = np.empty_like(accuracies)
    for level in levels.T:
        own, others = level == 1, level == 0
        weights, intercept = _ridge(counts[others], levels[others], accuracies[others], penalty, level_penalty)
        predicted[own] = counts[own] @ weights + intercept
    error = predicted - accuracies
    several = levels @ levels.sum(axis=0) > 1
    within = np.eye(len(levels)) - levels @ np.diag(1 / levels.sum(axis=0)) @ levels.T
    gains, wrong = (within @ accuracies)[several], (within @ error)[several]
    guessed = (within @ predicted)[several]
    product_of_norms = float(np.linalg.norm(gains) * np.linalg.norm(guessed))
    return LeftOut(
        rank_correlation(predicted, accuracies),
        _root_mean_square(error),
        float(gains @ guessed) / product_of_norms if product_of_norms else 0.0,
        _root_mean_square(wrong) if len(wrong) else 0.0,
    )


def _root_mean_square(values: _Numbers) -> float:
    return float(np.sqrt(np.mean(values**2)))

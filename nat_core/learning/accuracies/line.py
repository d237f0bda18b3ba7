"""Bayesian linear regression with a prior on the weights, which returns their posterior covariance.

All tables of trainings share the weights; each table has its own intercept. Columns are clipped to the range seen in
training, so that a prediction does not extrapolate beyond the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_Numbers = NDArray[np.float64]
# The prior variance of the tables' intercepts, in units of the targets' variance; large, since they may be anything.
_ANY_LEVEL = 1e4
UNBOUNDED = 1e6
_LEAST_DEVIATION = 1e-9


@dataclass(frozen=True)
class Expected:
    """The prior of the weights [k] of standardised columns.

    Attributes:
        means, deviations: mean and std of each weight, in units of the target.
    """

    means: _Numbers
    deviations: _Numbers


@dataclass(frozen=True)
class Standard:
    """The bounds and scales by which columns [n, k] are clipped and standardised, as tuples of k numbers."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    @classmethod
    def of(cls, columns: _Numbers, bounded: NDArray[np.bool_], scaled: NDArray[np.bool_]) -> "Standard":
        """Compute from the columns themselves.

        Args:
            columns: columns of the fitted data, [n, k].
            bounded: whether a column is clipped to the range of the fitted data, [k].
            scaled: whether a column is centred and divided by its standard deviation, [k].
        """
        spread = columns.std(axis=0)
        return cls(
            tuple(np.where(scaled, columns.mean(axis=0), 0.0).tolist()),
            tuple(np.where(scaled & (spread > 0), spread, 1.0).tolist()),
            tuple(np.where(bounded, columns.min(axis=0), -UNBOUNDED).tolist()),
            tuple(np.where(bounded, columns.max(axis=0), UNBOUNDED).tolist()),
        )

    def __call__(self, columns: _Numbers) -> _Numbers:
        """Return the standardised columns, shape [n, k]."""
        return (columns.clip(self.lowest, self.highest) - self.means) / self.deviations


@dataclass(frozen=True)
class Line:
    """target = intercept + standardised columns · weights.

    Attributes:
        standard: standardisation of the columns.
        weights: weights of the columns, k numbers.
        intercept: intercept of the first table.
        covariance: covariance of the errors of weights and intercept, (k + 1) · (k + 1) numbers, row by row.
    """

    standard: Standard
    weights: tuple[float, ...]
    intercept: float
    covariance: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes = {len(self.weights), *map(len, vars(self.standard).values())}
        if len(sizes) != 1 or len(self.covariance) != (len(self.weights) + 1) ** 2:
            raise ValueError("the line's standard, weights and covariance are of different sizes")
        numbers = [*self.weights, self.intercept, *self.covariance, *self.standard.means]
        if not np.isfinite(numbers).all() or not min(self.standard.deviations) > _LEAST_DEVIATION:
            raise ValueError("the line has a number that is not finite, or a deviation that is not above 0")

    @cached_property
    def _root(self) -> _Numbers:
        """Return a root of the covariance, shape [k + 1, r]."""
        size = len(self.weights) + 1
        values, vectors = np.linalg.eigh(np.array(self.covariance).reshape(size, size))
        return np.asarray(vectors * np.sqrt(values.clip(0)), dtype=np.float64)

    def targets(self, standardised: _Numbers) -> _Numbers:
        """Return predicted targets for standardised columns [n, k], shape [n]."""
        return self.intercept + standardised @ np.array(self.weights)

    def variances(self, standardised: _Numbers) -> _Numbers:
        """Return the variances of these predictions from the covariance of weights and intercept, shape [n]."""
        ones = np.ones((len(standardised), 1))
        return np.square(np.hstack([standardised, ones]) @ self._root).sum(axis=1)

    def change_variances(self, changes: _Numbers) -> _Numbers:
        """Return variances of differences between predictions, shape [n], from those of standardised columns [n, k]."""
        return np.square(changes @ self._root[:-1]).sum(axis=1)


@dataclass(frozen=True)
class Data:
    """The data that a line is fitted on.

    Attributes:
        columns: standardised columns, [n, k].
        targets: targets, [n].
        tables: number of each row's table, [n], from 0.
        expected: prior of the weights.
    """

    columns: _Numbers
    targets: _Numbers
    tables: NDArray[np.int64]
    expected: Expected

    def chosen(self, which: NDArray[np.bool_]) -> "Data":
        return Data(self.columns[which], self.targets[which], self.tables[which], self.expected)


@dataclass(frozen=True)
class Posterior:
    """Weights [k] and levels of tables, one after the other, and the covariance of their errors."""

    values: _Numbers
    covariance: _Numbers
    size: int

    def predicted(self, data: Data) -> tuple[_Numbers, _Numbers]:
        """Return targets, each on its table's level, and the variances of their errors, shape [n] each."""
        known = _known(data, len(self.values) - self.size)
        return known @ self.values, np.einsum("ni,ij,nj->n", known, self.covariance, known)


def posterior(data: Data, variance: float) -> Posterior:
    """Return the posterior of weights and intercepts; `variance` is the residual variance."""
    count = int(data.tables.max()) + 1
    known = _known(data, count)
    means = np.concatenate([data.expected.means, np.full(count, data.targets.mean())])
    variances = np.concatenate([data.expected.deviations**2, np.full(count, _ANY_LEVEL * data.targets.var() + 1e-9)])
    precision = known.T @ known / variance + np.diag(1 / variances)
    covariance = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    values = means + covariance @ known.T @ (data.targets - known @ means) / variance
    return Posterior(values, covariance, data.columns.shape[1])


def left_out(data: Data, folds: NDArray[np.int64], variance: float) -> tuple[_Numbers, _Numbers]:
    """Return targets predicted by fits on the other folds, and the variances of their errors, shape [n] each."""
    found, variances = np.empty(len(data.targets)), np.empty(len(data.targets))
    for fold in np.unique(folds):
        own = folds == fold
        found[own], variances[own] = posterior(data.chosen(~own), variance).predicted(data.chosen(own))
    return found, variances


def fitted(data: Data, standard: Standard, variance: float) -> Line:
    """Fit the line; its intercept is that of the first table."""
    known = posterior(data, variance)
    kept = [*range(known.size), known.size]
    covariance = known.covariance[np.ix_(kept, kept)]
    return Line(
        standard, tuple(known.values[: known.size].tolist()), float(known.values[known.size]),
        tuple(covariance.ravel().tolist()),
    )  # fmt: skip


def folds_of(keys: Sequence[object], count: int, seed: int = 0) -> NDArray[np.int64]:
    """Return numbers of folds, shape [n]; equal keys have the same number."""
    distinct = list(dict.fromkeys(keys))
    order = np.random.default_rng(seed).permutation(len(distinct)) % count
    number = dict(zip(distinct, order.tolist(), strict=True))
    return np.array([number[key] for key in keys], dtype=np.int64)


def _known(data: Data, tables: int) -> _Numbers:
    """Return the columns and the indicators of tables, in which targets are linear, shape [n, k + tables]."""
    return np.hstack([data.columns, np.eye(tables)[data.tables]])

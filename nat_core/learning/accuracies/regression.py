"""Ridge regression of accuracies on counts, a level of its own for each topology, by trainings of one or two lengths.

Short trainings are cheap, so most are short; but what a network learns first is not what it ends with. Accuracies of
longer ones are a share of what the shorter ones say, plus what each count adds, and both lengths are fitted together.
Penalties are what was expected before any training: the variance of a weight is one over its penalty, in units of the
variance of what is not explained. Weights may be expected to be alike.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of the two intercepts, which may be anything.
_FREE = 1e-6

_Numbers = NDArray[np.float64]
_Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class Penalties:
    """How much is expected to matter.

    Attributes:
        weights: on the weights of standardised counts.
        levels: on those of topologies.
        share: of what shorter trainings say, in longer ones.
        additions: on what each count adds in longer ones.
    """

    weights: float
    levels: float
    share: float = 1.0
    additions: float = 10.0


@dataclass(frozen=True)
class Observed:
    """Trainings of n architectures.

    Attributes:
        counts: [n, k], standardised.
        topologies: [n] numbers, the same where levels are.
        longer: [n] whether trained longer than the others.
        accuracies: [n] in percent.
        expected: [k, k] root of the covariance expected of the weights, up to what penalties say.
    """

    counts: _Numbers
    topologies: NDArray[np.int64]
    longer: _Chosen
    accuracies: _Numbers
    expected: _Numbers

    def of(self, chosen: _Chosen) -> "Observed":
        """Some of them."""
        return Observed(
            self.counts[chosen], self.topologies[chosen], self.longer[chosen], self.accuracies[chosen], self.expected
        )


@dataclass(frozen=True)
class Line:
    """accuracy = intercept + counts · weights.

    Attributes:
        weights: [k] in points.
        intercept: in percent.
        covariance: [k, k] of the weights' errors, in units of the variance of what is not explained.
    """

    weights: _Numbers
    intercept: float
    covariance: _Numbers

    def accuracies(self, counts: _Numbers) -> _Numbers:
        """[n] in percent, of standardised [n, k] counts."""
        return self.intercept + counts @ self.weights


def numbered(topologies: Sequence[Hashable]) -> NDArray[np.int64]:
    """[n] the same number for the same topology."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(item, len(numbers)) for item in topologies], dtype=np.int64)


def fit(data: Observed, penalties: Penalties) -> list[Line]:
    """Least squares with large weights and levels penalised: a line per length of training, the longer last."""
    k, middle = data.counts.shape[1], data.accuracies.mean()
    known, variances = linear(data, penalties)
    covariance = np.asarray(np.linalg.inv(known.T @ known + np.diag(1 / variances)), dtype=np.float64)
    found = covariance @ known.T @ (data.accuracies - middle)
    root = data.expected
    shorter = Line(root @ found[:k], float(middle + found[-2]), root @ covariance[:k, :k] @ root.T)
    if not data.longer.any():
        return [shorter]
    both = np.hstack([penalties.share * root, root])
    spread = both @ covariance[: 2 * k, : 2 * k] @ both.T
    return [shorter, Line(both @ found[: 2 * k], float(middle + found[-1]), spread)]


def predicted_without_topology(data: Observed, penalties: Penalties) -> _Numbers:
    """[n] accuracies, each topology's as by a fit on all others.

    From one inverse of the [n, n] covariance of accuracies: what the rest says of a block of them is what they are
    less the solution of that block of the inverse for the block of the inverse times all.
    """
    known, variances = linear(data, penalties)
    accuracies = data.accuracies - data.accuracies.mean()
    inverse = np.linalg.inv(known * variances @ known.T + np.eye(len(known)))
    weighed, predicted = inverse @ accuracies, data.accuracies.copy()
    for topology in np.unique(data.topologies):
        own = np.flatnonzero(data.topologies == topology)
        predicted[own] -= np.linalg.solve(inverse[np.ix_(own, own)], weighed[own])
    return predicted


def linear(data: Observed, penalties: Penalties) -> tuple[_Numbers, _Numbers]:
    """What accuracies are linear in, [n, p], and the variances [p] expected of its weights.

    Weights of shorter trainings and additions of longer ones, either by what is expected of them, levels of topologies,
    the two intercepts.
    """
    counts = data.counts @ data.expected
    k, longer = data.counts.shape[1], data.longer[:, None].astype(np.float64)
    scale = np.where(longer, penalties.share, 1.0)
    levels = np.eye(int(data.topologies.max()) + 1)[data.topologies]
    known = np.hstack([scale * counts, longer * counts, scale * levels, 1 - longer, longer])
    sizes = (k, k, levels.shape[1], 2)
    return known, 1 / np.repeat([penalties.weights, penalties.additions, penalties.levels, _FREE], sizes)


def within_topologies(values: _Numbers, topologies: NDArray[np.int64]) -> _Numbers:
    """Differences to the mean of the topology, of those topologies that have several values."""
    members = np.eye(int(topologies.max()) + 1)[topologies]
    sizes = members.sum(axis=0)
    means = members.T @ values / sizes.clip(1)
    return (values - members @ means)[members @ sizes > 1]

"""Candidates in order, and which of them is chosen: the most accurate, or the cheapest that is as good as the input."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import (
    AccuracySource,
    EvaluatedOperations,
    UncertainSource,
    known,
    standard_errors_points,
)
from nat_core.learning.support.pareto import pareto_front
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import Cost, cost_model

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """An architecture with its costs and its accuracy.

    Attributes:
        network: network in which costs are counted.
        cost: cost of the whole network; every non-null edge counts, as in the literature.
        log_probability: natural logarithm of the policy's probability for it, given the input.
        accuracy_percent: accuracy by the accuracy source; None without one.
        standard_error_points: standard error of that accuracy; None if the source does not know it.
        gain_error_points: standard error of its accuracy minus the input's; None if the source does not know it.
        is_believable: whether its gain over the input can be believed.
        is_final: whether the source has evaluated it with full effort; others rank below such candidates.
        number: 0 for the input, then in the order in which the policy proposed them.
    """

    architecture: Architecture
    network: NetworkConfig
    cost: Cost
    log_probability: float
    accuracy_percent: float | None = None
    standard_error_points: float | None = None
    gain_error_points: float | None = None
    is_believable: bool = True
    is_final: bool = True
    number: int = 0

    @cached_property
    def effective_cost(self) -> Cost:
        """Return the cost without edges that do not reach the output."""
        return cost_model(self.network).cost(self.architecture.effective)

    def gain_over(self, given: "Candidate") -> float | None:
        """Accuracy gained over the input `given`, in points; None where one of them is not evaluated."""
        if self.accuracy_percent is None or given.accuracy_percent is None:
            return None
        return self.accuracy_percent - given.accuracy_percent

    def is_as_good_as(self, given: "Candidate") -> bool:
        """Return whether it is at most one standard error of the difference worse than the input `given`."""
        gain = self.gain_over(given)
        sure = self.is_believable and (self.is_final or not given.is_final)
        return gain is not None and sure and bool(as_good(gain, self.gain_error_points or 0.0))


def as_good(gain: float | Numbers, error: float | Numbers) -> bool | NDArray[np.bool_]:
    """Whether a gain is not below zero by more than one standard error; elementwise for arrays."""
    return gain + error >= 0


def evaluated(
    candidates: Sequence[Candidate],
    inputs: Sequence[Architecture],
    source: AccuracySource,
    accuracy_percent: NDArray[np.float64],
    is_final: NDArray[np.bool_] | None = None,
) -> list[Candidate]:
    """Return candidates with their accuracies, and with standard errors if the source knows them.

    Args:
        candidates: n candidates of any inputs.
        inputs: the input of each candidate, [n].
        source: source of the accuracies.
        accuracy_percent: accuracies, [n]; NaN for candidates not yet evaluated.
        is_final: which accuracies are final (see `Candidate`), [n]; None: all.

    Raises:
        ValueError: the source cannot evaluate an architecture.
    """
    outputs = [item.architecture for item in candidates]
    errors: list[NDArray[np.float64]] = [standard_errors_points(source, outputs), np.full(len(outputs), np.nan)]
    believable = np.ones(len(outputs), dtype=np.bool_)
    if isinstance(source, UncertainSource):
        errors[1] = source.gain_error_points(inputs, outputs)
        believable = source.believable(inputs, outputs)
    columns = ([known(value) for value in column.tolist()] for column in (accuracy_percent, *errors))
    final = [True] * len(outputs) if is_final is None else is_final.tolist()
    return [
        replace(
            item,
            accuracy_percent=accuracy,
            standard_error_points=error,
            gain_error_points=gain_error,
            is_believable=believed,
            is_final=last,
        )
        for item, accuracy, error, gain_error, believed, last in zip(
            candidates, *columns, believable.tolist(), final, strict=True
        )
    ]


def most_accurate_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Most accurate first; without accuracies, most probable first; of equals, the cheaper.

    While some have no accuracy yet, those that have one come first. Once all have one, believable and final accuracies
    come first.
    """
    candidates = list(candidates)
    complete = all(item.accuracy_percent is not None for item in candidates)

    def key(item: Candidate) -> tuple[bool, bool, bool, float, int]:
        unknown = item.accuracy_percent is None
        merit = item.log_probability if item.accuracy_percent is None else item.accuracy_percent
        return (complete and not item.is_believable, complete and not item.is_final, unknown, -merit, item.cost.macs)

    return sorted(candidates, key=key)


def cheapest_as_good(candidates: Iterable[Candidate], given: Candidate) -> Candidate | None:
    """The candidate of the fewest MACs that is as good as the input `given`, or None; ties go to the most accurate."""
    good = [item for item in candidates if item.is_as_good_as(given)]
    return min(good, key=lambda item: (item.cost.macs, -(item.accuracy_percent or 0.0)), default=None)


def undominated(costs: Numbers, accuracies: Numbers, believable: NDArray[np.bool_]) -> list[int]:
    """Return the indices of the Pareto front of n candidates, cheapest first.

    A candidate that is not believable is on the front only if it is cheaper and less accurate than all believable ones.

    Args:
        costs, accuracies: costs and accuracies, [n]; NaN for an unknown accuracy.
        believable: which accuracies can be believed, [n].
    """
    finite = np.isfinite(accuracies)
    front = _rising(costs, accuracies, finite & believable)
    others = finite & ~believable
    if front:
        others &= (costs < costs[front[0]]) & (accuracies < accuracies[front[0]])
    return [*_rising(costs, accuracies, others), *front]


def _rising(costs: Numbers, accuracies: Numbers, which: NDArray[np.bool_]) -> list[int]:
    """Return those of the candidates `which` that are more accurate than all others of the same or lower cost."""
    numbers = np.flatnonzero(which)
    return numbers[pareto_front(costs[numbers], accuracies[numbers])].tolist()


def with_evaluation(item: Candidate, evaluation: EvaluatedOperations, number: int) -> Candidate:
    """A candidate with what `evaluation` says in row `number`."""
    return replace(
        item,
        accuracy_percent=known(evaluation.accuracy_percent[number]),
        standard_error_points=known(evaluation.standard_error_points[number]),
        gain_error_points=known(evaluation.gain_error_points[number]),
        is_believable=bool(evaluation.believable[number]),
    )

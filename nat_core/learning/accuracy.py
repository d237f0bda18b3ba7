"""The one narrow interface through which accuracies arrive, whoever measured or predicted them.

REINFORCE, the comparators and the use cases know an `AccuracySource` and nothing behind it: a
benchmark's table, a supernet on images, a reward model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture

AccuracyKind = Literal["published", "tabular", "measured", "shared-weight", "modelled"]


@runtime_checkable
class AccuracySource(Protocol):
    """Evaluates architectures.

    Attributes:
        kind: how the accuracies are obtained; different kinds never share an axis unmarked.
        description: data set, split and training budget in words, e.g. "CIFAR-10 validation, 12 epochs".
        stable: whether the same architecture always gets the same number while this object lives, so that
            callers may remember it.
    """

    @property
    def kind(self) -> AccuracyKind: ...

    @property
    def description(self) -> str: ...

    @property
    def stable(self) -> bool: ...

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why this source cannot evaluate `architecture`, or None if it can."""
        ...

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return the accuracies of n architectures in percent, shape [n]. Architectures may repeat.

        Raises:
            ValueError: some architecture cannot be evaluated.
        """
        ...


class WrappedSource:
    """An `AccuracySource` that asks another one; subclasses override what they do differently.

    Attributes:
        source: the source that is asked.
    """

    def __init__(self, source: AccuracySource) -> None:
        self.source = source

    @property
    def kind(self) -> AccuracyKind:
        return self.source.kind

    @property
    def description(self) -> str:
        return self.source.description

    @property
    def stable(self) -> bool:
        return self.source.stable

    def mismatch(self, architecture: Architecture) -> str | None:
        return self.source.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        return self.source.accuracy_percent(architectures)


def known(value: float) -> float | None:
    """Return a number as a float, or None for NaN, which stands for an unknown value in arrays."""
    return float(value) if np.isfinite(value) else None


@runtime_checkable
class UncertainSource(AccuracySource, Protocol):
    """A source that knows how far off it may be."""

    def gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return the standard errors of the gains of n outputs over their inputs of the same topology, shape [n].

        Raises:
            ValueError: some architecture cannot be evaluated.
        """
        ...

    def believable(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """Return whether each gain may be believed at all, shape [n]: an optimiser finds where a source errs."""
        ...

    def mean_gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> float:
        """Return the standard error of the mean gain.

        Raises:
            ValueError: some architecture cannot be evaluated.
        """
        ...


@dataclass(frozen=True, eq=False)
class EvaluatedOperations:
    """A source's evaluation of transformations of n inputs, m in all, ordered by input.

    Attributes:
        inputs_percent: accuracies of the inputs, [n].
        accuracy_percent: accuracies of the outputs, [m].
        standard_error_points: standard errors of the outputs' accuracies, [m]; NaN if the source does not know them.
        gain_error_points: standard errors of the gains over the inputs, [m]; NaN if the source does not know them.
        believable: whether the gains may be believed at all, [m].
    """

    inputs_percent: NDArray[np.float64]
    accuracy_percent: NDArray[np.float64]
    standard_error_points: NDArray[np.float64]
    gain_error_points: NDArray[np.float64]
    believable: NDArray[np.bool_]


@runtime_checkable
class OperationsSource(AccuracySource, Protocol):
    """A source that evaluates transformations without an `Architecture` for each: thousands at a time."""

    def evaluate_operations(
        self, inputs: Sequence[Architecture], operations: Sequence[NDArray[np.int64]]
    ) -> EvaluatedOperations:
        """Evaluate transformations.

        Args:
            inputs: n architectures.
            operations: transformations of each input as rows of the table of operations, [transformations, edges], in
                the order of `Architecture.edges`.

        Raises:
            ValueError: some input cannot be evaluated.
        """
        ...

    def believable_operations(
        self, inputs: Sequence[Architecture], operations: Sequence[NDArray[np.int64]]
    ) -> list[NDArray[np.bool_]]:
        """Return for each input a mask of its transformations whose gains may be believed; `operations` as above."""
        ...

    def least_believable(self, inputs: Sequence[Architecture], costs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cost of the edges of each input's cheapest believable output, shape [n]; infinite without one.

        Args:
            inputs: n architectures.
            costs: cost of each operation on each edge, [n, most edges, operations], infinite for illegal operations; on
                edges that an input does not have, the first operation costs 0 and the others are infinite.
        """
        ...


@runtime_checkable
class EstimatingSource(AccuracySource, Protocol):
    """A source whose accuracies are estimates, and that knows how far off each may be."""

    def standard_error_points(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return the standard errors of `accuracy_percent` in points, shape [n].

        Raises:
            ValueError: some architecture cannot be evaluated.
        """
        ...


def standard_errors_points(source: AccuracySource, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
    """Return the standard errors of a source's accuracies, shape [n]; NaN if unknown. Raises ValueError like it."""
    if isinstance(source, EstimatingSource):
        return source.standard_error_points(architectures)
    return np.full(len(architectures), np.nan)


@runtime_checkable
class ChanceSource(AccuracySource, Protocol):
    """A source whose accuracies may be no better than guessing.

    Attributes:
        chance_percent: the accuracy of guessing.
    """

    @property
    def chance_percent(self) -> float: ...


@dataclass(frozen=True)
class StagedAccuracies:
    """Accuracies of n architectures, not all of which were evaluated equally well.

    Attributes:
        accuracy_percent: accuracies, float64 [n]; NaN for architectures not evaluated yet.
        is_final: whether each was evaluated in the last stage, bool [n]; the others rank below these.
        done, total: number of evaluations so far and in all.
    """

    accuracy_percent: NDArray[np.float64]
    is_final: NDArray[np.bool_]
    done: int
    total: int


@runtime_checkable
class StagedSource(AccuracySource, Protocol):
    """A source that spends less on architectures that are not among the best."""

    def evaluate(self, architectures: Sequence[Architecture]) -> StagedAccuracies:
        """Evaluate all architectures coarsely, then the best of them and the first one finely.

        Raises:
            ValueError: some architecture cannot be evaluated.
        """
        ...

    def steps(self, architectures: Sequence[Architecture]) -> Iterator[StagedAccuracies]:
        """Yield the result after every evaluation, ending with that of `evaluate`. Raises ValueError likewise."""
        ...

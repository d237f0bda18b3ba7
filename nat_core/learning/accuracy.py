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
        kind: how the numbers came about; numbers of different kinds never share an axis unmarked.
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
        """Accuracies in percent, [n] for n architectures, in their order. Repeats are allowed.

        Raises:
            ValueError: some architecture cannot be evaluated; says which and why.
        """
        ...


def known(value: float) -> float | None:
    """Return a number as a float, or None for NaN, which stands for an unknown value in arrays."""
    return float(value) if np.isfinite(value) else None


@runtime_checkable
class UncertainSource(AccuracySource, Protocol):
    """A source that knows how far off it may be."""

    def gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.float64]:
        """[n] standard errors of the accuracies of n outputs minus those of their inputs, of the same topologies.

        Raises:
            ValueError: some architecture cannot be evaluated; says which and why.
        """
        ...

    def believable(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """Return [n] whether n gains may be believed at all: an optimiser finds where a source errs."""
        ...

    def mean_gain_error_points(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> float:
        """The standard error of the mean of these differences.

        Raises:
            ValueError: as `gain_error_points`.
        """
        ...


@dataclass(frozen=True, eq=False)
class EvaluatedOperations:
    """A source's evaluation of transformations of n inputs, m in all, ordered by input.

    Attributes:
        inputs_percent: [n] accuracies of the inputs.
        accuracy_percent: [m] accuracies of the outputs.
        standard_error_points: [m] standard errors of these; NaN where the source tells none.
        gain_error_points: [m] standard errors of outputs minus inputs; NaN likewise.
        believable: [m] whether gains may be believed at all.
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
            operations: of each [its transformations, its edges] rows of the table of operations, edges in the order of
                `Architecture.edges`.

        Raises:
            ValueError: some input cannot be evaluated; says which and why.
        """
        ...

    def believable_operations(
        self, inputs: Sequence[Architecture], operations: Sequence[NDArray[np.int64]]
    ) -> list[NDArray[np.bool_]]:
        """Return for each input a mask of its transformations whose gains may be believed; `operations` as above."""
        ...

    def least_believable(self, inputs: Sequence[Architecture], costs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [n] what the edges of the cheapest believable output of each input cost; infinite where there is none.

        Args:
            inputs: n architectures.
            costs: [n, most edges, operations] of each operation on each edge, infinite where it is illegal; where an
                input has fewer edges, the first operation costs nothing and others are infinite.
        """
        ...


@runtime_checkable
class EstimatingSource(AccuracySource, Protocol):
    """A source whose accuracies are estimates, and that knows how far off each may be."""

    def standard_error_points(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return [n] standard errors of `accuracy_percent`, in points.

        Raises:
            ValueError: some architecture cannot be evaluated; says which and why.
        """
        ...


def standard_errors_points(source: AccuracySource, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
    """[n] standard errors of what `source` says of n architectures; NaN where it tells none. Raises ValueError."""
    if isinstance(source, EstimatingSource):
        return source.standard_error_points(architectures)
    return np.full(len(architectures), np.nan)


@runtime_checkable
class ChanceSource(AccuracySource, Protocol):
    """A source whose accuracies may be no better than guessing.

    Attributes:
        chance_percent: what guessing gives.
    """

    @property
    def chance_percent(self) -> float: ...


@dataclass(frozen=True)
class StagedAccuracies:
    """Accuracies of n architectures, not all of which were evaluated equally well.

    Attributes:
        accuracy_percent: float64 [n]; NaN for those not evaluated yet.
        is_final: bool [n], whether each was evaluated in the last stage; the others rank after those that were.
        done, total: evaluations so far, and in all.
    """

    accuracy_percent: NDArray[np.float64]
    is_final: NDArray[np.bool_]
    done: int
    total: int


@runtime_checkable
class StagedSource(AccuracySource, Protocol):
    """A source that spends less on architectures that are not among the best."""

    def evaluate(self, architectures: Sequence[Architecture]) -> StagedAccuracies:
        """Evaluates all coarsely and the best of them, and always the first one, finely.

        Raises:
            ValueError: some architecture cannot be evaluated; says which and why.
        """
        ...

    def steps(self, architectures: Sequence[Architecture]) -> Iterator[StagedAccuracies]:
        """The same, told after every evaluation; the last one is what `evaluate` gives. Raises ValueError likewise."""
        ...

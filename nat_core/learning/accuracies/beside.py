"""Evidence from other trainings on features that the fitted trainings lack, such as null or dense convolutions.

A regression is fitted to each table separately, in units of the table's own std, since accuracies of short trainings
vary twenty times as much as those of full ones. The tables' estimates are averaged by their certainty. Half of an
estimate may be wrong for networks of another size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.rows import ArchitectureRows
from nat_core.learning.accuracies import counts
from nat_core.learning.accuracies.line import Data, Expected, posterior
from nat_core.learning.accuracies.trained_cells import TrainedCells
from nat_core.learning.scratch.measured import SHIPPED, MeasuredResult, budgets, read_measured

_Numbers = NDArray[np.float64]
_PLAIN, _FOREIGN = 2 * len(counts.PLAIN), len(counts.FOREIGN_COLUMNS)
# Expected of weights before any table is seen, in its spread: per edge of eight, and of what is foreign.
_PLAIN_DEVIATION, _FOREIGN_DEVIATION = 0.3, 1.0
# Of what a regression leaves unexplained, and between the levels of topologies; in a table's spread.
_UNEXPLAINED, _LEVELS = 0.5, 0.5
# Tables differ by this much in what they say, and this part of it may be wrong at full size.
_BETWEEN_TABLES, _MAY_BE_WRONG = 0.15, 0.5
_ORDINARY = 20


@dataclass(frozen=True)
class Said:
    """One table's estimates of the weights of plain and foreign counts, in the table's std per unit.

    Attributes:
        weights: estimated weights, [k].
        covariance: covariance of their errors, [k, k].
    """

    weights: _Numbers
    covariance: _Numbers


def shipped_trainings() -> list[TrainedCells]:
    """The short trainings that ship with the project, those evaluated on images that chose nothing but them."""
    results = [result for result in read_measured(SHIPPED) if result.judged_on == "selection"]
    return [_table(group) for group in budgets(results).values()]


def _table(results: Sequence[MeasuredResult]) -> TrainedCells:
    cells = tuple(result.value for result in results)
    name = f"{results[0].epochs} epochs at {results[0].network}"
    return TrainedCells(name, cells, np.array([result.accuracy for result in results]))


def said_by(table: TrainedCells) -> Said:
    """Estimate the weights from one table; each topology has its own intercept."""
    rows = ArchitectureRows.of(table.architectures)
    columns = np.hstack([counts.plain(rows), counts.foreign(rows)])
    size = columns.shape[1]
    ordinary = np.abs(columns[:, _PLAIN:]).sum(axis=1) < 1e-9
    spread = table.accuracies_percent[ordinary if ordinary.sum() >= _ORDINARY else slice(None)].std() or 1.0
    numbers: dict[object, int] = {}
    topologies = [numbers.setdefault(item.topology, len(numbers)) for item in table.architectures]
    levels = np.eye(len(numbers))[topologies] if len(numbers) < len(topologies) else np.empty((len(topologies), 0))
    deviations = np.repeat([_PLAIN_DEVIATION, _FOREIGN_DEVIATION, _LEVELS], [_PLAIN, _FOREIGN, levels.shape[1]])
    data = Data(
        np.hstack([columns, levels]), table.accuracies_percent / spread, np.zeros(len(table), dtype=np.int64),
        Expected(np.zeros(len(deviations)), deviations),
    )  # fmt: skip
    found = posterior(data, _UNEXPLAINED**2)
    return Said(found.values[:size], found.covariance[:size, :size])


def expected_of(combinations: _Numbers, tables: Sequence[TrainedCells]) -> Expected:
    """Return the prior for m combinations [m, k] of the weights, in units of std, from all tables together."""
    if not tables:
        return Expected(np.zeros(len(combinations)), np.full(len(combinations), _FOREIGN_DEVIATION))
    said = [said_by(table) for table in tables]
    values = np.array([item.weights @ combinations.T for item in said])
    variances = np.array([np.einsum("mi,ij,mj->m", combinations, item.covariance, combinations) for item in said])
    precisions = 1 / (variances + _BETWEEN_TABLES**2)
    means = (precisions * values).sum(axis=0) / precisions.sum(axis=0)
    return Expected(means, np.sqrt(1 / precisions.sum(axis=0) + (_MAY_BE_WRONG * means) ** 2))

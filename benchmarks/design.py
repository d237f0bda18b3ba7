"""Which trainings tell most: an experiment's design for regressions of the form of `StructureModel`.

Each next one is the one that lowers the variances of what is wanted most per second, in a regression on counts with
levels of topologies. Only counts decide that, no accuracy does.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracies.structure import features
from nat_core.learning.accuracies.structure_model import StructureModel, of_main_budget
from nat_core.learning.scratch.measured import read_measured
from nat_core.network.costs import cost_model

# Of the level that all accuracies share, beside weights of counts, whose prior the model's penalty is.
_LEVEL_VARIANCE = 100.0
_LEAST_SECONDS = 60.0

_Numbers = NDArray[np.float64]


def standardised(architectures: Sequence[Architecture], model: StructureModel) -> _Numbers:
    """[n, counts] as in the model's regression."""
    return (features(architectures, model.network) - model.means) / model.deviations


def telling(
    candidates: Sequence[Architecture],
    known: Sequence[Architecture],
    differences: _Numbers,
    seconds: _Numbers,
    model: StructureModel,
    count: int,
) -> list[int]:
    """Positions of those candidates that tell most about differences, in the order in which they are wanted.

    Args:
        candidates: n architectures.
        known: those that are trained anyhow.
        differences: [k, counts] between mean standardised counts.
        seconds: [n] that training a candidate takes.
        model: whose counts, penalties and network the regression has.
        count: how many are wanted.
    """
    numbers = {item.topology: 0 for item in (*known, *candidates)}
    numbers = {topology: number for number, topology in enumerate(numbers)}
    width = len(model.weights)

    def rows(architectures: Sequence[Architecture]) -> _Numbers:
        levels = np.eye(len(numbers))[[numbers[item.topology] for item in architectures]]
        return np.hstack([standardised(architectures, model), levels, np.ones((len(architectures), 1))])

    prior = [1 / model.penalty] * width + [1 / model.level_penalty] * len(numbers) + [_LEVEL_VARIANCE]
    covariance, wanted = np.diag(prior), np.zeros((len(differences), len(prior)))
    wanted[:, :width] = differences
    for row in rows(known) if known else ():
        covariance = _observed(covariance, row)
    found, chosen = rows(candidates), list[int]()
    for _ in range(min(count, len(candidates))):
        spread = found @ covariance
        lowered = ((wanted @ spread.T) ** 2).sum(axis=0) / (1 + np.einsum("ij,ij->i", found, spread))
        worth = lowered / seconds
        worth[chosen] = -1
        chosen.append(int(worth.argmax()))
        covariance = _observed(covariance, found[chosen[-1]])
    return chosen


def _observed(covariance: _Numbers, row: _Numbers) -> _Numbers:
    """The covariance of weights after one more observation, in units of its variance."""
    spread = covariance @ row
    return covariance - np.outer(spread, spread) / (1 + row @ spread)


def seconds_of(architectures: Sequence[Architecture], model: StructureModel, table: Path) -> _Numbers:
    """[n] that trainings take, a line through those that the model was fitted on."""
    trained = of_main_budget(read_measured(table), "selection")
    line = np.polyfit([result.macs for result in trained], [result.elapsed_seconds for result in trained], 1)
    cost = cost_model(model.network).cost
    return np.polyval(line, [cost(item).macs for item in architectures]).clip(_LEAST_SECONDS)

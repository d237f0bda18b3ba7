"""Which trainings tell most: an experiment's design for regressions as of `StructureModel`.

Each next one is the one that lowers the variances of what is wanted most per second, each relative to what it is
before, in a regression on counts with levels of topologies, by trainings of one or two lengths. Only counts decide
that, no accuracy does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracies.regression import Observed, linear, numbered
from nat_core.learning.accuracies.structure import EXPECTED, features
from nat_core.learning.accuracies.structure_model import StructureModel, of_main_budget
from nat_core.learning.scratch.measured import read_measured
from nat_core.network.costs import cost_model

_LEAST_SECONDS = 60.0

_Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """What is trained anyhow.

    Attributes:
        shorter: architectures of the trainings that models are fitted on.
        longer: those that are trained longer; None: lengths are not told apart.
    """

    shorter: Sequence[Architecture]
    longer: Sequence[Architecture] | None = None


def standardised(architectures: Sequence[Architecture], model: StructureModel) -> _Numbers:
    """[n, counts] as in the model's regression."""
    return (features(architectures, model.network) - model.means) / model.deviations


def telling(
    candidates: Sequence[Architecture],
    known: Known,
    differences: _Numbers,
    seconds: _Numbers,
    model: StructureModel,
    count: int,
) -> list[int]:
    """Positions of those candidates that tell most about differences, in the order in which they are wanted.

    Args:
        candidates: n architectures, for longer trainings if `known` tells lengths apart.
        known: what is trained anyhow.
        differences: [k, counts] between mean standardised counts, whose gains are wanted (of longer trainings).
        seconds: [n] that training a candidate takes.
        model: whose counts, penalties and network the regression has.
        count: how many are wanted.
    """
    trained = [*known.shorter, *(known.longer or ())]
    every = [*trained, *candidates]
    longer = np.arange(len(every)) >= (len(every) if known.longer is None else len(known.shorter))
    topologies = numbered([item.topology for item in every])
    data = Observed(standardised(every, model), topologies, longer, np.zeros(len(every)), EXPECTED)
    rows, variances = linear(data, model.penalties)
    covariance, wanted = np.diag(variances), np.zeros((len(differences), len(variances)))
    differences, width = differences @ EXPECTED, differences.shape[1]
    if known.longer is None:
        wanted[:, :width] = differences
    else:
        wanted[:, : 2 * width] = np.hstack([model.share * differences, differences])
    for row in rows[: len(trained)]:
        covariance = _after(covariance, row)
    before = np.einsum("ij,jk,ik->i", wanted, covariance, wanted)
    wanted = wanted[before > 0] / before[before > 0, None] ** 0.5
    found, chosen = rows[len(trained) :], list[int]()
    for _ in range(min(count, len(candidates))):
        spread = found @ covariance
        lowered = ((wanted @ spread.T) ** 2).sum(axis=0) / (1 + np.einsum("ij,ij->i", found, spread))
        worth = lowered / seconds
        worth[chosen] = -1
        chosen.append(int(worth.argmax()))
        covariance = _after(covariance, found[chosen[-1]])
    return chosen


def _after(covariance: _Numbers, row: _Numbers) -> _Numbers:
    """The covariance of weights after one more observation, in units of its variance."""
    spread = covariance @ row
    return covariance - np.outer(spread, spread) / (1 + row @ spread)


def seconds_of(architectures: Sequence[Architecture], model: StructureModel, table: Path) -> _Numbers:
    """[n] that trainings take, a line through those that the model was fitted on."""
    trained = of_main_budget(read_measured(table), "selection")
    line = np.polyfit([result.macs for result in trained], [result.elapsed_seconds for result in trained], 1)
    cost = cost_model(model.network).cost
    return np.polyval(line, [cost(item).macs for item in architectures]).clip(_LEAST_SECONDS)

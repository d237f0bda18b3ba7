"""What longer trainings value otherwise: `python -m benchmarks.horizon`.

Trainings for rewards take three epochs; some of the same architectures are trained for twelve, on the same images
(`python -m benchmarks.trainings longer`). Both are fitted together: accuracies of the longer ones are a share of what
the shorter ones say, plus what each count adds. The share and the penalty on what is added are those with which gains
of the longer trainings are predicted best where their topology is left out. Printed is what a count is worth in either,
in points per unit with standard errors, and how well gains of the longer trainings are predicted by the shorter ones
alone and by both. No test image is asked.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.design import standardised
from benchmarks.trainings import JUDGE_EPOCHS, REWARD_EPOCHS
from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracies.structure import FEATURES
from nat_core.learning.accuracies.structure_model import StructureModel, fit_structure_model, of_main_budget
from nat_core.learning.image_training.config import IMAGE_SPACES
from nat_core.learning.scratch.measured import SHIPPED, MeasuredAccuracy, MeasuredResult, read_measured

_Numbers = NDArray[np.float64]

SHARES = (0.4, 0.6, 0.8, 1.0)
PENALTIES = (3.0, 10.0, 30.0)
# On what each count adds: nothing may be.
ALONE = 1e6
_FREE = 1e-6


@dataclass(frozen=True)
class Observed:
    """Architectures of both lengths of training.

    Attributes:
        counts: [n, counts], standardised as by the model of shorter trainings.
        topologies: [n] numbers.
        longer: [n] whether trained longer.
        accuracies: [n] in percent.
    """

    counts: _Numbers
    topologies: NDArray[np.int64]
    longer: NDArray[np.bool_]
    accuracies: _Numbers

    def of(self, chosen: NDArray[np.bool_]) -> "Observed":
        """Some of them."""
        return Observed(self.counts[chosen], self.topologies[chosen], self.longer[chosen], self.accuracies[chosen])


@dataclass(frozen=True)
class Fit:
    """What is predicted.

    Attributes:
        shorter, longer: [counts] weights in points.
        shorter_errors, longer_errors: [counts] of the weights, in units of what is not explained.
    """

    shorter: _Numbers
    longer: _Numbers
    shorter_errors: _Numbers
    longer_errors: _Numbers


def observed(shorter: Sequence[MeasuredResult], longer: Sequence[MeasuredResult], model: StructureModel) -> Observed:
    """Both lengths in one."""
    known = [MeasuredAccuracy(results) for results in (shorter, longer)]
    architectures: list[Architecture] = [item for one in known for item in one.architectures]
    numbers: dict[object, int] = {}
    topologies = np.array([numbers.setdefault(item.topology, len(numbers)) for item in architectures])
    is_longer = np.repeat([False, True], [len(one.architectures) for one in known])
    accuracies = np.concatenate([one.accuracy_percent(one.architectures) for one in known])
    return Observed(standardised(architectures, model), topologies, is_longer, accuracies)


def fit(data: Observed, share: float, penalty: float, model: StructureModel) -> Fit:
    """Ridge regression: longer accuracies are `share` of what shorter ones say, plus what is penalised by `penalty`."""
    count, longer = data.counts.shape[1], data.longer[:, None].astype(np.float64)
    scale = np.where(longer, share, 1.0)
    levels = np.eye(int(data.topologies.max()) + 1)[data.topologies]
    known = np.hstack([scale * data.counts, longer * data.counts, scale * levels, 1 - longer, longer])
    penalties = [model.penalty] * count + [penalty] * count + [model.level_penalty] * levels.shape[1] + [_FREE] * 2
    inverse = np.linalg.inv(known.T @ known + np.diag(penalties))
    weights = inverse @ known.T @ data.accuracies
    both = np.hstack([share * np.eye(count), np.eye(count)])
    spread = both @ inverse[: 2 * count, : 2 * count] @ both.T
    errors = np.sqrt(np.diag(inverse)[:count]), np.sqrt(np.diag(spread))
    return Fit(weights[:count], both @ weights[: 2 * count], *errors)


def left_out(data: Observed, share: float, penalty: float, model: StructureModel) -> tuple[_Numbers, _Numbers]:
    """Of the longer trainings of topologies that have several: true gains, and those predicted without the topology.

    Gains are differences to the topology's mean.
    """
    true, predicted = list[float](), list[float]()
    for topology in np.unique(data.topologies[data.longer]):
        own = data.of(data.longer & (data.topologies == topology))
        if len(own.accuracies) > 1:
            found = own.counts @ fit(data.of(data.topologies != topology), share, penalty, model).longer
            true += (own.accuracies - own.accuracies.mean()).tolist()
            predicted += (found - found.mean()).tolist()
    return np.array(true), np.array(predicted)


def error(gains: tuple[_Numbers, _Numbers]) -> float:
    """Root of the mean squared difference."""
    true, predicted = gains
    return float(np.sqrt(np.mean((true - predicted) ** 2)))


def report(shorter: Sequence[MeasuredResult], longer: Sequence[MeasuredResult]) -> Iterator[str]:
    """A line per count, then how well gains are predicted."""
    model = fit_structure_model(shorter, IMAGE_SPACES[0])
    data = observed(shorter, longer, model)
    errors = {choice: error(left_out(data, *choice, model)) for choice in product(SHARES, PENALTIES)}
    share, penalty = min(errors, key=errors.__getitem__)
    found, noise = fit(data, share, penalty, model), model.left_out.gain_error_points
    deviations = np.array(model.deviations)
    yield f"| points per unit of | {REWARD_EPOCHS} epochs ({len(shorter)}) | {JUDGE_EPOCHS} epochs ({len(longer)}) |"
    yield "|---|---:|---:|"
    for name, *values in zip(
        FEATURES, found.shorter / deviations, found.shorter_errors / deviations, found.longer / deviations,
        found.longer_errors / deviations, strict=True,
    ):  # fmt: skip
        short, short_error, long, long_error = values
        yield f"| {name} | {short:+.2f} ± {noise * short_error:.2f} | {long:+.2f} ± {noise * long_error:.2f} |"
    yield f"\nlonger accuracies are {share:g} of what shorter ones say; penalty on what is added: {penalty:g}"
    for title, choice in (("shorter trainings alone", (share, ALONE)), ("both", (share, penalty))):
        true, predicted = left_out(data, *choice, model)
        correlation = np.corrcoef(true, predicted)[0, 1]
        yield (
            f"gains of {len(true)} longer trainings, by {title}, their topology left out: error "
            f"{error((true, predicted)):.2f} points, correlation {correlation:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.horizon", description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=SHIPPED, help="of trainings from scratch")
    options = parser.parse_args()
    results = read_measured(options.table)
    shorter, longer = (of_main_budget(results, "selection", epochs) for epochs in (REWARD_EPOCHS, JUDGE_EPOCHS))
    print("\n".join(report(shorter, longer)) if longer else "nothing is trained longer yet")


if __name__ == "__main__":
    main()

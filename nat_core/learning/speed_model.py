"""A reward from training speeds: a model of the shipped ones, in points of accuracy after a whole training.

The scale comes from the architectures that were also trained from scratch: a line through their accuracies by training
speed. No model is fitted on them, so that they can judge it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.learning import measured, speed
from nat_core.learning.measured import MeasuredResult, budgets, read_measured
from nat_core.learning.reward_model import RewardModel, RewardModelConfig, fit_reward_model
from nat_core.learning.speed import SpeedResult, read_speeds

MODEL = RewardModelConfig(members=4, combine="min", steps=800)
_LEAST_JUDGED = 4


@dataclass(frozen=True)
class Calibration:
    """accuracy = intercept + slope · loss, the least squares' line.

    Attributes:
        intercept: in percent.
        slope: in points per nat; negative.
        judged: architectures it was fitted on.
        about: what accuracy it is, in words.
    """

    intercept: float
    slope: float
    judged: int
    about: str

    def percent(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """[n] accuracies of [n] losses in nats."""
        return self.intercept + self.slope * losses


def judged_pairs(
    speeds: Iterable[SpeedResult], results: Iterable[MeasuredResult]
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
    """Genotypes trained both ways, [n] losses in nats on the stream of rewards and [n] accuracies in percent.

    Of the results, those of the most frequent budget count; seeds are averaged.
    """
    losses = _mean_by_genotype((item.genotype, item.loss) for item in speeds if item.stream == "rewards")
    (group, *_) = budgets(results).values()
    accuracies = _mean_by_genotype((item.genotype, item.accuracy) for item in group)
    both = tuple(name for name in accuracies if name in losses)
    return both, np.array([losses[name] for name in both]), np.array([accuracies[name] for name in both])


def calibrate(speeds: Iterable[SpeedResult], results: Iterable[MeasuredResult]) -> Calibration:
    """The line through what was trained both ways. Raises ValueError for fewer than four."""
    results = tuple(results)
    _, losses, accuracies = judged_pairs(speeds, results) if results else ((), np.empty(0), np.empty(0))
    if len(losses) < _LEAST_JUDGED:
        raise ValueError(f"{len(losses)} architectures were trained both ways; at least {_LEAST_JUDGED} are needed")
    slope, intercept = np.polyfit(losses, accuracies, 1)
    first = next(iter(budgets(results).values()))[0]
    about = f"{first.data.partition(':')[0]} {first.judged_on} accuracy after {first.epochs} epochs at {first.network}"
    return Calibration(float(intercept), float(slope), len(losses), about)


@cache
def speed_model(space: str, seed: int = 0) -> RewardModel:
    """The reward model of a space, fitted on the shipped speeds of all spaces of the same network.

    Raises:
        ValueError: too few speeds of such architectures.
    """
    return fit_speed_model(space, *_shipped(), replace(MODEL, seed=seed))


def shipped_calibration() -> Calibration:
    """The scale of the shipped tables."""
    return calibrate(*_shipped())


def _shipped() -> tuple[Iterable[SpeedResult], Iterable[MeasuredResult]]:
    return read_speeds(speed.SHIPPED).values(), read_measured(measured.SHIPPED)


def fit_speed_model(
    space: str, speeds: Iterable[SpeedResult], results: Iterable[MeasuredResult], config: RewardModelConfig = MODEL
) -> RewardModel:
    """The reward model of a space from speeds and, for their scale, results of whole trainings."""
    speeds, results = tuple(speeds), tuple(results)
    calibration, judged = calibrate(speeds, results), {item.genotype for item in results}
    losses = _mean_by_genotype((item.genotype, item.loss) for item in speeds if item.stream == "rewards")
    parsed = {notation.parse(name): loss for name, loss in losses.items() if name not in judged}
    network = SPACES[space].network
    fitting = {item: loss for item, loss in parsed.items() if _network_of(item) == network}
    accuracies = calibration.percent(np.array(list(fitting.values())))
    model = fit_reward_model(list(fitting), accuracies, SPACES[space], config)
    return replace(model, about=f"{calibration.about}, as training speed predicts it")


def _network_of(architecture: Architecture) -> str:
    """The network that architectures of its space go into; "" for one of no space."""
    space = space_of(architecture)
    return space.network if space else ""


def _mean_by_genotype(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for genotype, value in pairs:
        values.setdefault(genotype, []).append(value)
    return {genotype: float(np.mean(found)) for genotype, found in values.items()}

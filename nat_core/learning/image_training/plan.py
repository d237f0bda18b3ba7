"""The plan of a training from images: a sequence of phases, each with a number of steps.

The whole course is known beforehand, so a step's number alone says what comes next, and a training can stop
and continue between any two steps.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from types import MappingProxyType
from typing import Literal

from nat_core.learning.image_training.config import ImageTrainingConfig

PhaseName = Literal["weights", "policy", "evaluate", "fit", "modelled_policy", "check", "measure", "report"]


@dataclass(frozen=True)
class Phase:
    """Steps of one kind.

    Attributes:
        name: kind of the phase.
        round: number of the epoch or round, from 0.
        steps: number of steps.
    """

    name: PhaseName
    round: int
    steps: int


@dataclass(frozen=True)
class Plan:
    """All phases, in order."""

    phases: tuple[Phase, ...]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(phase.steps for phase in self.phases))

    @property
    def steps(self) -> int:
        """The number of steps of the whole training."""
        return self._ends[-1]

    def at(self, step: int) -> tuple[Phase, int]:
        """The phase of a step 0…steps-1, and the step's number within it."""
        number = bisect_right(self._ends, step)
        phase = self.phases[number]
        return phase, step - (self._ends[number] - phase.steps)


def plan_training(config: ImageTrainingConfig) -> Plan:
    """The course of a training."""
    phases = [*_COURSES[config.schedule](config), Phase("report", 0, _chunks(config, config.policy.inputs.held_out))]
    return Plan(tuple(phase for phase in phases if phase.steps))


def _alternating(config: ImageTrainingConfig) -> Iterator[Phase]:
    """NAT (arXiv 1910.14488), algorithm 1: every epoch updates first the weights, then the policy."""
    epochs, every = config.weights.epochs, config.rewards.measure_every
    for epoch in range(epochs):
        yield Phase("weights", epoch, config.weights.steps)
        yield Phase("policy", epoch, config.policy.steps)
        if (epoch + 1) % every == 0 or epoch + 1 == epochs:
            yield Phase("measure", epoch, _chunks(config, config.policy.inputs.held_out))


def _two_stage(config: ImageTrainingConfig) -> Iterator[Phase]:
    """The weights once; then rounds in which the policy's own outputs correct the model that rewards it."""
    for epoch in range(config.weights.epochs):
        yield Phase("weights", epoch, config.weights.steps)
    for number in range(config.rewards.rounds):
        yield Phase("evaluate", number, math.ceil(evaluations(config, number) / config.rewards.chunk))
        yield Phase("fit", number, config.model.members)
        yield Phase("modelled_policy", number, config.policy.steps)
        yield Phase("check", number, _chunks(config, config.rewards.checked))
        yield Phase("measure", number, _chunks(config, config.policy.inputs.held_out))


_COURSES: Mapping[str, Callable[[ImageTrainingConfig], Iterator[Phase]]] = MappingProxyType(
    {"alternate": _alternating, "two-stage": _two_stage}
)


def evaluations(config: ImageTrainingConfig, number: int) -> int:
    """Architectures evaluated in a round; from the second on, first the anchors, then the policy's outputs."""
    rewards = config.rewards
    return rewards.evaluated if number == 0 else rewards.anchors + rewards.added


def _chunks(config: ImageTrainingConfig, inputs: int) -> int:
    """Return the steps in which this many inputs and their outputs are evaluated."""
    return math.ceil(inputs / inputs_per_chunk(config))


def inputs_per_chunk(config: ImageTrainingConfig) -> int:
    """Inputs per step where an input and two outputs of it may be evaluated."""
    return max(1, config.rewards.chunk // 3)

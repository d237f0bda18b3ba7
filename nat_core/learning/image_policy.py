"""A phase of the alternating schedule: the policy takes a step of REINFORCE on rewards by the shared weights.

NAT (arXiv 1910.14488), algorithm 1. All architectures of a step are judged on the same minibatch; an input once for
all its samples, and equal architectures once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracyKind, AccuracySource
from nat_core.learning.draws import images_at
from nat_core.learning.image_plan import Phase
from nat_core.learning.image_setting import Setting
from nat_core.learning.image_state import ImageState
from nat_core.learning.images import ImagePart


def train_policy(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """One step on the next minibatch of the rewards' images."""
    config, number = setting.config, state.learner.step

    def images() -> ImagePart:
        return images_at(setting.data.rewards, number, config.rewards.images, config.seed, "images for rewards")

    judge = setting.judge(("minibatch", number), state.supernet, images)
    trainer = setting.trainer("minibatches", lambda: Changing(judge))
    trainer.objective.source.judge = judge
    metrics = trainer.step(state.learner)
    state.learner.step += 1
    return metrics


class Changing:
    """An accuracy source whose `judge` is exchanged between calls, as for minibatches; so it is not stable."""

    stable = False

    def __init__(self, judge: AccuracySource) -> None:
        self.judge = judge

    @property
    def kind(self) -> AccuracyKind:
        return self.judge.kind

    @property
    def description(self) -> str:
        return self.judge.description

    def mismatch(self, architecture: Architecture) -> str | None:
        return self.judge.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        return self.judge.accuracy_percent(architectures)

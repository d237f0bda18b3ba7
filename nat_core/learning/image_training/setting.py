"""The fixed parts of a training from images: images, inputs, probes, and the source of rewards."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import find
from nat_core.learning.accuracies.changing import Changing
from nat_core.learning.accuracies.shared_weights import SharedWeightAccuracy
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.draws import Passes, generator
from nat_core.learning.images.images import ImageData
from nat_core.learning.images.parts import ImagePart
from nat_core.learning.support import parallel
from nat_core.learning.training.data import Inputs, inputs_of, relative_cost_of
from nat_core.learning.training.loop import Trainer
from nat_core.learning.training.rewards import Objective
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.network.supernet import Supernet

# Published architectures on which measurements follow the policy, by space.
PROBES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"fully_concat": ("DARTS", "PDARTS", "PC_DARTS_CIFAR"), "loose_end": ("ENAS", "NAONet", "MobileNetV2")}
)
# Of the images that reward, this share is kept to decide on rounds.
_SHARE_OF_CHECKS = 0.2


class Setting:
    """A configuration with its images on a device.

    Args:
        config: configuration of the training.
        data: the images, already on the device.
        device: device of all computations.
    """

    def __init__(self, config: ImageTrainingConfig, data: ImageData, device: torch.device) -> None:
        self.config = config
        self.data = data
        self.device = device
        self.network = config.network(len(data.classes))
        # A CPU computes the same in every process, which must all draw the same from the policy.
        self.policy_device = device if parallel.processes() == 1 else torch.device("cpu")
        self._trainer: tuple[object, Trainer] | None = None
        self._evaluator: tuple[object, AccuracySource] | None = None
        self._changing: Changing | None = None

    @cached_property
    def inputs(self) -> Inputs:
        """Architectures to transform, and those that only measure."""
        return inputs_of(self.config.policy)

    @cached_property
    def weight_images(self) -> Passes:
        """Batches that shared weights learn from."""
        return Passes(self.data.weights, self.config.weights.batch, self.config.seed, "images for weights")

    @cached_property
    def minibatches(self) -> Passes:
        """Batches that reward a policy in the alternating schedule."""
        return Passes(self.data.rewards, self.config.rewards.images, self.config.seed, "images for rewards")

    def objective(self, source: AccuracySource) -> Objective:
        """The objective: accuracy minus the weighted cost."""
        weight = self.config.policy.reward.cost_weight
        return Objective(source, relative_cost_of(self.config.policy) if weight else None, weight)

    def trainer(self, key: object, source: Callable[[], AccuracySource]) -> Trainer:
        """Return the trainer of the policy on rewards from `source`; created once per `key`."""
        if self._trainer is None or self._trainer[0] != key:
            objective = self.objective(source())
            made = Trainer(self.config.recipe, objective, Inputs(self.inputs.training, ()), self.policy_device)
            self._trainer = (key, made)
        return self._trainer[1]

    def changing(self, source: AccuracySource) -> Changing:
        """Return the source of rewards that change with the minibatch; from now on it passes on those of `source`."""
        self._changing = self._changing or Changing(source)
        self._changing.source = source
        return self._changing

    def evaluator(self, key: object, supernet: Supernet, part: Callable[[], ImagePart]) -> AccuracySource:
        """Return a source of the shared weights' accuracies on some images, divided among processes.

        Args:
            key: identifies the images; a new source is made if it differs from the last call's.
            supernet: the shared weights.
            part: returns the images.
        """
        if self._evaluator is None or self._evaluator[0] != key:
            source = SharedWeightAccuracy(supernet, self.data, part(), batch=self.config.rewards.batch)
            self._evaluator = (key, parallel.SharedOut(source))
        return self._evaluator[1]

    def reward_images(self, number: int) -> ImagePart:
        """Return the images on which a round's architectures are evaluated; every round has its own."""
        part = self.data.rewards[self._checks :]
        return part.draw(self.config.rewards.images, self._generator("reward images", number)).held()

    def check_images(self, number: int) -> ImagePart:
        """Return new images, which are used for rewards in no round."""
        part = self.data.rewards[: self._checks]
        return part.draw(self.config.rewards.images, self._generator("check images", number)).held()

    def selection_images(self) -> ImagePart:
        """Return the images for all measurements during training."""
        return self.data.selection[: self.config.rewards.measured_images].held()

    def test_images(self) -> ImagePart:
        """Return the images for the final report."""
        return self.data.test[: self.config.rewards.measured_images].held()

    @property
    def _checks(self) -> int:
        return max(1, round(_SHARE_OF_CHECKS * len(self.data.rewards)))

    def _generator(self, *purpose: int | str) -> torch.Generator:
        return generator(self.config.seed, *purpose, device=self.data.rewards.labels.device)


def probes(supernet: Supernet) -> dict[str, Architecture]:
    """The space's `PROBES` that the shared weights can evaluate, by name."""
    entries = {name: find(name).architecture for name in PROBES.get(supernet.space.name, ())}
    return {name: item for name, item in entries.items() if supernet.mismatch(item) is None}


def macs_ratios(before: Sequence[Architecture], after: Sequence[Architecture]) -> NDArray[np.float64]:
    """Return MACs of every output ÷ those of its input, shape [n], on the CIFAR network.

    Every non-null edge counts.
    """
    costs = cost_model(NETWORKS["cifar"])
    return np.array([costs.cost(b).macs / costs.cost(a).macs for a, b in zip(before, after, strict=True)])

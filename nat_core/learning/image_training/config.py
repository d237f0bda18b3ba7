"""The configuration of training a policy from images, the same for command line, page and record.

An *epoch* is so many steps of the shared weights and, in the alternating schedule, so many of the policy. Steps are
counted rather than images, so that a configuration says how long it is before any image is read.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.reward_model import RewardModelConfig
from nat_core.learning.image_training.weight_training import (
    CLASSIFIER_RATE,
    LONGEST_GRADIENT,
    MOMENTUM,
    TRANSFORMED_SHARE,
    WEIGHT_DECAY,
)
from nat_core.learning.images.augmentation import Augmentation
from nat_core.learning.images.images import WAYS
from nat_core.learning.images.names import HUB_DEFAULT
from nat_core.learning.support.checks import Bounds, check_fields
from nat_core.learning.support.values import dataclass_of
from nat_core.learning.training.config import TrainingConfig
from nat_core.network.config import FAMILIES, NetworkConfig

SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "alternate": "Weights, then policy, epoch by epoch (the papers)",
        "two-stage": "Weights first, then rounds of a reward model and the policy",
    }
)
# Spaces whose architectures are judged by shared weights on images.
IMAGE_SPACES = tuple(name for name in SPACES if name != "nasbench201")
# Networks that these fit.
FAMILIES_OF_IMAGES = tuple(name for name, family in FAMILIES.items() if family.cell_inputs == 2)


@dataclass(frozen=True)
class WeightsConfig:
    """How the shared weights are trained: SGD on architectures drawn at random, another one every step.

    Attributes:
        epochs: how many; at least one.
        steps: per epoch; 0 leaves the weights as they are.
        batch: images per step, of which batch norms take their statistics.
        learning_rate: of everything but the classifier.
        classifier_rate: factor of the classifier's learning rate; well below 1 keeps fast trainings from diverging.
        decay: whether the rate falls to 0 along a cosine over all epochs.
        momentum, weight_decay: of SGD.
        longest_gradient: a longer one, by its norm over all weights, is shortened to it.
        transformed_share: of the architectures, drawn by a random legal transformation; the rest are drawn uniformly.
        padding, flip, cutout: see `Augmentation`.
    """

    epochs: int = 120
    steps: int = 312
    batch: int = 64
    learning_rate: float = 0.1
    classifier_rate: float = CLASSIFIER_RATE
    decay: bool = True
    momentum: float = MOMENTUM
    weight_decay: float = WEIGHT_DECAY
    longest_gradient: float = LONGEST_GRADIENT
    transformed_share: float = TRANSFORMED_SHARE
    padding: int = 4
    flip: bool = True
    cutout: int = 0

    def __post_init__(self) -> None:
        check_fields(self, _WEIGHTS_BOUNDS)
        _ = self.augmentation

    @property
    def augmentation(self) -> Augmentation:
        return Augmentation(self.padding, self.flip, self.cutout)


@dataclass(frozen=True)
class RewardsConfig:
    """How architectures are evaluated with the shared weights, and how often.

    Attributes:
        images: per evaluation of an architecture.
        batch: images at a time, of which batch norms take their statistics; best the weights' own.
        chunk: architectures evaluated per step.
        measured_images: of the selection part, for measurements on the way; in the end as many test images.
        measure_every: epochs between measurements in the alternating schedule.
        rounds: of the two-stage schedule; the first evaluates `evaluated` architectures, half of them drawn
            uniformly and half by random legal transformations, every other one `added` outputs of the policy.
        anchors: architectures evaluated again in every round, so that image sets of different difficulty compare.
        checked: inputs whose outputs decide on fresh images whether a round is accepted.
    """

    images: int = 1000
    batch: int = 64
    chunk: int = 8
    measured_images: int = 1000
    measure_every: int = 5
    rounds: int = 4
    evaluated: int = 2000
    added: int = 300
    anchors: int = 16
    checked: int = 48

    def __post_init__(self) -> None:
        check_fields(self, _REWARDS_BOUNDS)


@dataclass(frozen=True)
class ImageTrainingConfig:
    """Everything about training a policy from images.

    Attributes:
        policy: the policy's shape and recipe, the space, rule, seeds, inputs and λ; its `steps` are per epoch
            (alternating) or per round (two-stage).
        schedule: a key of `SCHEDULES`.
        data: what `load_images` accepts.
        images: whether they are "held" in memory or "streamed"; see `load_images`.
        most_broken: images that may be skipped because they cannot be read.
        family: of the network of shared weights, one that the space's architectures fit.
        channels, layers, resolution: of that network; see `NetworkConfig`.
        stem_stride: of it, where the family leaves a choice.
        weights: how the shared weights are trained.
        rewards: how architectures are evaluated.
        model: of rewards, in the two-stage schedule.

    Raises:
        ValueError: a value out of bounds, or values that do not fit each other; says which and what is accepted.
    """

    policy: TrainingConfig = field(default_factory=lambda: TrainingConfig(space="fully_concat"))
    schedule: str = "two-stage"
    data: str = HUB_DEFAULT
    images: str = "auto"
    most_broken: int = 20
    family: str = "cifar"
    channels: int = 8
    layers: int = 5
    resolution: int = 32
    stem_stride: int = 2
    weights: WeightsConfig = field(default_factory=WeightsConfig)
    rewards: RewardsConfig = field(default_factory=RewardsConfig)
    model: RewardModelConfig = field(default_factory=RewardModelConfig)

    def __post_init__(self) -> None:
        check_fields(
            self,
            {"most_broken": (0, 10_000_000)},
            {"schedule": SCHEDULES, "images": WAYS, "family": FAMILIES_OF_IMAGES},
        )
        if self.space not in IMAGE_SPACES:
            raise ValueError(f"space is {self.space!r:.60}; accepted for images: {', '.join(IMAGE_SPACES)}")
        if not isinstance(self.data, str) or not 0 < len(self.data) <= 1000:
            raise ValueError(f"data is {self.data!r:.60}; a source of images is needed, of at most 1,000 characters")
        if self.policy.held_out < 1:
            raise ValueError("held_out is 0; at least one input is needed to measure on")
        if self.rewards.anchors > self.rewards.evaluated:
            raise ValueError(f"anchors is {self.rewards.anchors}; at most {self.rewards.evaluated} are evaluated")
        if self.schedule == "two-stage" and self.rewards.evaluated < 20:
            raise ValueError(f"evaluated is {self.rewards.evaluated}; a reward model needs 20 or more")
        self.network(2)

    @property
    def space(self) -> str:
        return self.policy.space

    @property
    def target_space(self) -> Space:
        return self.policy.target_space

    @property
    def rule(self) -> str:
        return self.policy.rule

    @property
    def seed(self) -> int:
        return self.policy.seed

    @property
    def recipe(self) -> TrainingConfig:
        """The policy's recipe over the steps that its learning rate spans: all epochs, or one round."""
        spans = self.weights.epochs if self.schedule == "alternate" else 1
        return replace(self.policy, steps=self.policy.steps * spans)

    def network(self, classes: int) -> NetworkConfig:
        """The network of shared weights. Raises ValueError if there is none like it."""
        strides = FAMILIES[self.family].stem_strides
        return NetworkConfig(
            self.family, self.channels, self.layers, self.resolution, classes,
            stem_stride=self.stem_stride if len(strides) > 1 else strides[0],
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "ImageTrainingConfig":
        """The inverse of `to_dict`, also after JSON. Raises ValueError for unknown or ill-typed fields."""
        return dataclass_of(cls, value)


_WEIGHTS_BOUNDS: Bounds = {
    "epochs": (1, 100_000),
    "steps": (0, 10_000_000),
    "batch": (2, 65_536),
    "learning_rate": (0.0, 100.0),
    "classifier_rate": (0.0, 100.0),
    "momentum": (0.0, 1.0),
    "weight_decay": (0.0, 10.0),
    "longest_gradient": (0.0, 1e9),
    "transformed_share": (0.0, 1.0),
}
_REWARDS_BOUNDS: Bounds = {
    "images": (2, 10_000_000),
    "batch": (2, 65_536),
    "chunk": (1, 10_000),
    "measured_images": (2, 10_000_000),
    "measure_every": (1, 100_000),
    "rounds": (1, 1000),
    "evaluated": (1, 1_000_000),
    "added": (0, 1_000_000),
    "anchors": (0, 10_000),
    "checked": (1, 100_000),
}

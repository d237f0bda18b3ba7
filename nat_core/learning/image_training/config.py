"""The configuration of training a policy from images, the same for command line, page and record.

An *epoch* is a number of steps of the shared weights and, in the alternating schedule, a number of the policy's steps.
Steps are counted rather than images, so that a configuration says how long it is before any image is read.
"""

from collections.abc import Mapping
from dataclasses import asdict, field, replace
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.reward_model_config import RewardModelConfig
from nat_core.learning.images.defaults import HUB_DEFAULT, MostBroken, Pixels, Source, Way
from nat_core.learning.support.earlier import held, in_parts
from nat_core.learning.training.config import Share, TrainingConfig
from nat_core.network.config import FAMILIES, NetworkConfig
from nat_core.options import Asked
from nat_core.specification import OneOf, read, specified

SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "alternate": "Weights, then policy, epoch by epoch (the papers)",
        "two-stage": "Weights first, then rounds of a reward model and the policy",
    }
)
# Spaces whose architectures are evaluated with shared weights on images.
IMAGE_SPACES = tuple(name for name in SPACES if name != "nasbench201")
# Networks that these fit.
FAMILIES_OF_IMAGES: Mapping[str, str] = MappingProxyType(
    {name: family.title for name, family in FAMILIES.items() if family.cell_inputs == 2}
)
# How the shared weights learn unless a configuration says otherwise; see `weight_training`.
CLASSIFIER_RATE = 1 / 20
MOMENTUM = 0.9
WEIGHT_DECAY = 3e-4
LONGEST_GRADIENT = 5.0
TRANSFORMED_SHARE = 0.1

Epochs = Annotated[int, Field(ge=1, le=100_000)]
Images = Annotated[int, Field(ge=2, le=10_000_000)]
Rate = Annotated[float, Field(ge=0, le=100)]
Batch = Annotated[
    int,
    Field(ge=2, le=65_536),
    Asked("Images per step", "Batch of the shared weights' steps and of evaluations."),
]


@specified
class WeightsConfig:
    """Settings of the shared weights' training by SGD, on a new random architecture in every step.

    Attributes:
        epochs: number of epochs, at least one.
        steps: steps per epoch; 0 leaves the weights as they are.
        batch: images per step, which give batch norms their statistics.
        learning_rate: initial learning rate of everything but the classifier.
        classifier_rate: the classifier's learning rate relative to the others'; values well below 1 prevent divergence.
        decay: whether the learning rate falls to 0 along a cosine over all epochs.
        momentum, weight_decay: settings of SGD.
        longest_gradient: maximum norm of the gradient over all weights; a longer gradient is scaled down to it.
        transformed_share: share of the uniformly drawn architectures that undergo a random legal transformation.
        padding, flip, cutout: settings of the augmentation; see `Augmentation`.
    """

    epochs: Annotated[Epochs, Asked("Epochs", "Epochs of the shared weights.", main=True)] = 120
    steps: Annotated[int, Field(ge=0, le=10_000_000)] = 312
    batch: Batch = 64
    learning_rate: Rate = 0.1
    classifier_rate: Rate = CLASSIFIER_RATE
    decay: bool = True
    momentum: Share = MOMENTUM
    weight_decay: Annotated[float, Field(ge=0, le=10)] = WEIGHT_DECAY
    longest_gradient: Annotated[float, Field(ge=0, le=1e9)] = LONGEST_GRADIENT
    transformed_share: Share = TRANSFORMED_SHARE
    padding: Pixels = 4
    flip: bool = True
    cutout: Pixels = 0


@specified
class RewardsConfig:
    """Settings of the evaluation of architectures with the shared weights.

    Attributes:
        images: number of images on which an architecture is evaluated.
        batch: images per evaluated batch, which give batch norms their statistics; best equal to `WeightsConfig.batch`.
        chunk: architectures evaluated per step.
        measured_images: number of selection images for measurements during training, and of test images at the end.
        measure_every: epochs between measurements in the alternating schedule.
        rounds: number of rounds in the two-stage schedule.
        evaluated, added: architectures evaluated in the first round (half of them uniform draws, half random legal
            transformations of such draws), and outputs of the policy evaluated in every later round.
        anchors: architectures evaluated again in every round, so that image sets of different difficulty compare.
        checked: number of inputs whose outputs, evaluated on fresh images, decide whether a round is accepted.
    """

    images: Annotated[Images, Asked("Images per reward", "Images evaluated per architecture.", "reward_images")] = 1000
    batch: Batch = 64
    chunk: Annotated[int, Field(ge=1, le=10_000)] = 8
    measured_images: Images = 1000
    measure_every: Epochs = 5
    rounds: Annotated[int, Field(ge=1, le=1000), Asked("Rounds", "Rounds of the two-stage schedule.")] = 4
    evaluated: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    added: Annotated[int, Field(ge=0, le=1_000_000)] = 300
    anchors: Annotated[int, Field(ge=0, le=10_000)] = 16
    checked: Annotated[int, Field(ge=1, le=100_000)] = 48


@specified
class ImageTrainingConfig:
    """Settings of a policy's training from images.

    Attributes:
        policy: the policy, its inputs and rewards; `steps` are per epoch (alternating) or per round (two-stage).
        schedule: how shared weights and policy take turns, a key of `SCHEDULES`.
        data: source of the images; see `load_images`.
        images: how the images are kept, a key of `WAYS`; see `load_images`.
        most_broken: number of unreadable images that may be skipped; one more ends the work.
        family: family of the network of shared weights, which must accept the space's architectures.
        channels, layers, resolution: sizes of this network; see `NetworkConfig`.
        stem_stride: stride of this network's stem; ignored if its family has only one.
        weights: how the shared weights are trained.
        rewards: how architectures are evaluated.
        model: how the reward model of the two-stage schedule is fitted.

    Raises:
        ValueError: a value is out of bounds, or values do not fit each other.
    """

    data: Annotated[
        Source,
        Asked("Images", "cifar100 or the like, a hub name, parquet files, an image folder, or sample.", main=True),
    ] = HUB_DEFAULT
    images: Way = "auto"
    most_broken: MostBroken = 20
    schedule: Annotated[
        str,
        OneOf(SCHEDULES),
        Asked("Schedule", "How shared weights and policy take turns: alternate (the papers') or two-stage."),
    ] = "two-stage"
    family: Annotated[
        str,
        OneOf(FAMILIES_OF_IMAGES),
        Asked("Network", "cifar, or imagenet, whose stem reduces the side of images to an eighth.",
              "network"),
    ] = "cifar"  # fmt: skip
    channels: Annotated[int, Asked("Channels", "C, initial channels of the network of shared weights; even.")] = 8
    layers: Annotated[int, Asked("Layers", "L, searched cells of the network of shared weights.")] = 5
    resolution: Annotated[int, Asked("Resolution", "Side of the images.", unit="pixels")] = 32
    stem_stride: int = 2
    weights: WeightsConfig = WeightsConfig()
    rewards: RewardsConfig = RewardsConfig()
    model: RewardModelConfig = RewardModelConfig()
    policy: TrainingConfig = field(default_factory=lambda: TrainingConfig(space="fully_concat"))

    def __post_init__(self) -> None:
        if self.space not in IMAGE_SPACES:
            raise ValueError(f"space is {self.space!r:.60}; accepted for images: {', '.join(IMAGE_SPACES)}")
        if self.policy.inputs.held_out < 1:
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
        """Return the network of shared weights. Raises ValueError if it cannot be built."""
        strides = FAMILIES[self.family].stem_strides
        return NetworkConfig(
            self.family, self.channels, self.layers, self.resolution, classes,
            stem_stride=self.stem_stride if len(strides) > 1 else strides[0],
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "ImageTrainingConfig":
        """Invert `to_dict`, also after JSON. Raises ValueError if a field is unknown or ill-typed."""
        return read(cls, held(in_parts(value)))

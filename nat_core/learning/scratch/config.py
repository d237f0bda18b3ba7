"""Configuration of training from scratch: the budget in every detail, and a queue of architectures.

Deviation from DARTS (arXiv 1806.09055): a learning rate falls along the cosine step by step, not epoch by epoch.
`scratch_presets` fills budgets.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.learning.images.defaults import (
    HUB_DEFAULT,
    Crop,
    MostBroken,
    Pixels,
    Source,
    Way,
    check_jitter,
    is_streamed,
)
from nat_core.learning.support.earlier import held
from nat_core.network.config import FAMILIES, NetworkConfig
from nat_core.options import Asked
from nat_core.specification import OneOf, read, specified

# Which of `ImageData`'s parts a network is trained on.
TRAINED_ON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "all": ("weights", "rewards", "selection"),
        "fitting": ("weights", "rewards"),
        "weights": ("weights",),
        "rewards": ("rewards",),
    }
)
JUDGED_ON = {"test": "Test images", "selection": "Selection images"}
PRECISIONS = {"auto": "Automatic", "float32": "32 bits", "bfloat16": "16 bits"}
# The share of the learning rate that is left, given steps done, all steps, and steps per epoch.
DECAYS: Mapping[str, Callable[[int, int, int], float]] = MappingProxyType(
    {
        "cosine": lambda step, steps, per_epoch: 0.5 * (1 + math.cos(math.pi * step / steps)),
        "exponential": lambda step, steps, per_epoch: 0.97 ** (step // per_epoch),
    }
)

Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]


@specified
class NamedArchitecture:
    """An architecture as text, and what people call it.

    Raises:
        ValueError: the genotype cannot be read.
    """

    name: str
    genotype: str

    def __post_init__(self) -> None:
        _ = self.architecture

    @cached_property
    def architecture(self) -> Architecture:
        return notation.parse(self.genotype)

    @classmethod
    def of(cls, architecture: Architecture, name: str = "") -> "NamedArchitecture":
        return cls(name, notation.shortest(architecture))


@specified
class Budget:
    """Settings of a network's training, by default those of DARTS' authors; accuracies compare only within one budget.

    Attributes:
        family, channels, layers, resolution, auxiliary, stem_stride: properties of the network; see `NetworkConfig`.
        data: source of the images; see `load_images`.
        images: how the images are kept, a key of `WAYS`; see `load_images`. Resized crops exclude "held".
        first_classes: number of classes used, the first ones of the data; 0 for all.
        most_broken: number of unreadable images that may be skipped; one more ends the work.
        split_seed: seed of the split of the images into parts.
        trained_on: the parts of the data trained on, a key of `TRAINED_ON`; "fitting" leaves out `selection`.
        images_per_class: maximum number of training images per class; 0 for all.
        judged_on: evaluation images: "test" for reports only, "selection" for accuracies that guide choice or learning.
        epochs: passes over the training images.
        batch: images per step.
        pieces: number of pieces into which each batch is divided to save memory; batch norms see one at a time.
        learning_rate: peak learning rate of SGD.
        warmup_epochs: number of epochs over which the learning rate rises linearly to its peak.
        decay: how the learning rate falls after the peak, a key of `DECAYS`.
        momentum, nesterov, weight_decay: settings of SGD.
        drop_path: drop-path probability at the end; it rises linearly from 0, epoch by epoch.
        auxiliary_weight: weight of the auxiliary head's loss.
        gradient_clip: maximum norm of the gradient; 0 for no limit.
        label_smoothing: share of the target probability that is spread over all classes.
        padding, flip, cutout, crop, jitter: settings of the augmentation; see `Augmentation`.
        precision: "float32", "bfloat16" by autocast, or "auto", which is "bfloat16" on CUDA and else "float32".

    Raises:
        ValueError: a value is out of bounds, or values do not fit each other.
    """

    family: Annotated[str, OneOf(FAMILIES)] = "cifar"
    data: Annotated[
        Source,
        Asked("Images", "cifar100 or the like, a hub name, parquet files, an image folder, or sample.", main=True),
    ] = HUB_DEFAULT
    epochs: Annotated[int, Field(ge=1, le=100_000), Asked("Epochs", "Passes over the training images.", main=True)] = (
        600
    )
    channels: Annotated[int, Asked("Channels", "C, the network's initial channels.")] = 36
    layers: Annotated[int, Asked("Layers", "L, the network's searched cells.")] = 20
    resolution: Annotated[int, Asked("Resolution", "Side of the images.", unit="pixels")] = 32
    auxiliary: Annotated[bool, Asked("Auxiliary head", "A second classifier while training.")] = True
    stem_stride: int = 1
    images: Way = "auto"
    first_classes: Annotated[
        int,
        Field(ge=0, le=100_000),
        Asked("First classes", "Use only the first classes of the data, this many; 0 for all."),
    ] = 0
    most_broken: MostBroken = 20
    split_seed: Seed = 0
    judged_on: Annotated[
        str,
        OneOf(JUDGED_ON),
        Asked(
            "Images evaluated on",
            "test (for reports), or selection (a tenth of the training images is not trained on).",
            "split",
            alias="judged_on",
        ),
    ] = "test"
    trained_on: Annotated[
        str, OneOf(TRAINED_ON), Asked(name="split", named={"test": "all", "selection": "fitting"})
    ] = "all"
    images_per_class: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    batch: Annotated[int, Field(ge=2, le=100_000), Asked("Images per step", "Images per step.")] = 96
    pieces: Annotated[
        int,
        Field(ge=1, le=1000),
        Asked(
            "Pieces of a batch",
            "Divide each batch into this many pieces to save memory; their gradients are accumulated.",
        ),
    ] = 1
    learning_rate: Annotated[float, Field(ge=0, le=10)] = 0.025
    warmup_epochs: Annotated[float, Field(ge=0, le=100_000)] = 0.0
    decay: Annotated[str, OneOf(DECAYS)] = "cosine"
    momentum: Annotated[float, Field(ge=0, le=0.9999)] = 0.9
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 3e-4
    drop_path: Annotated[float, Field(ge=0, le=0.99)] = 0.2
    auxiliary_weight: Annotated[float, Field(ge=0, le=100)] = 0.4
    gradient_clip: Annotated[float, Field(ge=0, le=1e9)] = 5.0
    label_smoothing: Annotated[float, Field(ge=0, le=1)] = 0.0
    padding: Pixels = 4
    flip: bool = True
    cutout: Pixels = 16
    crop: Crop = "shifted"
    jitter: bool = False
    precision: Annotated[str, OneOf(PRECISIONS)] = "auto"

    def __post_init__(self) -> None:
        if self.warmup_epochs > self.epochs:
            raise ValueError(f"warmup_epochs is {self.warmup_epochs}; at most the {self.epochs} epochs are accepted")
        if self.judged_on in TRAINED_ON[self.trained_on]:
            raise ValueError(
                f"judged_on is {self.judged_on!r:.60}, which the network would also be trained on; trained_on must be "
                f"{' or '.join(name for name, parts in TRAINED_ON.items() if self.judged_on not in parts)}"
            )
        if self.batch < 2 * self.pieces:
            raise ValueError(f"pieces is {self.pieces}; of a batch of {self.batch} each needs two images or more")
        if self.crop == "resized" and self.images == "held":
            raise ValueError(
                "images is 'held' and crop 'resized'; these crops are cut from whole images, so accepted are: auto, "
                "streamed"
            )
        check_jitter(self.jitter, self.crop)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov is True and momentum 0; it needs a momentum")
        self.network(2)

    def network(self, classes: int) -> NetworkConfig:
        """Return the network for images of this many classes."""
        return NetworkConfig(
            self.family, self.channels, self.layers, self.resolution, classes, self.auxiliary, self.stem_stride
        )

    @property
    def way(self) -> str:
        """Return how images are stored, a key of `WAYS`; images with random resized crops are streamed."""
        return "streamed" if self.crop == "resized" else self.images

    def streams(self, count: int) -> bool:
        """Return whether this many images would be streamed."""
        return is_streamed(self.way, count, self.resolution)

    @property
    def share(self) -> float:
        """The share of an image's shorter side that an evaluation sees: 224 of 256 pixels for ImageNet, otherwise
        all.
        """
        return 7 / 8 if self.crop == "resized" else 1.0

    def learning_rate_at(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of step 0…: after a linear warm-up it falls according to `decay`."""
        warm_steps, steps = round(self.warmup_epochs * steps_per_epoch), self.epochs * steps_per_epoch
        if step < warm_steps:
            return self.learning_rate * (step + 1) / warm_steps
        return self.learning_rate * DECAYS[self.decay](step - warm_steps, max(1, steps - warm_steps), steps_per_epoch)

    def drop_path_at(self, epoch: int) -> float:
        """Return the drop-path probability in epoch 0…epochs-1."""
        return self.drop_path * epoch / self.epochs

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Budget":
        """Invert `to_dict`. Raises ValueError if a field is unknown or ill-typed."""
        return read(cls, value)


@specified
class EvaluationConfig:
    """A queue of trainings from scratch: every architecture with every seed, the first seed of all first.

    Attributes:
        architectures: the architectures to train.
        budget: how each architecture is trained.
        seeds: seeds of initial weights, order of the images, augmentation and drop path.
        preset: name of the preset on which the budget is based; only a label.

    Raises:
        ValueError: there is nothing to do, something is listed twice, or an architecture does not fit the network.
    """

    architectures: tuple[NamedArchitecture, ...]
    budget: Budget = Budget()
    seeds: Annotated[tuple[Seed, ...], Asked("Seed", "Seed of weights and draws; repeatable.", "seed")] = (0,)
    preset: Annotated[
        str,
        Asked(
            help="paper (as published), imagenet (DARTS' recipe there), short (minutes on a CPU) or smoke (seconds)."
        ),
    ] = ""

    def __post_init__(self) -> None:
        _check_distinct("architectures", [item.architecture for item in self.architectures])
        _check_distinct("seeds", self.seeds)
        network = self.budget.network(2)
        for item in self.architectures:
            if problem := network.mismatch(item.architecture):
                raise ValueError(f"{item.name or item.genotype[:60]}: {problem}; evaluate it by itself")

    @property
    def jobs(self) -> tuple[tuple[NamedArchitecture, int], ...]:
        """The trainings in order: (architecture, seed)."""
        return tuple((item, seed) for seed in self.seeds for item in self.architectures)

    def to_dict(self) -> dict[str, Any]:
        return {
            "architectures": [{"name": item.name, "genotype": item.genotype} for item in self.architectures],
            "budget": self.budget.to_dict(),
            "seeds": list(self.seeds),
            "preset": self.preset,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "EvaluationConfig":
        """Invert `to_dict`, also after JSON. Raises ValueError if a field is unknown or ill-typed."""
        return read(cls, held(value, "budget"))


def _check_distinct(name: str, values: Any) -> None:
    if not values:
        raise ValueError(f"no {name} given; at least one is needed")
    for position, value in enumerate(values):
        if value in values[:position]:
            raise ValueError(f"{name}: number {position + 1} is the same as number {values.index(value) + 1}")

"""Labelled images on a device, in disjoint parts.

The training images are divided once, per class and by a seed, into three parts that never mix: `weights` train shared
weights, `rewards` train a policy, `selection` chooses among candidates. Test images only report. NAT's code divides
40 : 60 and chooses on test images; here the choice has a tenth of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from nat_core.learning.images.sources import HUB_DEFAULT, DecodedImages, DecodedSplit, read_images

RESOLUTIONS = (8, 512)
SHARE_OF_WEIGHTS = 0.4
SHARE_OF_SELECTION = 0.1
_TRAINING_PARTS = ("weights", "rewards", "selection")


@dataclass(frozen=True)
class ImagePart:
    """Some of the images.

    Attributes:
        images: uint8 [n, 3, side, side], channels-last in memory, in random order.
        labels: int64 [n].
        name: which part they are of.
    """

    images: Tensor
    labels: Tensor
    name: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> "ImagePart":
        """The images at `index`; ``part[:500]`` is a random subset, the same every time."""
        return replace(self, images=self.images[index], labels=self.labels[index])

    def to(self, device: torch.device | str) -> "ImagePart":
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def draw(self, count: int, generator: Generator) -> "ImagePart":
        """`count` distinct images at random, at most all of them; `generator` lives on the images' device."""
        return self[self._permutation(generator)[:count]]

    def batches(self, size: int, generator: Generator | None = None) -> "Iterator[ImagePart]":
        """All images once in batches of `size`, the last one smaller; shuffled if there is a `generator`."""
        order = self._permutation(generator) if generator else None
        for start in range(0, len(self), size):
            yield self[slice(start, start + size) if order is None else order[start : start + size]]

    def _permutation(self, generator: Generator) -> Tensor:
        return torch.randperm(len(self), generator=generator, device=self.labels.device)


@dataclass(frozen=True)
class ImageData:
    """A data set.

    Attributes:
        weights: trains weights: 40 % of the training images.
        rewards: rewards a policy: 50 %.
        selection: chooses among candidates: 10 %.
        test: reports, nothing else.
        classes: their names; a label is an index into them.
        description: source, size and numbers of images in words.
        mean, deviation: per channel over all training images, of values from 0 to 255.
    """

    weights: ImagePart
    rewards: ImagePart
    selection: ImagePart
    test: ImagePart
    classes: tuple[str, ...]
    description: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    @property
    def resolution(self) -> int:
        """Side of every image in pixels."""
        return self.test.images.shape[-1]

    @property
    def training(self) -> ImagePart:
        """All training images, the three parts one after the other: for networks trained from scratch."""
        parts = (self.weights, self.rewards, self.selection)
        images = torch.cat([part.images for part in parts])
        return ImagePart(images, torch.cat([part.labels for part in parts]), "training")

    def to(self, device: torch.device | str) -> "ImageData":
        """The same data on another device."""
        return replace(
            self,
            weights=self.weights.to(device),
            rewards=self.rewards.to(device),
            selection=self.selection.to(device),
            test=self.test.to(device),
        )

    def normalised(self, images: Tensor) -> Tensor:
        """uint8 [n, 3, h, w] as float32 of mean 0 and deviation 1 per channel, channels-last."""
        return normalise(images, self.mean, self.deviation)


def normalise(images: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    """(image − mean) ÷ deviation per channel: uint8 [n, 3, h, w] to float32, channels-last."""
    shift, scale = (torch.tensor(values, device=images.device).view(1, -1, 1, 1) for values in (mean, deviation))
    return ((images.float() - shift) / scale).contiguous(memory_format=torch.channels_last)


def load_images(
    source: str = HUB_DEFAULT,
    *,
    resolution: int = 32,
    split_seed: int = 0,
    device: torch.device | str = "cpu",
    download: bool = True,
) -> ImageData:
    """The images of `source`, decoded once and divided into disjoint parts.

    Args:
        source: "sample" (3,000 images of CIFAR-10, built in), a name on the Hugging Face hub, a folder or glob of
            parquet files (columns `img` or `image`, `label`; train and test told apart by the files' names, or by a
            column `split`), or a folder of images as in ImageNet: train/<class>/*, val/<class>/* or test/<class>/*.
        resolution: side in pixels; images of another size are resized and their middle cropped.
        split_seed: of the division into parts; the same seed divides the same way.
        device: where the images will live.
        download: whether what is on the hub may be fetched; else it must have been before.

    Raises:
        ValueError: data are missing, broken or unfit; says what, where and what to do.
    """
    low, high = RESOLUTIONS
    if not isinstance(resolution, int) or not low <= resolution <= high:
        raise ValueError(f"resolution is {resolution!r:.60}; accepted: whole numbers from {low} to {high}")
    return divide(read_images(source, resolution, download), split_seed).to(device)


def divide(decoded: DecodedImages, split_seed: int) -> ImageData:
    """Divides the training images into the three parts, class by class.

    Raises:
        ValueError: a class has too few images for a share in every part, or no test image.
    """
    _check_classes(decoded)
    indices = part_indices(torch.from_numpy(decoded.train.labels), split_seed)
    train = _part(decoded.train, "training")
    mean, deviation = _statistics(train.images)
    counts = f"{len(train):,} training and {len(decoded.test.labels):,} test images"
    side = train.images.shape[-1]
    weights, rewards, selection = (
        replace(train[index], name=name) for name, index in zip(_TRAINING_PARTS, indices, strict=True)
    )
    return ImageData(
        weights=weights,
        rewards=rewards,
        selection=selection,
        test=_part(decoded.test, "test"),
        classes=decoded.classes,
        description=f"{decoded.title}: {counts} of {len(decoded.classes)} classes, {side}×{side}, split {split_seed}",
        mean=mean,
        deviation=deviation,
    )


def _check_classes(decoded: DecodedImages) -> None:
    for split, name, least in ((decoded.train, "training", 3), (decoded.test, "test", 1)):
        highest = len(decoded.classes) - 1
        if split.labels.min() < 0 or split.labels.max() > highest:
            raise ValueError(
                f"{decoded.title}: a {name} label is outside 0 to {highest}, the classes of the training images"
            )
        counts = np.bincount(split.labels, minlength=len(decoded.classes))
        if counts.min() < least:
            label = int(counts.argmin())
            raise ValueError(
                f"{decoded.title}: class {decoded.classes[label]!r} (label {label}) has {counts[label]} {name} images; "
                f"every class needs at least {least}, so add images or leave the class out"
            )


def part_indices(labels: Tensor, split_seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of the parts (weights, rewards, selection) of images with these `labels`, int64 [n], in random order.

    Of every class, 40 % go to `weights`, 10 % to `selection` (both rounded, at least one), the rest to `rewards`.
    """
    order = torch.randperm(len(labels), generator=Generator().manual_seed(split_seed))
    permuted = labels[order]
    counts = permuted.bincount()
    by_class = permuted.argsort(stable=True)
    rank = torch.empty_like(permuted)  # an image's place among those of its class
    rank[by_class] = torch.arange(len(labels)) - (counts.cumsum(0) - counts)[permuted[by_class]]
    first = (SHARE_OF_WEIGHTS * counts).round().clamp(min=1).long()[permuted]
    last = counts[permuted] - (SHARE_OF_SELECTION * counts).round().clamp(min=1).long()[permuted]
    return order[rank < first], order[(rank >= first) & (rank < last)], order[rank >= last]


def _part(split: DecodedSplit, name: str) -> ImagePart:
    """[n, side, side, 3] seen as [n, 3, side, side]: channels-last without a copy."""
    return ImagePart(torch.from_numpy(split.images).permute(0, 3, 1, 2), torch.from_numpy(split.labels), name)


def _statistics(images: Tensor) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation per channel, exact: from the counts of the 256 values."""
    red, green, blue = map(_channel_statistics, images.unbind(1))
    return (red[0], green[0], blue[0]), (red[1], green[1], blue[1])


def _channel_statistics(channel: Tensor) -> tuple[float, float]:
    values = torch.arange(256, dtype=torch.float64)
    share = channel.reshape(-1).bincount(minlength=256).double() / channel.numel()
    mean = float(share @ values)
    return mean, max(1.0, float(share @ (values - mean) ** 2) ** 0.5)

"""Labelled images in disjoint parts, held on a device or streamed.

The training images are divided once, per class and by a seed, into three parts that never mix: `weights` train shared
weights, `rewards` train a policy, `selection` chooses among candidates. Test images only report. NAT's code divides
40 : 60 and chooses on test images; here the choice has a tenth of its own.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from nat_core.learning.images.broken import Broken
from nat_core.learning.images.decoding import size_of
from nat_core.learning.images.defaults import HUB_DEFAULT, WAYS, is_streamed
from nat_core.learning.images.encoded import Encoded
from nat_core.learning.images.parts import ImagePart, Part, joined
from nat_core.learning.images.sources import Source, open_source
from nat_core.learning.images.streaming import Pool, StreamedPart, joined_streams

RESOLUTIONS = (8, 512)
# Mean and deviation of ImageNet's colours, which stand for those of every data set that is streamed.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_DEVIATION = (58.395, 57.12, 57.375)
# Images whose sizes are looked at, to say how much smaller they become.
_LOOKED_AT = 15
_MUCH_LARGER = 3
SHARE_OF_WEIGHTS = 0.4
SHARE_OF_SELECTION = 0.1
_TRAINING_PARTS = ("weights", "rewards", "selection")


@dataclass(frozen=True)
class ImageData:
    """A data set.

    Attributes:
        weights: images that train weights, 40 % of the training images.
        rewards: images that reward a policy, 50 % of the training images.
        selection: images that choose among candidates, 10 % of the training images.
        test: images for reports only.
        classes: names of the classes; a label is an index into them.
        description: source, size and numbers of images in words.
        mean, deviation: mean and standard deviation of each channel's values from 0 to 255 over all training images;
            ImageNet's if images are streamed.
        notes: further facts about the images, one sentence each.
        broken: record of unreadable images.
    """

    weights: Part
    rewards: Part
    selection: Part
    test: Part
    classes: tuple[str, ...]
    description: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    notes: tuple[str, ...] = ()
    broken: Broken = field(default_factory=Broken, compare=False)

    @property
    def resolution(self) -> int:
        """Side of every image in pixels."""
        return self.test.resolution

    @property
    def is_streamed(self) -> bool:
        return isinstance(self.test, StreamedPart)

    @property
    def training(self) -> Part:
        """All training images, the three parts one after the other: for networks trained from scratch."""
        return self.joined(_TRAINING_PARTS, "training")

    def joined(self, names: Sequence[str], name: str = "") -> Part:
        """Some of the training parts, one after the other."""
        parts = [getattr(self, each) for each in names]
        streams = [part for part in parts if isinstance(part, StreamedPart)]
        return joined_streams(streams, name) if streams else joined(parts, name)

    def watch(self, tell: Callable[[str], None], known: Collection[str] = ()) -> None:
        """Tell the notes about the images, and from now on every unreadable image that is not `known`.

        Args:
            tell: called with one sentence at a time.
            known: names of images that were told before.
        """
        for sentence in (*self.notes, *self.broken.told(known)):
            tell(sentence)
        self.broken.listener = tell

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


@dataclass(frozen=True)
class HeldSplit:
    """Images as uint8 [n, side, side, 3] and labels as int64 [n]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


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
    way: str = "auto",
    share: float = 1.0,
    most_broken: int = 0,
    first_classes: int = 0,
) -> ImageData:
    """Load the images of `source`, divided into disjoint parts.

    Args:
        source: "sample" (3,000 images of CIFAR-10, built in), a name of `NAMED`, a name on the Hugging Face hub, a
            folder or glob of parquet files (columns `img` or `image`, `label`; train and test told apart by the files'
            names, or by a column `split`), or a folder of images as in ImageNet: train/<class>/*, val/<class>/* or
            test/<class>/*.
        resolution: side in pixels; images of another size are resized and their middle cropped.
        split_seed: seed of the split into parts; the same seed gives the same split.
        device: device of the images.
        download: whether data may be fetched from the hub; otherwise they must be in its cache.
        way: "held" decodes all images once into memory, "streamed" decodes them whenever they are needed; "auto" holds
            images that take at most `MOST_HELD_BYTES`.
        share: share of the shorter side that centre crops keep.
        most_broken: number of unreadable images that may be skipped.
        first_classes: number of classes used, the first ones; 0 for all.

    Raises:
        ValueError: the data are missing, broken or unfit.
    """
    low, high = RESOLUTIONS
    if not isinstance(resolution, int) or not low <= resolution <= high:
        raise ValueError(f"resolution is {resolution!r:.60}; accepted: whole numbers from {low} to {high}")
    if way not in WAYS:
        raise ValueError(f"images are to be {way!r:.60}; accepted: {', '.join(WAYS)}")
    opened = open_source(source, download, first_classes, way == "streamed")
    _check_classes(opened.train.labels, opened.test.labels, opened.classes, opened.title)
    count = len(opened.train) + len(opened.test)
    broken = Broken(most_broken)
    pool = Pool((opened.train.encoded, opened.test.encoded), resolution, share, broken)
    if is_streamed(way, count, resolution):
        data = _streamed(opened, pool, split_seed)
    else:
        _check_memory(count, resolution, source)
        train, test = (_decoded(pool, number, split.labels) for number, split in enumerate((opened.train, opened.test)))
        data = divide(train, test, opened.classes, opened.title, split_seed)
    return replace(data, notes=_notes(opened, resolution), broken=broken).to(device)


def divide(train: HeldSplit, test: HeldSplit, classes: tuple[str, ...], title: str, split_seed: int) -> ImageData:
    """Divide held training images into the three parts, class by class.

    Raises:
        ValueError: a class has too few images for a share in every part, or no test image.
    """
    _check_classes(train.labels, test.labels, classes, title)
    whole = _part(train, "training")
    indices = part_indices(whole.labels, split_seed)
    mean, deviation = _statistics(whole.images)
    weights, rewards, selection = (
        replace(whole[index], name=name) for name, index in zip(_TRAINING_PARTS, indices, strict=True)
    )
    return ImageData(
        weights=weights,
        rewards=rewards,
        selection=selection,
        test=_part(test, "test"),
        classes=classes,
        description=_described(title, len(whole), len(test.labels), classes, whole.resolution, split_seed),
        mean=mean,
        deviation=deviation,
    )


def _streamed(opened: Source, pool: Pool, split_seed: int) -> ImageData:
    """Return the same parts as for images in memory; a few images are decoded as a check."""
    labels = torch.from_numpy(opened.train.labels)
    weights, rewards, selection = (
        StreamedPart(pool, 0, index.numpy(), labels[index], name)
        for name, index in zip(_TRAINING_PARTS, part_indices(labels, split_seed), strict=True)
    )
    tested = torch.from_numpy(opened.test.labels)
    test = StreamedPart(pool, 1, np.arange(len(tested), dtype=np.int64), tested, "test")
    side = pool.decoder.resolution
    described = _described(opened.title, len(labels), len(tested), opened.classes, side, split_seed)
    return ImageData(
        weights, rewards, selection, test, opened.classes, described, IMAGENET_MEAN, IMAGENET_DEVIATION
    )  # fmt: skip


def _described(title: str, training: int, test: int, classes: tuple[str, ...], side: int, split_seed: int) -> str:
    counts = f"{training:,} training and {test:,} test images"
    return f"{title}: {counts} of {len(classes)} classes, {side}×{side}, split {split_seed}"


def _decoded(pool: Pool, split: int, labels: NDArray[np.int64]) -> HeldSplit:
    images, places = pool.held(split, np.arange(len(labels), dtype=np.int64))
    return HeldSplit(images.numpy(), labels[places.numpy()])


def _notes(opened: Source, resolution: int) -> tuple[str, ...]:
    """Return sentences about skipped images and about strong downscaling."""
    found = [split.left_out for split in (opened.train, opened.test) if split.left_out]
    usual = usual_size(opened.train.encoded)
    if usual and min(usual) >= _MUCH_LARGER * resolution:
        found.append(
            f"images of {opened.title} are about {usual[0]}×{usual[1]} pixels and are made {resolution}×{resolution}; "
            "a larger resolution keeps more of them, and the preset imagenet trains at 224×224"
        )
    return tuple(found)


def usual_size(encoded: Encoded) -> tuple[int, int] | None:
    """Median width and height of a few images; None where none can be read."""
    places = np.linspace(0, len(encoded) - 1, min(_LOOKED_AT, len(encoded))).astype(int)
    sizes = [size for place in places if (size := _size_at(encoded, int(place)))]
    width, height = np.median(np.array(sizes or [(0, 0)]), axis=0).astype(int).tolist()
    return (width, height) if sizes else None


def _size_at(encoded: Encoded, index: int) -> tuple[int, int] | None:
    try:
        return size_of(encoded.fetch(index))
    except ValueError:
        return None


def _check_memory(count: int, resolution: int, source: str) -> None:
    needed, free = count * resolution * resolution * 3, psutil.virtual_memory().available
    if needed > free:
        raise ValueError(
            f"images {source!r:.200} need {needed / 2**30:.1f} GiB of memory at {resolution}×{resolution} pixels, of "
            f"which {free / 2**30:.1f} GiB are free; accepted: a smaller resolution, fewer images, or images streamed"
        )


def _check_classes(train: NDArray[np.int64], test: NDArray[np.int64], classes: tuple[str, ...], title: str) -> None:
    for labels, name, least in ((train, "training", 3), (test, "test", 1)):
        highest = len(classes) - 1
        if not len(labels) or labels.min() < 0 or labels.max() > highest:
            raise ValueError(f"{title}: a {name} label is outside 0 to {highest}, the classes of the training images")
        counts = np.bincount(labels, minlength=len(classes))
        if counts.min() < least:
            label = int(counts.argmin())
            raise ValueError(
                f"{title}: class {classes[label]!r} (label {label}) has {counts[label]} {name} images; "
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


def _part(split: HeldSplit, name: str) -> ImagePart:
    """View images [n, side, side, 3] as [n, 3, side, side]: channels-last without a copy."""
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

"""Some of a data set's images: what every part of it can do, whether its images are held or streamed; the held ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Generator, Tensor

from nat_core.learning.images.decoding import Views


class Part(Protocol):
    """Labelled images, in random order.

    Attributes:
        labels: labels of the images, int64 [n], on the same device.
        name: name of the part.
    """

    @property
    def labels(self) -> Tensor: ...

    @property
    def name(self) -> str: ...

    @property
    def resolution(self) -> int:
        """Side of every image in pixels."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Tensor | slice) -> Self:
        """The images at `index`; ``part[:500]`` is a random subset, the same every time."""

    def to(self, device: torch.device | str) -> Self: ...

    def draw(self, count: int, generator: Generator) -> Self:
        """`count` distinct images at random, at most all of them; `generator` lives on the images' device."""

    def order(self, generator: Generator) -> Tensor:
        """Return a random order in which the images can be read, int64 [n] on the generator's device."""

    def held(self) -> "ImagePart":
        """The same images in memory."""

    def batches(self, size: int) -> Iterator["ImagePart"]:
        """All images once in batches of `size`, the last one smaller."""

    def sequence(self, indices: Iterable[Tensor], views: Views | None = None) -> Iterator["ImagePart"]:
        """Return the images at each of the `indices`, prefetched; streamed images come as random `views`.

        Images that cannot be read are left out, so a batch may be smaller than its indices.
        """


@dataclass(frozen=True)
class ImagePart:
    """Images held on a device.

    Attributes:
        images: uint8 [n, 3, side, side], channels-last in memory, in random order.
        labels: labels of the images, int64 [n].
        name: name of the part.
    """

    images: Tensor
    labels: Tensor
    name: str = ""

    @property
    def resolution(self) -> int:
        return self.images.shape[-1]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> "ImagePart":
        return replace(self, images=self.images[index], labels=self.labels[index])

    def to(self, device: torch.device | str) -> "ImagePart":
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def draw(self, count: int, generator: Generator) -> "ImagePart":
        return self[self.order(generator)[:count]]

    def order(self, generator: Generator) -> Tensor:
        return torch.randperm(len(self), generator=generator, device=generator.device)

    def held(self) -> "ImagePart":
        return self

    def batches(self, size: int, generator: Generator | None = None) -> "Iterator[ImagePart]":
        """All images once in batches of `size`, the last one smaller; shuffled if there is a `generator`."""
        order = self.order(generator) if generator else None
        for start in range(0, len(self), size):
            yield self[slice(start, start + size) if order is None else order[start : start + size]]

    def sequence(self, indices: Iterable[Tensor], views: Views | None = None) -> "Iterator[ImagePart]":
        """Return the images at each of the `indices`. Raises ValueError for `views`, which need whole images."""
        if views is not None:
            raise ValueError("random views are cut from whole images, so these must be streamed, not held")
        return (self[index] for index in indices)


def joined(parts: Iterable[ImagePart], name: str = "") -> ImagePart:
    """Held parts, one after the other."""
    parts = tuple(parts)
    images = torch.cat([part.images for part in parts])
    return ImagePart(images, torch.cat([part.labels for part in parts]), name)

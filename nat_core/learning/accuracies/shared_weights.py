"""An accuracy source: shared weights on labelled images, one architecture after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracyKind
from nat_core.learning.images.images import ImageData
from nat_core.learning.images.parts import ImagePart
from nat_core.network.supernet import Supernet

_NORMALISED_AT_ONCE = 2**25  # values
_TOGETHER = 16  # architectures: enough for an input and its transformations; memory bounds it


@dataclass(frozen=True)
class SharedWeightAccuracy:
    """The accuracy of architectures whose weights are shared ones.

    Nothing is modified and no gradient recorded. Batch norms take the statistics of the images at hand, so results
    depend on `batch`: all batches have that size, and images that do not fill one are left out. While the
    weights stay as they are, so do the accuracies; architectures that differ in dead edges only have the same.

    Attributes:
        supernet: the shared weights.
        data: data set of the images, with class names, mean and standard deviation.
        part: images for the evaluation, on the weights' device: a fixed set, or a minibatch with its own source.
        batch: images per batch, best as many as in training; all images if there are fewer.
        note: further information about the weights, such as the length of their training.

    Raises:
        ValueError: the images do not fit the network, or there are fewer than two.
    """

    supernet: Supernet
    data: ImageData
    part: ImagePart
    batch: int = 64
    note: str = ""
    kind: AccuracyKind = "shared-weight"
    stable: bool = True

    def __post_init__(self) -> None:
        config = self.supernet.config
        for name, needed, found in (
            ("classes", config.classes, len(self.data.classes)),
            ("pixels a side", config.resolution, self.part.images.shape[-1]),
        ):
            if needed != found:
                raise ValueError(f"the shared weights are for images of {needed} {name}; these have {found}")
        if self.batch < 2 or len(self.part) < 2:
            raise ValueError(
                f"batch is {self.batch} of {len(self.part)} images; batch norm's statistics need 2 or more"
            )

    @property
    def description(self) -> str:
        """The images, the dataset, the network and the note."""
        part = f"{self.part.name} images" if self.part.name else "images"
        note = f"; {self.note}" if self.note else ""
        return f"{self._used:,} {part} of {self.data.description}; {self.supernet.config.description}{note}"

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why there are no weights for `architecture`, or None."""
        return self.supernet.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return accuracies in steps of 100 ÷ images, shape [n]; of equal architectures only one is evaluated.

        Raises:
            ValueError: there are no weights for some architecture.
        """
        for position, architecture in enumerate(architectures):
            if reason := self.mismatch(architecture):
                raise ValueError(f"architecture {position} cannot be evaluated: {reason}")
        effective = [architecture.effective for architecture in architectures]
        distinct = [*dict.fromkeys(effective)]
        groups = [distinct[start : start + _TOGETHER] for start in range(0, len(distinct), _TOGETHER)]
        known = {item: value for group in groups for item, value in zip(group, self._percent(group), strict=True)}
        return np.array([known[item] for item in effective], dtype=np.float64)

    @torch.inference_mode()
    def _percent(self, architectures: Sequence[Architecture]) -> list[float]:
        correct = torch.zeros(len(architectures), dtype=torch.int64, device=self._labels.device)
        with torch.autocast("cuda", torch.bfloat16, enabled=self._labels.is_cuda):
            for images, labels in zip(self._batches(), self._labels.split(self._size), strict=True):
                each = self.supernet.each(images, architectures)
                correct += torch.stack([(logits.argmax(1) == labels).sum() for logits in each])
        return [100 * count / len(self._labels) for count in correct.tolist()]

    @property
    def _size(self) -> int:
        return min(self.batch, len(self.part))

    def _batches(self) -> Iterator[Tensor]:
        """Normalised images; once and for all, since every architecture sees them, where they are few or small."""
        images = self.part.images[: self._used]
        if images.numel() <= _NORMALISED_AT_ONCE:
            yield from self._images.split(self._size)
        else:
            yield from map(self.data.normalised, images.split(self._size))

    @cached_property
    def _images(self) -> Tensor:
        return self.data.normalised(self.part.images[: self._used])

    @cached_property
    def _labels(self) -> Tensor:
        return self.part.labels[: self._used]

    @property
    def _used(self) -> int:
        return len(self.part) // self._size * self._size

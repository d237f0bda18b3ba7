"""Random draws that depend only on a seed and a purpose, not on earlier draws.

So a resumed training draws the same numbers, and several processes draw alike, without saved state.
"""

import random
from collections.abc import Iterator
from hashlib import blake2b
from itertools import count

import torch
from torch import Tensor

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.image_training.weight_training import draw_architecture
from nat_core.learning.images.parts import ImagePart, Part
from nat_core.learning.images.streaming import GivenUpError


def seed_of(*purpose: int | str) -> int:
    """A seed below 2⁶³ from a seed and words."""
    return int.from_bytes(blake2b(repr(purpose).encode(), digest_size=8).digest()) >> 1


def generator(*purpose: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator on `device`."""
    return torch.Generator(device).manual_seed(seed_of(*purpose))


class Passes:
    """Shuffled passes through all images of a part, one pass after the other, in batches.

    Args:
        part: part of the images.
        size: images per batch.
        purpose: seed and words from which the order is drawn.
    """

    def __init__(self, part: Part, size: int, *purpose: int | str) -> None:
        self._part, self._size, self._purpose = part, size, purpose
        self._pass: tuple[int, Tensor] | None = None
        self._coming: Iterator[ImagePart] = iter(())
        self._number = -1

    def batch(self, number: int) -> ImagePart:
        """Return batch `number` from 0, and prefetch the next ones. Raises ValueError if too many images are broken."""
        if number != self._number:
            self._begin(number)
        self._number = number + 1
        try:
            return next(self._coming)
        except GivenUpError:
            self._begin(number)
            return next(self._coming)

    def _begin(self, number: int) -> None:
        self._coming = self._part.sequence(self._indices(each) for each in count(number))

    def _indices(self, number: int) -> Tensor:
        """Return the indices of a batch's images, on the images' device."""
        first, size, found = number * self._size, self._size, []
        while size > 0:
            which, start = divmod(first, len(self._part))
            found.append(self._order(which)[start : start + size])
            first, size = first + len(found[-1]), size - len(found[-1])
        return torch.cat(found).to(self._part.labels.device)

    def _order(self, which: int) -> Tensor:
        """Return the order of the images in one pass, shape [images]."""
        if self._pass is None or self._pass[0] != which:
            self._pass = which, self._part.order(generator(*self._purpose, which))
        return self._pass[1]


def architecture_at(space: Space, rule: str, transformed_share: float, *purpose: int | str) -> Architecture:
    """`draw_architecture` for a purpose."""
    return draw_architecture(space, random.Random(seed_of(*purpose)), transformed_share, rule)

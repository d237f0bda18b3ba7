"""Draws that depend on a seed and on what they are for, and on nothing drawn before.

So a training that continues draws what it would have drawn, and several processes draw alike, without any state.
"""

import random
from functools import lru_cache
from hashlib import blake2b

import torch
from torch import Tensor

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.image_training.weight_training import draw_architecture
from nat_core.learning.images.images import ImagePart


def seed_of(*purpose: int | str) -> int:
    """A seed below 2⁶³ from a seed and words."""
    return int.from_bytes(blake2b(repr(purpose).encode(), digest_size=8).digest()) >> 1


def generator(*purpose: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator on `device`."""
    return torch.Generator(device).manual_seed(seed_of(*purpose))


def images_at(part: ImagePart, number: int, size: int, *purpose: int | str) -> ImagePart:
    """Batch `number` of shuffled passes through all images of `part`, one pass after the other."""
    first, indices = number * size, []
    while size > 0:
        which, start = divmod(first, len(part))
        indices.append(_pass(len(part), which, purpose)[start : start + size])
        first, size = first + len(indices[-1]), size - len(indices[-1])
    return part[torch.cat(indices).to(part.labels.device)]


@lru_cache(maxsize=8)
def _pass(count: int, which: int, purpose: tuple[int | str, ...]) -> Tensor:
    """[count] the order of one pass."""
    return torch.randperm(count, generator=generator(*purpose, which))


def architecture_at(space: Space, rule: str, transformed_share: float, *purpose: int | str) -> Architecture:
    """`draw_architecture` for a purpose."""
    return draw_architecture(space, random.Random(seed_of(*purpose)), transformed_share, rule)

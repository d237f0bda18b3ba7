"""Tiny trainings from scratch: images that a colour gives away, small networks, milliseconds a step."""

import numpy as np

from nat_core.architecture.library import find
from nat_core.architecture.notation import parse
from nat_core.learning.images.images import HeldSplit, ImageData, divide
from nat_core.learning.scratch.config import Budget, EvaluationConfig, NamedArchitecture

CELL = "|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
TINY = Budget(
    channels=2, layers=2, resolution=8, auxiliary=False, data="nowhere", epochs=2, batch=8, drop_path=0.3, cutout=2,
    padding=1,
)  # fmt: skip


def coloured_images(count: int = 30, classes: int = 3, side: int = 8, seed: int = 0) -> ImageData:
    """`count` training and as many test images; channel c is bright in class c, under noise."""
    rng = np.random.default_rng(seed)

    def split() -> HeldSplit:
        labels = np.arange(count, dtype=np.int64) % classes
        images = rng.integers(0, 120, (count, side, side, 3), dtype=np.uint8)
        images[np.arange(count), :, :, labels] += 100
        return HeldSplit(images, labels)

    return divide(split(), split(), ("red", "green", "blue")[:classes], "colours", 0)


def named(*names: str) -> tuple[NamedArchitecture, ...]:
    """Of the library, or the cell of this module under the name "cell"."""
    return tuple(NamedArchitecture.of(parse(CELL) if n == "cell" else find(n).architecture, n) for n in names)


def config(*names: str, seeds: tuple[int, ...] = (0,), budget: Budget = TINY) -> EvaluationConfig:
    return EvaluationConfig(named(*(names or ("NAT_DARTS",))), budget, seeds, "tiny")

"""Defaults of configurations about images, available without loading images."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from nat_core.options import Asked
from nat_core.specification import OneOf

HUB_DEFAULT = "uoft-cs/cifar10"
SAMPLE = "sample"
# Images of more bytes than this, decoded, are streamed unless they are asked to be held.
MOST_HELD_BYTES = 512 * 2**20

# How images are kept.
WAYS: Mapping[str, str] = MappingProxyType(
    {"auto": "As memory allows", "held": "Held in memory", "streamed": "Streamed, decoded when needed"}
)
# What networks are trained on.
CROPS: Mapping[str, str] = MappingProxyType(
    {
        "shifted": "The whole image, shifted by a few pixels (CIFAR)",
        "resized": "A random box of the whole image, resized (ImageNet)",
    }
)

# What `load_images` accepts, and sizes of an augmentation.
Source = Annotated[str, Field(min_length=1, max_length=1000)]
Pixels = Annotated[int, Field(ge=0, le=256)]
Way = Annotated[
    str, OneOf(WAYS), Asked("Images are", "held in memory, streamed (decoded when needed), or auto: by their size.")
]
Crop = Annotated[str, OneOf(CROPS)]
MostBroken = Annotated[
    int,
    Field(ge=0, le=10_000_000),
    Asked("Broken, at most", "Images that may be skipped since they cannot be read; one more ends the run."),
]


def is_streamed(way: str, count: int, resolution: int) -> bool:
    """Return whether `count` square images of `resolution` pixels a side are streamed; `way` is one of `WAYS`."""
    return way == "streamed" or (way == "auto" and count * resolution**2 * 3 > MOST_HELD_BYTES)


def check_jitter(jitter: bool, crop: str) -> None:
    """Raise ValueError if colours shall change and the kind of crop excludes it."""
    if jitter and crop != "resized":
        raise ValueError(f"jitter is True and crop {crop!r}; colours change with resized crops only")

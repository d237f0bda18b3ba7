"""The images that were loaded last, kept for whoever needs them next: decoding takes seconds."""

from functools import lru_cache

import torch

from nat_core.learning.images.images import ImageData, load_images
from nat_core.learning.images.names import NAMED
from nat_core.learning.images.sources import is_on_hub, open_source

# Of a data set on the hub that is not known by name: CIFAR-10's.
_UNKNOWN = (NAMED["cifar10"].training, NAMED["cifar10"].test)


def cached_images(
    source: str,
    resolution: int,
    split_seed: int,
    device: torch.device | str,
    download: bool = True,
    *,
    way: str = "auto",
    most_broken: int = 0,
) -> ImageData:
    """Return `load_images` of the same arguments, cached for the last two calls. Raises ValueError like it."""
    return _load(source, resolution, split_seed, torch.device(device), download, way, most_broken)


@lru_cache(maxsize=2)
def _load(
    source: str, resolution: int, split_seed: int, device: torch.device, download: bool, way: str, most_broken: int
) -> ImageData:
    return load_images(
        source, resolution=resolution, split_seed=split_seed, device=device, download=download, way=way,
        most_broken=most_broken,
    )  # fmt: skip


@lru_cache(maxsize=16)
def counts_of(source: str) -> tuple[int, int]:
    """Return how many images there are for training and for testing; a guess for an unknown data set of the hub.

    Raises:
        ValueError: there are no such images.
    """
    if source in NAMED:
        return NAMED[source].training, NAMED[source].test
    known = next((item for item in NAMED.values() if item.source == source and not item.first_classes), None)
    if known is not None:
        return known.training, known.test
    if is_on_hub(source):
        return _UNKNOWN
    opened = open_source(source, download=False)
    return len(opened.train), len(opened.test)

"""The images that were loaded last, kept for whoever needs them next: decoding takes seconds."""

from functools import lru_cache

import torch

from nat_core.learning.images.images import ImageData, load_images


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
    """`load_images`, remembered for the last two questions. Raises ValueError like it."""
    return _load(source, resolution, split_seed, torch.device(device), download, way, most_broken)


@lru_cache(maxsize=2)
def _load(
    source: str, resolution: int, split_seed: int, device: torch.device, download: bool, way: str, most_broken: int
) -> ImageData:
    return load_images(
        source, resolution=resolution, split_seed=split_seed, device=device, download=download, way=way,
        most_broken=most_broken,
    )  # fmt: skip

"""Augmentation of training images: crops, flips and cutout for a whole batch at once, on the images' device.

Crop and flip: the usual ones for CIFAR. ImageNet's random views are cut from whole images while they are decoded.
Cutout: DeVries and Taylor (arXiv 1708.04552), as DARTS uses it: a square around a random pixel, cut off at the border,
set to the mean colour.
"""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from nat_core.learning.images.decoding import Views
from nat_core.learning.images.defaults import Crop, Pixels, check_jitter
from nat_core.learning.images.images import normalise
from nat_core.specification import specified


@specified
class Augmentation:
    """The augmentation of training images.

    Attributes:
        padding: width in pixels of the black border that is added before a random crop of the old size; 0 for none.
        flip: whether half of the images are mirrored.
        cutout: side in pixels of the square that is cut out; 0 for none.
        crop: kind of random crop, a key of `CROPS`.
        jitter: whether brightness, contrast, saturation and hue change; with resized crops only.
    """

    padding: Pixels = 4
    flip: bool = True
    cutout: Pixels = 16
    crop: Crop = "shifted"
    jitter: bool = False

    def __post_init__(self) -> None:
        check_jitter(self.jitter, self.crop)

    def __call__(
        self, images: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...], generator: Generator
    ) -> Tensor:
        """Augment and normalise images.

        Args:
            images: uint8 [n, 3, h, w]; already random views if `views` returns any.
            mean, deviation: mean and standard deviation of each channel's values from 0 to 255.
            generator: random generator on the images' device.

        Returns:
            The images as float32 [n, 3, h, w], channels-last.
        """
        moved = images if self.crop == "resized" else crop_and_flip(images, self.padding, self.flip, generator)
        result = normalise(moved, mean, deviation)
        return cut_out(result, self.cutout, generator) if self.cutout else result

    def views(self, seed: int, epoch: int) -> Views | None:
        """The random views that are cut from whole images in an epoch, counted from 0; None where none are."""
        return Views(seed, epoch, self.jitter, self.flip) if self.crop == "resized" else None


def crop_and_flip(images: Tensor, padding: int, flip: bool, generator: Generator) -> Tensor:
    """Shift images [n, c, h, w] by up to `padding` pixels either way and mirror them with probability ½: one gather."""
    count, _, height, width = images.shape
    if not (padding or flip):
        return images
    padded = F.pad(images, (padding,) * 4).permute(0, 2, 3, 1).contiguous()
    down, right = _integers(2 * padding + 1, (2, count, 1), generator)
    rows, columns = (torch.arange(size, device=images.device).expand(count, size) for size in (height, width))
    if flip:
        mirrored = _integers(2, (count, 1), generator).bool()
        columns = torch.where(mirrored, width - 1 - columns, columns)
    index = torch.arange(count, device=images.device)[:, None, None]
    return padded[index, (rows + down)[:, :, None], (columns + right)[:, None, :]].permute(0, 3, 1, 2)


def cut_out(images: Tensor, side: int, generator: Generator) -> Tensor:
    """Set a square of `side` pixels around a random pixel to zero in every image of [n, c, h, w]."""
    count, _, height, width = images.shape
    inside = []
    for size in (height, width):
        start = _integers(size, (count, 1), generator) - side // 2
        pixels = torch.arange(size, device=images.device)
        inside.append((pixels >= start) & (pixels < start + side))
    kept = ~(inside[0][:, :, None] & inside[1][:, None, :])
    return images * kept[:, None].to(images.dtype)


def _integers(limit: int, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Whole numbers from 0 to limit − 1."""
    return torch.randint(limit, shape, generator=generator, device=generator.device)

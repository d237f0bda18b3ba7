"""One encoded image to pixels: cut out, resized, perhaps mirrored and coloured otherwise.

Files may be from strangers: only common formats are decoded, by what is in them and not by their names, and sizes are
checked first. Pillow decodes: of three decoders measured it alone names what is wrong with a truncated file, knows all
seven formats and resizes without aliasing; OpenCV is a fifth faster (docs/speed.md).

Source of the random views: Szegedy et al., arXiv 1409.4842, as torchvision's `RandomResizedCrop` and `ColorJitter`
draw them. Deviation: brightness, contrast, saturation and hue are one linear map of the colours, so hue turns in YIQ
instead of HSV, and values are clipped once.
"""

import io
import math
import os
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

Pixels = NDArray[np.uint8]
# Left, top, right, bottom; in pixels of the whole image.
Box = tuple[float, float, float, float]
BoxOf = Callable[[int, int], Box]

# What is decoded; PIL knows others, some of which start further programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_MOST_PIXELS = 50_000_000
_AREAS, _RATIOS, _TRIES = (0.08, 1.0), (3 / 4, 4 / 3), 10
# How far brightness, contrast and saturation may go from 1, and hue from 0 in turns (DARTS' for ImageNet).
_JITTER, _HUE = 0.4, 0.2
_LUMA = np.array([0.299, 0.587, 0.114])
_TO_YIQ = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)

# Sizes are checked here, after a JPEG has been reduced.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class BrokenImageError(ValueError):
    """An image that cannot be used; one sentence that names it."""


@dataclass(frozen=True)
class Views:
    """Random views of images, each drawn from a seed, the epoch and the image's number, and from nothing else.

    Attributes:
        seed: seed of the training.
        epoch: number of the epoch, from 0.
        jitter: whether colours change.
        flip: whether half of the images are mirrored.
    """

    seed: int
    epoch: int
    jitter: bool = False
    flip: bool = True

    def draws(self, index: int) -> Generator:
        """Return the random generator for the view of one image."""
        return np.random.Generator(np.random.Philox(key=[self.seed, (self.epoch << 32) + index]))


def decode(encoded: bytes | str, resolution: int, name: str, share: float = 1.0) -> Pixels:
    """Decode the middle of an image as RGB [resolution, resolution, 3].

    Args:
        encoded: the image's bytes, or its file.
        resolution: side of the result in pixels.
        name: name of the image in error messages.
        share: share of the shorter side that is kept; 7/8 for ImageNet's tests.

    Raises:
        BrokenImageError: the image cannot be decoded.
    """
    return _pixels(_cut(encoded, resolution, name, lambda width, height: middle(width, height, share)))


def decode_view(encoded: bytes | str, resolution: int, name: str, views: Views, index: int) -> Pixels:
    """Decode a random view of image `index` as RGB [resolution, resolution, 3]. Raises errors like `decode`."""
    draws = views.draws(index)
    image = _cut(encoded, resolution, name, lambda width, height: random_box(width, height, draws))
    if views.flip and draws.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _pixels(jittered(image, draws) if views.jitter else image)


def middle(width: int, height: int, share: float = 1.0) -> Box:
    """The square in the middle whose side is `share` of the shorter one."""
    side = min(width, height) * share
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def random_box(width: int, height: int, draws: Generator) -> Box:
    """A box of 8 to 100 % of the area, 3 : 4 to 4 : 3; if ten do not fit, the largest of such a shape in the middle."""
    for _ in range(_TRIES):
        area = width * height * draws.uniform(*_AREAS)
        ratio = math.exp(draws.uniform(math.log(_RATIOS[0]), math.log(_RATIOS[1])))
        wide, high = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < wide <= width and 0 < high <= height:
            left, top = (int(draws.integers(room + 1)) for room in (width - wide, height - high))
            return left, top, left + wide, top + high
    wide, high = min(width, round(height * _RATIOS[1])), min(height, round(width / _RATIOS[0]))
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + max(1, wide), top + max(1, high)


def jittered(image: Image.Image, draws: Generator) -> Image.Image:
    """The image with brightness, contrast, saturation and hue drawn at random."""
    brightness, contrast, saturation = draws.uniform(1 - _JITTER, 1 + _JITTER, 3)
    matrix, offset = colour_map(brightness, contrast, saturation, draws.uniform(-_HUE, _HUE), _mean_luma(image))
    return image.convert("RGB", tuple(np.column_stack([matrix, offset]).ravel().tolist()))


def colour_map(
    brightness: float, contrast: float, saturation: float, hue: float, mean_luma: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrix [3, 3] and offset [3] of a colour transform: matrix · colour + offset.

    Args:
        brightness: factor of all values.
        contrast: factor of their distance from the image's mean luma.
        saturation: factor of their distance from the pixel's own luma.
        hue: rotation around the axis of greys, in turns.
        mean_luma: mean luma of the unchanged image, 0 to 255.
    """
    grey = np.tile(_LUMA, (3, 1))
    saturated = saturation * np.eye(3) + (1 - saturation) * grey
    cosine, sine = math.cos(2 * math.pi * hue), math.sin(2 * math.pi * hue)
    turned = _FROM_YIQ @ np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]) @ _TO_YIQ
    matrix = turned @ saturated
    return brightness * contrast * matrix, matrix @ np.full(3, brightness * (1 - contrast) * mean_luma)


def size_of(encoded: bytes | str) -> tuple[int, int] | None:
    """Width and height in pixels; None for what cannot be read."""
    try:
        with _opened(encoded) as image:
            return image.size
    except Exception:  # PIL raises whatever damaged bytes lead it to
        return None


def _mean_luma(image: Image.Image) -> float:
    counts = np.array(image.convert("L").histogram())
    return float(counts @ np.arange(256) / counts.sum())


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image)


def _opened(encoded: bytes | str) -> Image.Image:
    if not encoded:
        raise ValueError("it is missing")
    if isinstance(encoded, str) and not stat.S_ISREG(os.stat(encoded).st_mode):  # noqa: PTH116, once per image
        raise ValueError("it is no file but a folder, pipe or device")
    return Image.open(io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded, formats=FORMATS)


def _cut(encoded: bytes | str, resolution: int, name: str, box_of: BoxOf) -> Image.Image:
    """A box of one image, resized to a square."""
    try:
        with _opened(encoded) as image:
            box = box_of(*image.size)
            reduced = _reduced(image, box, resolution)
            whole = image if image.mode == "RGB" else image.convert("RGB")
            return _resized(whole, reduced, resolution)
    except Exception as error:  # PIL raises whatever damaged bytes lead it to
        reason = "no image of an accepted format" if isinstance(error, UnidentifiedImageError) else str(error)
        text = f"{' '.join(reason.split())[:120]}; accepted: {', '.join(FORMATS)}"
        raise BrokenImageError(f"{name} is not a readable image ({text}); replace or remove it") from error


def _reduced(image: Image.Image, box: Box, resolution: int) -> Box:
    """Lets a JPEG be decoded at a fraction of its size where the box stays large enough; the box in its pixels then.

    A progressive one is held as a whole all the same.

    Raises:
        ValueError: the image would decode to more pixels than are accepted.
    """
    width, height = image.size
    if image.format == "JPEG" and not image.info.get("progressive"):
        factor = min(1.0, max(resolution / (box[2] - box[0]), resolution / (box[3] - box[1])))
        image.draft("RGB", (math.ceil(width * factor), math.ceil(height * factor)))
    if image.width * image.height > _MOST_PIXELS:
        raise ValueError(f"{width}×{height} pixels; accepted: {_MOST_PIXELS:,} in all")
    across, down = image.width / width, image.height / height
    return (
        box[0] * across, box[1] * down, min(box[2] * across, image.width), min(box[3] * down, image.height)
    )  # fmt: skip


def _resized(image: Image.Image, box: Box, resolution: int) -> Image.Image:
    """Nothing larger than the result is made on the way, however long and thin the image is."""
    if image.size == (resolution, resolution) and box == (0.0, 0.0, float(resolution), float(resolution)):
        return image.copy()
    return image.resize((resolution, resolution), Image.Resampling.BILINEAR, box=box)

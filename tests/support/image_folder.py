"""A folder of JPEGs in ImageNet's layout: `python -m tests.support.image_folder FOLDER [IMAGES] [CLASSES]`.

Images are smooth blobs with noise, with file sizes similar to photographs; each class has its own colour, so that it
can be learned. The same arguments make the same files.
"""

import colorsys
import sys
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image

SIDES = (300, 600)
_BLOB = 32  # pixels
_GRAIN = 12.0  # standard deviation


def make_image_folder(
    folder: Path, images: int = 60, classes: int = 3, sides: tuple[int, int] = SIDES, test_share: float = 0.2
) -> Path:
    """Write train/<class>/*.jpg and val/<class>/*.jpg, `images` in all; return the folder."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, _GRAIN, (sides[1], sides[1], 3)).astype(np.int16)
    each = images // classes
    tested = max(1, round(test_share * each))
    for label in range(classes):
        colour = 255 * np.array(colorsys.hsv_to_rgb(label / classes, 0.8, 0.9))
        for split, count in (("train", each - tested), ("val", tested)):
            place = folder / split / f"n{label:08}"
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                _picture(rng, grain, colour, sides).save(place / f"{number:05}.jpg", quality=90)
    return folder


def _picture(rng: Generator, grain: np.ndarray, colour: np.ndarray, sides: tuple[int, int]) -> Image.Image:
    width, height = (int(side) for side in rng.integers(sides[0], sides[1] + 1, 2))
    blobs = rng.integers(0, 160, (height // _BLOB + 2, width // _BLOB + 2, 3)) + 0.4 * colour
    smooth = Image.fromarray(blobs.clip(0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray((np.asarray(smooth) + grain[:height, :width]).clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    make_image_folder(Path(sys.argv[1]), *map(int, sys.argv[2:]))

"""The accuracy source of a policy trained from images: its own shared weights on images not used in training.

Evaluation goes from coarse to fine: all candidates on a few hundred images, then the best few and the first one on up
to 10,000 images of the selection part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracies.remembered import Remembered
from nat_core.learning.accuracies.shared_weights import SharedWeightAccuracy
from nat_core.learning.accuracies.supernet_files import CARD, WEIGHTS, SupernetCard, load_supernet
from nat_core.learning.accuracy import AccuracySource, StagedAccuracies, WrappedSource
from nat_core.learning.images.cache import cached_images
from nat_core.learning.images.sources import SAMPLE
from nat_core.network.supernet import Supernet

COARSE_IMAGES = 500
FINE_IMAGES = 10_000
FINALISTS = 5


@dataclass(frozen=True)
class CoarseToFine(WrappedSource):
    """A `StagedSource` of two sources: a fast one and an accurate one, which answers wherever stages do not matter.

    Attributes:
        coarse: source that evaluates all architectures.
        source: source that evaluates the finalists.
        finalists: number of finalists besides the first architecture.
        chance_percent: the accuracy of guessing.
    """

    coarse: AccuracySource
    source: AccuracySource
    finalists: int = FINALISTS
    chance_percent: float = 0.0

    def evaluate(self, architectures: Sequence[Architecture]) -> StagedAccuracies:
        """Evaluate all on few images, then the first one and the `finalists` best others on all images."""
        *_, evaluation = self.steps(architectures)
        return evaluation

    def steps(self, architectures: Sequence[Architecture]) -> Iterator[StagedAccuracies]:
        """Yield the result so far after every evaluation."""
        count = len(architectures)
        finalists = min(count, self.finalists + 1)
        coarse = 0 if finalists == count else count
        accuracies, is_final = np.full(count, np.nan), np.zeros(count, dtype=bool)
        for i in range(coarse):
            accuracies[i] = self.coarse.accuracy_percent([architectures[i]])[0]
            yield StagedAccuracies(accuracies.copy(), is_final.copy(), i + 1, coarse + finalists)
        order = [0, *(i for i in np.argsort(-accuracies, kind="stable").tolist() if i != 0)]
        for done, i in enumerate(order[:finalists], start=coarse + 1):
            accuracies[i], is_final[i] = self.source.accuracy_percent([architectures[i]])[0], True
            yield StagedAccuracies(accuracies.copy(), is_final.copy(), done, coarse + finalists)


def supernet_source(folder: Path, device: torch.device | str = "cpu", download: bool = True) -> CoarseToFine | None:
    """Return the accuracy source of the shared weights in `folder`; None if there are no weights.

    It evaluates on the data set of the weights' training. While that is not available, the built-in sample replaces
    it, and the source's description says so; every call tries again.

    Args:
        folder: folder of the weights and their card.
        device: device of the weights.
        download: whether images may be fetched from the hub; otherwise they must be in its cache.

    Raises:
        ValueError: the weights or their card are broken.
    """
    files = [folder / name for name in (WEIGHTS, CARD)]
    if not any(path.exists() for path in files):
        return None
    stamps = tuple(path.stat().st_mtime_ns for path in files if path.exists())
    weights = (folder, stamps, torch.device(device))
    try:
        sources = _sources(*weights, _loaded(*weights)[1].data, download)
    except ImagesMissing:
        sources = _sources(*weights, SAMPLE, download)
    chance = 100 / _loaded(*weights)[1].network.classes
    return CoarseToFine(*sources, chance_percent=chance) if sources else None


class ImagesMissing(ValueError):
    """The images on which weights were trained cannot be had now; never remembered."""


@lru_cache(maxsize=4)
def _loaded(folder: Path, stamps: tuple[int, ...], device: torch.device) -> tuple[Supernet, SupernetCard]:
    return load_supernet(folder, device)


@lru_cache(maxsize=4)
def _sources(
    folder: Path, stamps: tuple[int, ...], device: torch.device, source: str, download: bool
) -> tuple[AccuracySource, AccuracySource] | None:
    """Return sources on few and on all selection images of `source`; None if their classes do not fit.

    Raises:
        ImagesMissing: the images are not available now.
    """
    supernet, card = _loaded(folder, stamps, device)
    try:
        data = cached_images(source, card.network.resolution, card.split_seed, device, download)
    except (ValueError, OSError) as error:
        raise ImagesMissing(str(error)) from error
    if len(data.classes) != card.network.classes:
        return None
    note = "" if source == card.data else _note(card)
    fine_part = data.selection[:FINE_IMAGES].held()
    parts = (fine_part[:COARSE_IMAGES], fine_part)
    coarse, fine = (SharedWeightAccuracy(supernet, data, part, batch=card.batch, note=note) for part in parts)
    return Remembered(coarse), Remembered(fine)


def _note(card: SupernetCard) -> str:
    """Return the addition to a description if the sample replaces the images."""
    return (
        f"the built-in sample, since the images of {card.data}, on which the weights were trained, cannot be found here"
    )

"""Ranks: a scale that weighs accuracies by their ranks, and rank correlation."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

# How far, in targets, the scale continues beyond the data.
_EXTENSION = 3.0


@dataclass(frozen=True, eq=False)  # arrays neither compare as one value nor hash, and a scale is part of cache keys
class TargetScale:
    """A monotone map between accuracies in percent and what the network regresses.

    Attributes:
        accuracies_percent, targets: knots of a piecewise linear map, both strictly increasing, [k].
    """

    accuracies_percent: NDArray[np.float64]
    targets: NDArray[np.float64]

    @classmethod
    def fitted(cls, accuracies_percent: NDArray[np.float64], rank_share: float) -> "TargetScale":
        """Normal scores times `rank_share` plus standardised accuracies times the rest.

        Beyond the data the lines continue with the mean slope of the outer tenth, so that a prediction
        above everything seen is still larger.
        """
        values, counts = np.unique(accuracies_percent, return_counts=True)
        if len(values) < 2:
            raise ValueError(f"{len(values)} distinct accuracies; a reward model needs 2 or more")
        levels = (np.cumsum(counts) - counts / 2) / counts.sum()
        scores = torch.special.ndtri(torch.from_numpy(levels)).numpy()
        standard = (values - accuracies_percent.mean()) / accuracies_percent.std()
        targets = rank_share * scores + (1 - rank_share) * standard
        outer = max(1, len(values) // 10)
        low = (values[outer] - values[0]) / (targets[outer] - targets[0])
        high = (values[-1] - values[-1 - outer]) / (targets[-1] - targets[-1 - outer])
        return cls(
            np.array([values[0] - _EXTENSION * low, *values, values[-1] + _EXTENSION * high]),
            np.array([targets[0] - _EXTENSION, *targets, targets[-1] + _EXTENSION]),
        )

    def to_target(self, accuracies_percent: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert accuracies in percent to regression targets by interpolation; values beyond the scale are clamped."""
        return np.interp(accuracies_percent, self.accuracies_percent, self.targets)

    def to_percent(self, targets: NDArray[np.float64]) -> NDArray[np.float64]:
        """The way back: accuracies in percent, 0 to 100."""
        return np.interp(targets, self.targets, self.accuracies_percent).clip(0, 100)


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Spearman's rank correlation of two vectors [n]; ties share their mean rank; 0 where one is constant."""
    one, other = _ranks(first), _ranks(second)
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]

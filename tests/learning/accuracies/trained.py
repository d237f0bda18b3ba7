"""Trained cells whose truth is known, for tests."""

import random

import numpy as np

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.trained_cells import TrainedCells

SPACE = SPACES["fully_concat"]
KNOWN = ("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5")


def cells(count, seed=0, names=KNOWN, space=SPACE):
    """Random ones of these operations."""
    rng = random.Random(seed)
    drawn = [space.sample(rng) for _ in range(count)]
    return tuple(item.with_operations([rng.choice(names) for _ in item.operations]) for item in drawn)


def truth(architecture: Architecture) -> float:
    """Separable convolutions of the normal cell are worth 0.1 points each, poolings as much less."""
    names = architecture.normal.operations
    return 97.0 + 0.1 * sum("sep" in name for name in names) - 0.1 * sum("pool" in name for name in names)


def table(count, seed=0, noise=0.1, name="mine", shift=0.0, **how) -> TrainedCells:
    """Trained with that much noise."""
    drawn, rng = cells(count, seed, **how), np.random.default_rng(seed)
    return TrainedCells(name, drawn, np.array([truth(item) for item in drawn]) + shift + noise * rng.normal(size=count))

"""The worth of each change in a transformation: the accuracy that is lost if only this change is undone."""

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracySource


def worth_of_changes(before: Architecture, after: Architecture, source: AccuracySource) -> NDArray[np.float64]:
    """Return the points of accuracy that `after` loses if one edge gets back its operation of `before`, shape [edges].

    The edges of the normal cell come before those of the reduction cell; an unchanged one has NaN. Changes act
    together, so their worths need not sum to the gain.

    Args:
        before, after: architectures of the same topology.
        source: accuracy source that can evaluate `after` and its variants.
    """
    worth = np.full(len(before.operations), np.nan)
    changed = [i for i, pair in enumerate(zip(before.operations, after.operations, strict=True)) if len({*pair}) > 1]
    undone = [
        after.with_operations([*after.operations[:i], before.operations[i], *after.operations[i + 1 :]])
        for i in changed
    ]
    if changed:
        accuracies = source.accuracy_percent([after, *undone])
        worth[changed] = accuracies[0] - accuracies[1:]
    return worth

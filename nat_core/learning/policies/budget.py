"""The most probable transformations that stay within a budget of MACs.

The k most probable choices are enumerated exactly and filtered. Where too few of them fit, probabilities are
tilted by exp(−μ · MACs) with growing μ: a Lagrangian relaxation, whose last resort is the cheapest legal choice.
"""

import numpy as np
from numpy.typing import NDArray

from nat_core.learning.policies.distribution import most_probable

_POOL_FACTORS = (1, 8, 64)
_MAX_POOL = 4096
_TILTS = tuple(2.0**exponent for exponent in range(-2, 9))

Choices = tuple[NDArray[np.int64], NDArray[np.float64]]


def most_probable_within(
    log_probabilities: NDArray[np.floating], macs: NDArray[np.int64], max_macs: int, count: int
) -> Choices:
    """Distinct choices of operations whose MACs sum to `max_macs` or less, most probable first.

    Exact whenever `count` fitting choices are among the 64 · `count` most probable ones (at most 4,096); otherwise the
    most probable that tilting finds.

    Args:
        log_probabilities: [E, operations]; -inf is impossible.
        macs: [E, operations] multiply-adds of each operation on each edge.
        max_macs: budget for the edges alone, in multiply-adds.
        count: how many; fewer are returned if fewer are found.

    Returns:
        operations [k, E] and their (untilted) log-probabilities [k]; k is 0 only if nothing legal fits.
    """
    for factor in _POOL_FACTORS:
        pool = min(count * factor, _MAX_POOL)
        fitting, enumerated = _fitting(log_probabilities, log_probabilities, macs, max_macs, pool)
        if len(fitting[1]) >= count or enumerated < pool:
            return fitting[0][:count], fitting[1][:count]
    return _merge([fitting, *_tilted(log_probabilities, macs, max_macs, count)], count)


def _tilted(
    log_probabilities: NDArray[np.floating], macs: NDArray[np.int64], max_macs: int, count: int
) -> list[Choices]:
    """Fitting choices under growing tilts until there are `count`, and the cheapest legal choice."""
    legal = np.isfinite(log_probabilities)
    scale = max(float(np.where(legal, macs, 0).max()), 1.0)
    found = []
    for tilt in _TILTS:
        tilted = log_probabilities - tilt * macs / scale
        found.append(_fitting(tilted, log_probabilities, macs, max_macs, min(4 * count, _MAX_POOL))[0])
        if len(found[-1][1]) >= count:
            break
    cheapest = np.where(legal, -macs.astype(np.float64), -np.inf)
    return [*found, _fitting(cheapest, log_probabilities, macs, max_macs, 1)[0]]


def _fitting(
    scores: NDArray[np.floating],
    log_probabilities: NDArray[np.floating],
    macs: NDArray[np.int64],
    max_macs: int,
    pool: int,
) -> tuple[Choices, int]:
    """Those of the `pool` best-scored choices that fit, best first, and how many choices were enumerated."""
    chosen, _ = most_probable(scores, pool)
    edges = np.arange(len(macs))
    kept = chosen[macs[edges, chosen].sum(axis=1) <= max_macs]
    return (kept, log_probabilities[edges, kept].sum(axis=1).astype(np.float64)), len(chosen)


def _merge(parts: list[Choices], count: int) -> Choices:
    chosen = np.concatenate([part[0] for part in parts])
    scores = np.concatenate([part[1] for part in parts])
    _, first = np.unique(chosen, axis=0, return_index=True)
    best = first[np.argsort(-scores[first], kind="stable")][:count]
    return chosen[best], scores[best]

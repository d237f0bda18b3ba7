"""The Pareto front: what nothing else beats at the same or a lower cost."""

import numpy as np
from numpy.typing import NDArray


def pareto_front(costs: NDArray[np.floating], merits: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the positions of the Pareto front, cheapest first; each is better than everything that costs no more.

    Args:
        costs: costs, [n]; smaller is better.
        merits: merits, [n]; larger is better; of points with equal costs and merits the first counts.
    """
    order = np.lexsort((-np.asarray(merits), np.asarray(costs)))
    ranked = np.asarray(merits)[order]
    best_before = np.concatenate([[-np.inf], np.maximum.accumulate(ranked)[:-1]])
    return order[ranked > best_before]

"""Latencies of NAS-Bench-201's cells as sums over edges, fitted to the measured ones by least squares.

A measured latency is no sum, but a budget is shared out among edges by one. What fits is decided by the measured ones,
which are known of every cell.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import OPERATIONS
from nat_core.learning.nasbench201 import table


@lru_cache(maxsize=len(table.DEVICES))
def fitted_latency(device: str) -> tuple[float, NDArray[np.float64]]:
    """Return fixed milliseconds, and those that each operation adds to its edge's cheapest one, [edges, digits].

    Raises:
        ValueError: the device is unknown.
    """
    latencies, edges = table.latencies_ms(device), len(table.EDGES)
    digits = np.stack(np.unravel_index(np.arange(table.SIZE), (table.BASE,) * edges), axis=1)
    chosen = (digits[:, :, None] == np.arange(table.BASE)).reshape(table.SIZE, -1).astype(np.float64)
    solution, *_ = np.linalg.lstsq(chosen, latencies, rcond=None)
    added = solution.reshape(edges, table.BASE)
    cheapest = added.min(axis=1, keepdims=True)
    return float(cheapest.sum()), added - cheapest


def latency_table(architectures: Sequence[Architecture], device: str) -> tuple[list[float], list[NDArray[np.float64]]]:
    """Return each architecture's fixed milliseconds, and those that operations add to it, [edges, operations].

    Operations that are not in the space add infinitely many.

    Raises:
        ValueError: the device is unknown, or an architecture is not in the table.
    """
    table.codes(architectures)
    fixed, added = fitted_latency(device)
    rows = np.full((len(table.EDGES), len(OPERATIONS)), np.inf)
    known = table.DIGIT_OF_OPERATION >= 0
    rows[:, known] = added[:, table.DIGIT_OF_OPERATION[known]]
    place = {ends: number for number, ends in enumerate(table.EDGES)}
    orders = [[place[edge.source, edge.target] for edge in item.normal.edges] for item in architectures]
    return [fixed] * len(architectures), [rows[order] for order in orders]

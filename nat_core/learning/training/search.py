"""Search where rewards cost nothing: what a policy could at best have done with an input."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell
from nat_core.architecture.spaces import Space
from nat_core.learning.training.rewards import Objective, changed_edges
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model


def gained(
    objective: Objective, inputs: Sequence[Architecture], outputs: Sequence[Architecture]
) -> NDArray[np.float64]:
    """[n] points of n outputs over their inputs, less what changes and doubt deduct."""
    distinct = list(dict.fromkeys(inputs))
    known = dict(zip(distinct, objective(distinct).tolist(), strict=True))
    gains = objective(outputs) - np.array([known[item] for item in inputs])
    return gains - objective.change_weight * changed_edges(inputs, outputs) - objective.doubt(inputs, outputs)


def ascended(given: Architecture, space: Space, objective: Objective, transitions: str = "nat++") -> Architecture:
    """What the objective's rule makes of `given`, each step the one operation exchanged that raises it most.

    It costs no more MACs than `given`, is legal by `transitions`, and ends where no exchange helps. What the rule makes
    dearer or illegally is begun from `given`.
    """
    cost = cost_model(NETWORKS[space.network]).cost
    limit, targets = cost(given).macs, [space.targets(name, transitions) for name in given.operations]
    current = given
    legal = all(name in choices for name, choices in zip(current.operations, targets, strict=True))
    current = current if legal and cost(current).macs <= limit else given
    best = float(gained(objective, [given], [current])[0])
    while True:
        found = [item for item in _neighbours(current, targets) if cost(item).macs <= limit]
        values = gained(objective, [given] * len(found), found)
        if not found or values.max() <= best:
            return current
        best, current = float(values.max()), found[int(values.argmax())]


def _neighbours(current: Architecture, targets: Sequence[Sequence[str]]) -> list[Architecture]:
    """Those that differ from `current` in one operation; the cell without it stays the very same object."""
    normal, reduction = current.normal, current.reduction
    split = len(normal.edges)
    found = [Architecture(cell, reduction) for cell in _exchanged(normal, targets[:split])]
    if reduction is not None:
        found += [Architecture(normal, cell) for cell in _exchanged(reduction, targets[split:])]
    return found


def _exchanged(cell: Cell, targets: Sequence[Sequence[str]]) -> Iterator[Cell]:
    """Cells that differ in one operation."""
    operations = cell.operations
    for place, choices in enumerate(targets):
        for target in choices:
            if target != operations[place]:
                yield cell.with_operations([*operations[:place], target, *operations[place + 1 :]])

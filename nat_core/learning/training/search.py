"""Search where rewards cost nothing: what a policy could at best have done with an input."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import Space
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Codes, Lattice
from nat_core.learning.policies.costs import edge_costs
from nat_core.learning.training.config import TrainingConfig
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


def exact_search(config: TrainingConfig, objective: Objective) -> "ExactSearch | None":
    """The search of a training with budgets; None where nothing is searched or its space cannot be enumerated."""
    if not config.budgets.cost or not config.reinforce.searched_share or config.space != table.SPACE.name:
        return None
    return ExactSearch(config.target_space, objective, config.budgets.cost, config.rule)


class ExactSearch:
    """The best that legal transitions reach within a budget, by enumeration, on a space of one topology.

    Args:
        space: of the inputs.
        objective: what is best; its source is asked once for every cell of the space.
        cost: what budgets limit.
        transitions: the rule.

    Raises:
        ValueError: the space's architectures have different topologies.
    """

    def __init__(self, space: Space, objective: Objective, cost: str, transitions: str = "nat++") -> None:
        self._lattice = lattice = Lattice.of_space(space, transitions)
        nodes = space.inputs + space.intermediates
        ends = [(source, target) for target in range(space.inputs, nodes) for source in range(target)]
        example = Architecture(space.cell(tuple(Edge(space.operations[0], *pair) for pair in ends), nodes))
        columns = np.array([INDEX[name] for name in lattice.operations])
        names = np.array(lattice.operations, dtype=object)[lattice.digits]
        self._operations = columns[lattice.digits]
        self._worth = objective([example.with_operations(row) for row in names.tolist()])
        self._change_weight = objective.change_weight
        costs = edge_costs([example], space, cost)
        per_edge = costs.edges.numpy()[np.arange(lattice.edges), self._operations]
        self._costs = costs.fixed.item() + per_edge.sum(axis=1)
        self._ranked: dict[int, Codes] = {}

    def code(self, architecture: Architecture) -> int:
        """What `__call__` knows an architecture by. Raises ValueError for one of another space."""
        return self._lattice.code(architecture)

    def __call__(self, code: int, limit: float) -> NDArray[np.int64]:
        """[edges] operations (rows of the table) of the best that costs no more than `limit`; else of the cheapest."""
        ranked = self._reachable(code)
        costs = self._costs[ranked]
        fits = costs <= limit
        return self._operations[ranked[fits.argmax() if fits.any() else costs.argmin()]]

    def _reachable(self, code: int) -> Codes:
        """What legal transitions make of a cell, best first; remembered."""
        if code not in self._ranked:
            reachable = np.zeros(1, dtype=np.int64)
            for targets in self._lattice.choices(code):
                reachable = np.add.outer(reachable * len(self._lattice.operations), targets).ravel()
            changes = (self._lattice.digits[reachable] != self._lattice.digits[code]).sum(axis=1)
            values = self._worth[reachable] - self._change_weight * changes
            self._ranked[code] = reachable[np.argsort(-values, kind="stable")].astype(np.int16)
        return self._ranked[code]


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

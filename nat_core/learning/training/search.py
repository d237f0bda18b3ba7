"""Exhaustive search with free rewards: the upper bound for a policy."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Edge
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import Space
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Codes, Lattice
from nat_core.learning.policies.costs import edge_costs
from nat_core.learning.training.ascent import SHARES, Fronts, Score, split
from nat_core.learning.training.config import TrainingConfig
from nat_core.learning.training.rewards import Objective, changed_edges


def gained(
    objective: Objective, inputs: Sequence[Architecture], outputs: Sequence[Architecture]
) -> NDArray[np.float64]:
    """Return the gains of n outputs over their inputs in points, less deductions for changes and doubt, shape [n]."""
    distinct = list(dict.fromkeys(inputs))
    known = dict(zip(distinct, objective(distinct).tolist(), strict=True))
    gains = objective(outputs) - np.array([known[item] for item in inputs])
    return gains - objective.change_weight * changed_edges(inputs, outputs) - objective.doubt(inputs, outputs)


# What search finds for the inputs numbered [k] within what whole networks may cost [k]: operations of each, and [k]
# whether anything was found that fits.
Search = Callable[[NDArray[np.int64], NDArray[np.float64]], tuple[list[NDArray[np.int64]], NDArray[np.bool_]]]


def search_of(config: TrainingConfig, objective: Objective, inputs: Sequence[Architecture]) -> Search | None:
    """The search that a training on `inputs` imitates, by enumeration where the space can be; None where nothing is."""
    sought = inputs[: round(config.reinforce.searched_share * len(inputs))]
    if not sought:
        return None
    cost = config.budgets.cost or "macs"
    if config.space == table.SPACE.name:
        exact = ExactSearch(config.target_space, objective, cost, config.rule)
        codes = [exact.code(item) for item in inputs]
        return lambda numbers, limits: _one_by_one(exact, codes, len(sought), numbers, limits)
    shares = SHARES if config.budgets.cost else SHARES[:1]
    fronts = Fronts(sought, config.target_space, score_of(objective, sought), cost, shares, config.rule)
    edges = [len(item.edges) for item in inputs]

    def find(
        numbers: NDArray[np.int64], limits: NDArray[np.float64]
    ) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
        rows, fits = fronts.best(np.minimum(numbers, len(sought) - 1), limits)
        return [row[: edges[number]] for row, number in zip(rows, numbers, strict=True)], fits & (numbers < len(sought))

    return find


def _one_by_one(
    search: "ExactSearch", codes: Sequence[int], sought: int, numbers: NDArray[np.int64], limits: NDArray[np.float64]
) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:  # fmt: skip
    costs = [search.own_cost(codes[number]) for number in numbers]
    pairs = list(zip(numbers.tolist(), np.minimum(limits, costs).tolist(), strict=True))
    rows = [search(codes[number], limit) for number, limit in pairs]
    fits = [number < sought and search.cost(row) <= limit for row, (number, limit) in zip(rows, pairs, strict=True)]
    return rows, np.array(fits)


def score_of(objective: Objective, inputs: Sequence[Architecture]) -> Score:
    """Return the reward of transformations of `inputs`, minus the deductions for changes and uncertainty."""
    own = [np.array([INDEX[name] for name in item.operations]) for item in inputs]

    def score(owner: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        numbers, parts = split(owner, rows)
        cut = [part[:, : len(own[number])] for number, part in zip(numbers, parts, strict=True)]
        values = objective.of_operations([inputs[number] for number in numbers], cut)
        changes = [(part != own[number]).sum(axis=1) for number, part in zip(numbers, cut, strict=True)]
        return values - objective.change_weight * np.concatenate([np.empty(0), *changes])

    return score


class ExactSearch:
    """The best that legal transitions reach within a budget, by enumeration, on a space of one topology.

    Args:
        space: space of the inputs.
        objective: objective that defines the best; its source evaluates every cell of the space once.
        cost: the cost that budgets limit.
        transitions: the transition rule.

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
        self._table, self._fixed = costs.edges.numpy(), costs.fixed.item()
        self._ranked: dict[int, Codes] = {}

    def code(self, architecture: Architecture) -> int:
        """Return the code by which `__call__` identifies an architecture. Raises ValueError for another space."""
        return self._lattice.code(architecture)

    def __call__(self, code: int, limit: float) -> NDArray[np.int64]:
        """Return the best transformation within `limit`, else the cheapest one, as rows of the table, [edges]."""
        ranked = self._reachable(code)
        costs = self._costs[ranked]
        fits = costs <= limit
        return self._operations[ranked[fits.argmax() if fits.any() else costs.argmin()]]

    def own_cost(self, code: int) -> float:
        """Return the cost of the whole network of the cell `code`."""
        return float(self._costs[code])

    def cost(self, operations: NDArray[np.int64]) -> float:
        """Return the cost of the whole network with `operations` [edges]."""
        return float(self._fixed + self._table[np.arange(len(operations)), operations].sum())

    def _reachable(self, code: int) -> Codes:
        """Return the cells that legal transitions reach, best first; cached."""
        if code not in self._ranked:
            reachable = np.zeros(1, dtype=np.int64)
            for targets in self._lattice.choices(code):
                reachable = np.add.outer(reachable * len(self._lattice.operations), targets).ravel()
            changes = (self._lattice.digits[reachable] != self._lattice.digits[code]).sum(axis=1)
            values = self._worth[reachable] - self._change_weight * changes
            self._ranked[code] = reachable[np.argsort(-values, kind="stable")].astype(np.int16)
        return self._ranked[code]

"""Steepest ascent within budgets, for many inputs and budgets at once: what a policy could at best have done.

Operations are rows of the table of operations, padded to the most edges; a problem is an input and a budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import INDEX
from nat_core.architecture.rows import ABSENT
from nat_core.architecture.spaces import Space
from nat_core.learning.graphs.graph import legal_mask
from nat_core.learning.policies.budget import FittingDistribution, padded
from nat_core.learning.policies.costs import EdgeCosts, edge_costs

Rows = NDArray[np.int64]
Numbers = NDArray[np.float64]
# Scores [m] of m transformations of the inputs numbered [m]; −inf for what may not be.
Score = Callable[[Rows, Rows], Numbers]
# Problems whose neighbours are evaluated at once, and for which draws are made.
_AT_ONCE = 512
# Budgets at which is searched.
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
# So that among exchanges that lose nothing the one that saves most is taken.
_LEAST_LOSS = 0.01


@dataclass(frozen=True, eq=False)
class Problems:
    """N problems about n inputs of up to E edges.

    Attributes:
        inputs: the architectures.
        owner: number of each problem's input, [N].
        own: operations of each problem's input, [N, E], padded with `ABSENT`.
        costs: cost of each operation on each edge, [N, E, operations]; infinite if illegal; padding costs 0.
        left: maximum total cost of the edges, [N].
    """

    inputs: Sequence[Architecture]
    owner: Rows
    own: Rows
    costs: Numbers
    left: Numbers

    @classmethod
    def of(
        cls,
        inputs: Sequence[Architecture],
        space: Space,
        limits: Numbers,
        transitions: str = "nat++",
        costs: EdgeCosts | None = None,
    ) -> "Problems":
        """Create the problems of inputs and their `limits` [n, budgets] on the whole network's cost.

        Limits are in the unit of `costs`, by default MACs.
        """
        costs = costs or edge_costs(inputs, space)
        count, budgets = limits.shape
        mask = legal_mask(space, transitions)
        operations = [torch.tensor([INDEX[name] for name in item.operations]) for item in inputs]
        legal = mask[torch.cat(operations)]
        table = padded(costs.edges.masked_fill(~legal, torch.inf), costs.edge_batch, count, torch.inf).numpy()
        own = np.full(table.shape[:2], ABSENT, dtype=np.int64)
        for number, row in enumerate(operations):
            own[number, : len(row)] = row.numpy()
        owner = np.repeat(np.arange(count), budgets)
        left = (limits - costs.fixed.numpy()[:, None]).ravel()
        return cls(inputs, owner, own[owner], table[owner], left)

    def __len__(self) -> int:
        return len(self.owner)

    def chosen(self, which: Rows | NDArray[np.bool_]) -> "Problems":
        """Some of them."""
        return Problems(self.inputs, self.owner[which], self.own[which], self.costs[which], self.left[which])

    def cost(self, operations: Rows) -> Numbers:
        """Return the cost of the edges with `operations` [N, E], shape [N]; infinite if one is illegal."""
        return np.take_along_axis(self.costs, operations.clip(0)[..., None], axis=2)[..., 0].sum(axis=1)

    def exchanges(self, current: Rows) -> NDArray[np.bool_]:
        """Return whether exchanging one operation of `current` [N, E] changes it and fits, shape [N, E, operations]."""
        own = np.take_along_axis(self.costs, current.clip(0)[..., None], axis=2)
        spare = self.left - own[..., 0].sum(axis=1)
        fits = (self.costs - own <= spare[:, None, None]) & (current != ABSENT)[..., None]
        np.put_along_axis(fits, current.clip(0)[..., None], values=False, axis=2)
        return fits

    @property
    def cheapest(self) -> Numbers:
        """Return the lowest possible cost of the edges, shape [N]."""
        return np.asarray(self.costs.min(axis=2).sum(axis=1))

    def drawn(self, count: int, generator: torch.Generator) -> Rows:
        """Draw uniformly from what fits, shape [count, N, E]. Raises ValueError if nothing fits a problem."""
        parts = []
        for part in np.array_split(np.arange(len(self)), max(1, -(-len(self) // _AT_ONCE))):
            costs = torch.from_numpy(self.costs[part])
            scores = torch.zeros_like(costs).masked_fill(torch.isinf(costs), -torch.inf)
            sampled = FittingDistribution(scores, costs, torch.from_numpy(self.left[part])).sample(count, generator)
            parts.append(np.where(self.own[part] == ABSENT, ABSENT, sampled.numpy()))
        return np.concatenate(parts, axis=1)


def split(owner: Rows, rows: Rows) -> tuple[list[int], list[Rows]]:
    """Return the distinct numbers in the rising `owner` [m], and the `rows` [m, E] of each."""
    numbers, first = np.unique(owner, return_index=True)
    return numbers.tolist(), np.split(rows, first[1:]) if len(rows) else []


def ascended(
    problems: Problems,
    starts: Rows,
    score: Score,
    evaluations: Rows | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[Rows, Numbers, Rows]:
    """Run steepest ascent from `starts` [N, E]: each step replaces the one operation that raises the score most.

    Args:
        score: scores transformations that fit; impossible ones are never selected.
        evaluations: maximum number of scores for each problem, [N]; if it does not suffice for all neighbours, some
            are drawn by `rng`.

    Returns:
        The operations [N, E], their scores [N], and the number of scores that each problem has used [N].
    """
    current, best = starts.copy(), score(problems.owner, starts)
    used, active = np.ones(len(problems), dtype=np.int64), np.arange(len(problems))
    while len(active):
        going = []
        for part in np.array_split(active, max(1, -(-len(active) // _AT_ONCE))):
            left = None if evaluations is None else evaluations[part] - used[part]
            problem, rows = _neighbours(problems.chosen(part), current[part], left, rng)
            if not len(rows):
                continue
            values = score(problems.owner[part[problem]], rows)
            used[part] += np.bincount(problem, minlength=len(part))
            tops = _highest(problem, values)
            tops = tops[values[tops] > best[part[problem[tops]]]]
            current[part[problem[tops]]], best[part[problem[tops]]] = rows[tops], values[tops]
            going.append(part[problem[tops]])
        active = np.concatenate(going) if going else active[:0]
        if evaluations is not None:
            active = active[used[active] < evaluations[active]]
    return current, best, used


class Fronts:
    """Run steepest ascent for each of n inputs within budgets from the whole cost down to nothing.

    Within the whole cost it begins with the input, within each smaller one with what it found for the one before, made
    to fit.

    Args:
        inputs: architectures to transform.
        space: space of their operations.
        score: scores transformations.
        budget: what budgets limit; one of `policies.costs.COSTS`.
        shares: budgets as falling shares of the input's own cost.
        transitions: the transition rule.
    """

    def __init__(
        self, inputs: Sequence[Architecture], space: Space, score: Score, budget: str = "macs",
        shares: Sequence[float] = SHARES, transitions: str = "nat++",
    ) -> None:  # fmt: skip
        costs = edge_costs(inputs, space, budget)
        whole = Problems.of(inputs, space, np.full((len(inputs), 1), np.inf), transitions, costs)
        own, self._fixed = whole.cost(whole.own), costs.fixed.numpy()
        current, rows, values = whole.own, [], []
        for share in shares:
            problems = replace(whole, left=np.maximum(share * (own + self._fixed) - self._fixed, whole.cheapest))
            current, found, _ = ascended(problems, repaired(problems, current, score), score)
            rows.append(current)
            values.append(found)
        self._rows, self._values = np.stack(rows), np.stack(values)
        self._costs = np.stack([whole.cost(item) for item in rows])

    def best(self, numbers: Rows, limits: Numbers) -> tuple[Rows, NDArray[np.bool_]]:
        """Return the best operations found [k, E] for inputs `numbers` [k] within `limits` [k], and if any fit."""
        values, costs = self._values[:, numbers], self._costs[:, numbers] + self._fixed[numbers]
        fitting = np.where(costs <= limits, values, -np.inf)
        place = fitting.argmax(axis=0)
        return self._rows[place, numbers], np.isfinite(fitting.max(axis=0))


def repaired(problems: Problems, starts: Rows, score: Score) -> Rows:
    """Make `starts` [N, E] fit: each step exchanges the operation that loses least per cost saved.

    A problem ends with what it has if nothing cheaper is left.
    """
    current, active = starts.copy(), np.flatnonzero(problems.cost(starts) > problems.left)
    while len(active):
        part = problems.chosen(active)
        excess = part.cost(current[active]) - part.left
        saved = np.take_along_axis(part.costs, current[active].clip(0)[..., None], axis=2) - part.costs
        problem, edge, operation = np.nonzero((saved > 0) & (current[active] != ABSENT)[..., None])
        rows = _exchanged(current[active], problem, edge, operation)
        before = score(part.owner, current[active])
        lost = before[problem] - score(part.owner[problem], rows)
        enough = np.minimum(saved[problem, edge, operation], excess[problem])
        best = _highest(problem, -(lost.clip(min=0) + _LEAST_LOSS) / enough)
        current[active[problem[best]]] = rows[best]
        active = active[problem[best]]
        active = active[problems.chosen(active).cost(current[active]) > problems.left[active]]
    return current


def _highest(problem: Rows, values: Numbers) -> Rows:
    """Return the index of each problem's highest value [m], the first of equals; problems are numbered in increasing
    order.
    """
    first = np.flatnonzero(np.diff(problem, prepend=-1))
    if not len(first):
        return first
    highest = np.repeat(np.maximum.reduceat(values, first), np.diff(first, append=len(values)))
    tops = np.flatnonzero(values == highest)
    return tops[np.diff(problem[tops], prepend=-1) > 0]


def _exchanged(current: Rows, problem: Rows, edge: Rows, operation: Rows) -> Rows:
    """Return copies of rows of `current` [N, E], each with one operation exchanged, shape [m, E]."""
    rows = current[problem]
    rows[np.arange(len(rows)), edge] = operation
    return rows


def _neighbours(
    problems: Problems, current: Rows, left: Rows | None, rng: np.random.Generator | None
) -> tuple[Rows, Rows]:
    """Return all fitting exchanges of one operation in `current` [N, E]: problems [m] and operations [m, E]."""
    fits = problems.exchanges(current)
    problem, edge, operation = np.nonzero(fits)
    if left is not None:
        order = (rng or np.random.default_rng(0)).permutation(len(problem))
        order = order[np.argsort(problem[order], kind="stable")]
        rank = np.arange(len(problem)) - np.searchsorted(problem, problem)  # sorted already
        kept = np.sort(order[rank < left[problem]])
        problem, edge, operation = problem[kept], edge[kept], operation[kept]
    return problem, _exchanged(current, problem, edge, operation)

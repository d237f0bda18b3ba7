"""Measures a policy's distance to the optimum within budgets on NAS-Bench-201, where the optimum is known.

A budget is a share of the input's own cost. What fits is decided by what cells really cost, counted or measured; what
is best within a budget is found by enumeration. Inputs that nothing legal fits are left out and counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nat_core.architecture.operations import INDEX
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Codes, Scores
from nat_core.learning.nasbench201.quantities import QUANTITIES
from nat_core.learning.policies.policy import Policy

SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)
# Cells and budgets that are enumerated at once.
_AT_ONCE = 64


@dataclass(frozen=True)
class Offers:
    """The outputs proposed for n inputs within m budgets.

    Attributes:
        codes: codes of distinct cells that fit, most probable first, [n, m, count]; -1 where fewer fit.
        best: code of the best legal cell that fits, [n, m]; -1 if none fits.
    """

    codes: Codes
    best: Codes

    def points_missing(self, scores: Scores, count: int) -> NDArray[np.float64]:
        """Return the points from the best of the first `count` to the best cell, shape [n, m]; NaN if none fits."""
        return np.where(self.best >= 0, scores[self.best] - self.scores(scores, count), np.nan)

    def mean_points_missing(self, scores: Scores, count: int) -> list[float | None]:
        """Return the means of `points_missing` over the inputs that a budget serves, [m]; None if it serves none."""
        missing = self.points_missing(scores, count).T
        return [float(np.nanmean(row)) if not np.isnan(row).all() else None for row in missing]

    def scores(self, scores: Scores, count: int) -> NDArray[np.float64]:
        """Return the scores of the best of the first `count`, shape [n, m]; -inf if nothing fits."""
        codes = self.codes[:, :, :count]
        return np.where(codes >= 0, scores[codes], -np.inf).max(axis=2)


def budget_figures(
    policy: Policy, inputs: Codes, scores: Scores, cost: str, rule: str | None = None, counts: Sequence[int] = (1, 10)
) -> dict[str, Any]:
    """Return for a card the mean points below the best legal cell that fits, by share of the input's cost.

    A mean is None within a budget that nothing fits, whatever the input.
    """
    found = offers(ranking_of(policy, rule), inputs, scores, max(counts), SHARES, cost)
    return {
        "cost": cost,
        "shares": list(SHARES),
        "nothing_fits": (found.best < 0).sum(axis=0).tolist(),
        **{
            "greedy_points_below_best" if count == 1 else f"best_of_{count}_points_below_best": [
                mean if mean is None else round(mean, 3) for mean in found.mean_points_missing(scores, count)
            ]
            for count in counts
        },
    }


def costs_of_codes(cost: str) -> NDArray[np.float64]:
    """Return the cost of every cell, shape [15625]: MACs or parameters of the whole network, or a measured latency."""
    return QUANTITIES[cost].values


def limits_of(inputs: Codes, shares: Sequence[float], cost: str) -> NDArray[np.float64]:
    """Return the budgets, shape [n, m]; a share of 1 gives exactly the input's own cost."""
    return costs_of_codes(cost)[inputs][:, None] * np.asarray(shares, dtype=np.float64)


# Cells and their budgets, both [k], to scores of all cells [k, 15625]: larger is offered first, −inf never.
Ranking = Callable[[Codes, NDArray[np.float64]], Tensor]


def ranking_of(policy: Policy, rule: str | None = None) -> Ranking:
    """Return the function that ranks all cells as transformations of an input within a budget by log-probability.

    Args:
        policy: policy for NAS-Bench-201.
        rule: transition rule; None for the policy's own.
    """
    columns = [INDEX[name] for name in table.SPACE.operations]

    @torch.inference_mode()
    def ranking(inputs: Codes, budgets: NDArray[np.float64]) -> Tensor:
        cells = [table.architecture_of_code(int(code)) for code in inputs]
        rows = policy.distribution(cells, table.SPACE, rule, budgets.tolist()).log_probabilities[:, columns]
        return _of_all_cells(rows.view(len(cells), len(table.EDGES), -1).double().cpu())

    return ranking


def offers(
    ranking: Ranking,
    inputs: Codes,
    scores: Scores,
    count: int = 10,
    shares: Sequence[float] = SHARES,
    cost: str = "macs",
) -> Offers:
    """Return the `count` first-ranked transformations of n cells within each share of their own costs.

    Args:
        ranking: ranking of all cells; finite where transitions are legal.
        inputs: codes of the inputs, [n].
        scores: scores in code order, [15625], which define the best cell.
        cost: what budgets limit.
    """
    costs, worth = torch.tensor(costs_of_codes(cost)), torch.tensor(scores)
    codes, budgets = np.repeat(inputs, len(shares)), np.tile(np.asarray(shares, dtype=np.float64), len(inputs))
    limits = torch.from_numpy(limits_of(inputs, shares, cost).ravel())
    found, best = [], []
    for start in range(0, len(codes), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        ranked = ranking(codes[part], budgets[part])
        ranked = ranked.masked_fill(costs > limits[part, None] * (1 + 1e-12), -torch.inf)
        found.append(_or_none(*ranked.topk(count, dim=1)))
        best.append(_or_none(*torch.where(torch.isneginf(ranked), -torch.inf, worth).max(dim=1)))
    shape = (len(inputs), len(shares))
    return Offers(torch.cat(found).numpy().reshape(*shape, count), torch.cat(best).numpy().reshape(shape))


def _of_all_cells(rows: Tensor) -> Tensor:
    """Return the log-probability of every cell, [n, cells] in code order, from those of [n, edges, operations]."""
    total = rows.new_zeros(len(rows), 1)
    for edge in range(rows.shape[1]):
        total = (total[:, :, None] + rows[:, edge, None, :]).flatten(1)
    return total


def _or_none(values: Tensor, codes: Tensor) -> Tensor:
    return codes.masked_fill(torch.isneginf(values), -1)


def hypervolume(
    costs: NDArray[np.floating], gains: NDArray[np.floating], shares: Sequence[float]
) -> NDArray[np.float64]:
    """Return the areas that k points each dominate, shape [n], of costs up to the input's and of gains above 0.

    The area is a sum over budgets that lie equally far apart, so no front has more than the best of each budget.

    Args:
        costs: costs as shares of the input's, [n, k].
        gains: gains over the input, [n, k]; −inf for missing points.
        shares: the budgets.
    """
    heights = [np.where(costs <= share * (1 + 1e-9), gains, 0.0).max(axis=1).clip(0, None) for share in shares]
    return np.mean(heights, axis=0)

"""How far from optimal a policy is within budgets, on NAS-Bench-201, where everything reachable is known.

A budget is a share of the input's own cost. What fits is decided by what cells really cost, counted or measured; what
is best within a budget is found by enumeration. Inputs that nothing legal fits are left out and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

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
    """What is offered to n inputs within m budgets.

    Attributes:
        codes: [n, m, count] distinct cells that fit, most probable first; -1 where fewer fit.
        best: [n, m] code of the best legal cell that fits; -1 where none does.
    """

    codes: Codes
    best: Codes

    def points_missing(self, scores: Scores, count: int) -> NDArray[np.float64]:
        """[n, m] points by which the best of the first `count` is below the best legal cell; NaN where nothing fits."""
        return np.where(self.best >= 0, scores[self.best] - self.scores(scores, count), np.nan)

    def scores(self, scores: Scores, count: int) -> NDArray[np.float64]:
        """[n, m] scores of the best of the first `count`; -inf where nothing fits."""
        codes = self.codes[:, :, :count]
        return np.where(codes >= 0, scores[codes], -np.inf).max(axis=2)


def costs_of_codes(cost: str) -> NDArray[np.float64]:
    """[15625] what every cell costs: counted MACs or parameters of the whole network, or a measured latency."""
    return QUANTITIES[cost].values


def limits_of(inputs: Codes, shares: Sequence[float], cost: str) -> NDArray[np.float64]:
    """[n, m] budgets; one of the whole cost is exactly the input's own."""
    return costs_of_codes(cost)[inputs][:, None] * np.asarray(shares, dtype=np.float64)


@torch.inference_mode()
def offers(
    policy: Policy,
    inputs: Codes,
    scores: Scores,
    count: int = 10,
    shares: Sequence[float] = SHARES,
    cost: str = "macs",
    rule: str | None = None,
) -> Offers:
    """The `count` most probable transformations of n cells within each share of their own costs.

    Args:
        policy: for NAS-Bench-201's operations.
        inputs: [n] codes.
        scores: [15625] in code order, by which the best is the best.
        cost: what budgets limit.
        rule: of transitions; None: the policy's own.
    """
    device, columns = policy.device, [INDEX[name] for name in table.SPACE.operations]
    costs = torch.tensor(costs_of_codes(cost), device=device)
    worth = torch.tensor(scores, device=device)
    codes = np.repeat(inputs, len(shares))
    budgets = np.tile(np.asarray(shares, dtype=np.float64), len(inputs))
    limits = torch.from_numpy(limits_of(inputs, shares, cost).ravel()).to(device)
    found, best = [], []
    for start in range(0, len(codes), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        cells = [table.architecture_of_code(int(code)) for code in codes[part]]
        rows = policy.distribution(cells, table.SPACE, rule, budgets[part].tolist()).log_probabilities[:, columns]
        chances = _of_all_cells(rows.view(len(cells), len(table.EDGES), -1).double())
        chances = chances.masked_fill(costs > limits[part, None] * (1 + 1e-12), -torch.inf)
        found.append(_or_none(*chances.topk(count, dim=1)))
        best.append(_or_none(*torch.where(torch.isneginf(chances), -torch.inf, worth).max(dim=1)))
    shape = (len(inputs), len(shares))
    return Offers(torch.cat(found).cpu().numpy().reshape(*shape, count), torch.cat(best).cpu().numpy().reshape(shape))


def _of_all_cells(rows: torch.Tensor) -> torch.Tensor:
    """[n, edges, operations] log-probabilities → [n, cells] those of every cell, in code order."""
    total = rows.new_zeros(len(rows), 1)
    for edge in range(rows.shape[1]):
        total = (total[:, :, None] + rows[:, edge, None, :]).flatten(1)
    return total


def _or_none(values: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    return codes.masked_fill(torch.isneginf(values), -1)


def hypervolume(costs: NDArray[np.floating], gains: NDArray[np.floating]) -> NDArray[np.float64]:
    """[n] areas that k points each [n, k] dominate, of costs from 0 to 1 and of gains above 0.

    Args:
        costs: as shares of the input's; points beyond 1 count nothing.
        gains: over the input; -inf for a point that is not there.
    """
    order = np.argsort(costs, axis=1, kind="stable")
    costs = np.take_along_axis(np.asarray(costs, dtype=np.float64), order, axis=1).clip(0, 1)
    reached = np.maximum.accumulate(np.take_along_axis(gains, order, axis=1), axis=1).clip(0, None)
    widths = np.diff(costs, axis=1, append=1.0)
    return (reached * widths).sum(axis=1)

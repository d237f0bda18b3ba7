"""Budgets of a training's inputs, drawn anew whenever an input is, so that one policy learns to serve all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracySource, OperationsSource
from nat_core.learning.policies.budget import FittingDistribution, flat, most_probable_fitting, padded
from nat_core.learning.policies.costs import EdgeCosts, budget_conditions, edge_costs, reachable_range
from nat_core.learning.training.config import TrainingConfig


@dataclass(frozen=True)
class Budgeted:
    """n inputs of E edges in all, each with a budget that at least its cheapest transformation fits.

    Attributes:
        costs: costs of the inputs.
        limits: maximum costs of whole networks, [n].
        conditions: features that tell the policy its budgets.
    """

    costs: EdgeCosts
    limits: Tensor
    conditions: Tensor

    def fitting(self, log_probabilities: Tensor) -> FittingDistribution:
        """Return the distribution [E, operations] restricted to transformations that fit."""
        return FittingDistribution(*self._problems(log_probabilities))

    def drawn(self, fitting: FittingDistribution, samples: int, generator: torch.Generator) -> Tensor:
        """Draw independent transformations that fit, shape [samples, E]."""
        return flat(fitting.sample(samples, generator), self.costs.edge_batch)

    def greedy(self, log_probabilities: Tensor) -> Tensor:
        """Return the operations of the most probable transformation that fits, shape [E]."""
        operations, _ = most_probable_fitting(*self._problems(log_probabilities), 1)
        return flat(operations.transpose(0, 1), self.costs.edge_batch)[0]

    def _problems(self, log_probabilities: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, count = self.costs.edge_batch, len(self.limits)
        scores = padded(log_probabilities, batch, count, -torch.inf)
        return scores, padded(self.costs.edges, batch, count, 0.0), self.limits - self.costs.fixed


class Budgets:
    """Budgets for a fixed pool of architectures.

    Args:
        config: configuration of the budgets' cost and of their distribution.
        pool: n architectures.
        graphs: `graph.encode(pool)`, on the device of all computations.
        legal: whether the column's operation may replace the row's, [operations, operations].
        source: accuracy source; budgets are at least the cost of the cheapest output that it believes.
    """

    def __init__(
        self,
        config: TrainingConfig,
        pool: Sequence[Architecture],
        graphs: Data,
        legal: Tensor,
        source: AccuracySource | None = None,
    ) -> None:
        self._config, self._graphs, self._legal = config, graphs, legal
        self._costs = edge_costs(pool, config.target_space, config.budgets.cost).to(legal.device)
        self._own = self._costs.of(graphs.operation)
        self._cheapest, _ = reachable_range(self._costs, legal[graphs.operation])
        if isinstance(source, OperationsSource):
            self._cheapest = self._least_believable(source, pool)

    def _least_believable(self, source: OperationsSource, pool: Sequence[Architecture]) -> Tensor:
        possible = self._costs.edges.masked_fill(~self._legal[self._graphs.operation], torch.inf)
        table = padded(possible, self._costs.edge_batch, len(pool), torch.inf).cpu().numpy()
        least = self._costs.fixed + torch.from_numpy(source.least_believable(pool, table)).to(self._costs.fixed)
        return torch.minimum(torch.maximum(least, self._cheapest), torch.maximum(self._own, self._cheapest))

    def draw(self, chosen: Tensor, operations: Tensor, generator: torch.Generator) -> Budgeted:
        """Draw budgets for the architectures numbered `chosen` [k] with `operations` [E]."""
        kind, share = torch.rand((2, len(chosen)), generator=generator, dtype=torch.float64)
        low = self._config.budgets.smallest
        shares = torch.where(kind < self._config.budgets.whole, 1.0, low + (1 - low) * share)
        return self.of(chosen, operations, shares.to(self._own))

    def of(self, chosen: Tensor, operations: Tensor, shares: Tensor) -> Budgeted:
        """Return budgets of given `shares` [k] of the inputs' own costs, but at least the cheapest transformation's."""
        costs = self._costs.select(self._graphs, chosen)
        limits = torch.maximum(shares * self._own[chosen], self._cheapest[chosen])
        return Budgeted(costs, limits, budget_conditions(costs, operations, limits, self._legal[operations]))


def whole_budgets(config: TrainingConfig, pool: Sequence[Architecture], graphs: Data, legal: Tensor) -> Budgeted:
    """Every architecture of a pool with its own cost as its budget; see `Budgets`."""
    every = torch.arange(len(pool), device=legal.device)
    shares = torch.ones(len(pool), dtype=torch.float64, device=legal.device)
    return Budgets(config, pool, graphs, legal).of(every, graphs.operation, shares)

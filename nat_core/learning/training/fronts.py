"""Measures the fronts of a policy during training: the hypervolume of its most probable outputs."""

from collections.abc import Sequence

import numpy as np
import torch

from nat_core.architecture.cell import Architecture
from nat_core.learning.graphs.graph import encode, graph_count, select
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.budget_quality import SHARES, hypervolume
from nat_core.learning.training.budgets import Budgets
from nat_core.learning.training.config import TrainingConfig
from nat_core.learning.training.rewards import Objective, Rewards

# So few inputs that measuring takes a small part of a training's time.
MOST_INPUTS = 64


class Fronts:
    """The fronts of a pool's first architectures: one output within each of `SHARES` of their own costs.

    Args:
        config: configuration that names the budgets' cost.
        legal: whether the column's operation may replace the row's, [operations, operations].
        pool: architectures that are not trained on.
        objective: objective of the rewards.
        device: device of the policy.
    """

    def __init__(
        self,
        config: TrainingConfig,
        legal: torch.Tensor,
        pool: Sequence[Architecture],
        objective: Objective,
        device: torch.device | str,
    ) -> None:
        some = pool[:MOST_INPUTS]
        graphs = encode(some).to(device)
        count = graph_count(graphs)
        numbers = torch.arange(count, device=legal.device).repeat_interleave(len(SHARES))
        shares = torch.tensor(SHARES, dtype=torch.float64, device=legal.device).repeat(count)
        self._legal, self._numbers, self._count = legal, numbers, count
        self._graphs = select(graphs, numbers)
        budgets = Budgets(config, some, graphs, legal)
        self._budgeted = budgets.of(numbers, self._graphs.operation, shares)
        self._own = self._budgeted.costs.of(self._graphs.operation)
        self._rewards = Rewards(objective, some, graphs)

    @torch.inference_mode()
    def hypervolume(self, policy: Policy) -> float:
        """Mean over the inputs of the reward gained within each budget, in points; nothing counts below zero."""
        scores = policy.log_probabilities(self._graphs, self._legal, self._budgeted.conditions)
        outputs = self._budgeted.greedy(scores)
        before, after = self._rewards(self._numbers, torch.stack([self._graphs.operation, outputs]))
        shares = (self._budgeted.costs.of(outputs) / self._own).cpu().numpy().reshape(self._count, -1)
        gains = (after - before).cpu().numpy().reshape(self._count, -1)
        return float(np.mean(hypervolume(shares, gains, SHARES)))

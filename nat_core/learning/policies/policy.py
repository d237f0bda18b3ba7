"""The policy π(α|β; θ): for every edge of an architecture a distribution over the operations that may replace its own.

NAT (arXiv 1910.14488) section 3.4 and NAT++ (arXiv 2102.10301) section 3.3: a graph network over the cell's DAG and a
binary-masked softmax per edge. An edge's state is compared with every target's traits, so targets
that were never seen in training can be scored too.

A policy may be told a budget: then one set of weights serves all budgets, each with a distribution of its own.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.architecture.transitions import check_rule
from nat_core.learning.graphs.encoder import POLICY_NETWORKS, OperationEmbedding
from nat_core.learning.graphs.graph import encode, legal_mask
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.costs import CONDITIONS, EdgeCosts, budget_conditions, edge_costs
from nat_core.learning.policies.distribution import TransformationDistribution, masked_log_softmax


class Policy(nn.Module):
    """Scores every (edge, target operation) of a batch of architectures.

    Args:
        config: shape of the policy.
        rule: transition rule for which the policy is trained and which its distributions follow.

    Raises:
        ValueError: the rule is unknown.
    """

    def __init__(self, config: PolicyConfig | None = None, rule: str = "nat++") -> None:
        super().__init__()
        self.config = config = config or PolicyConfig()
        self.rule = check_rule(rule)
        build = POLICY_NETWORKS[config.network]
        conditions = CONDITIONS if config.budget else 0
        self.encoder = build(
            width=config.width, layers=config.layers, embedding=config.embedding, conditions=conditions
        )
        self.query = nn.Sequential(
            nn.Linear(self.encoder.edge_width, config.width), nn.ReLU(), nn.Linear(config.width, config.key)
        )
        self.targets = OperationEmbedding(config.key + 1, 64)

    @property
    def device(self) -> torch.device:
        return next(self.query.parameters()).device

    def logits(self, graphs: Data, conditions: Tensor | None = None) -> Tensor:
        """A batch of `graph.encode` with E edges → [E, operations] scores: query · key of the target + its bias.

        Args:
            conditions: result of `budget_conditions`, [n, CONDITIONS], for a policy that is told a budget.
        """
        query, keys = self.query(self.encoder(graphs, conditions).edges), self.targets()
        return query @ keys[:, :-1].T / self.config.key**0.5 + keys[:, -1]

    def log_probabilities(self, graphs: Data, legal: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return log-probabilities under a rule (see `legal_mask`), [E, operations]; -inf for forbidden operations."""
        return masked_log_softmax(self.logits(graphs, conditions), legal[graphs.operation])

    def conditions(self, graphs: Data, legal: Tensor, costs: EdgeCosts, limits: Tensor) -> Tensor | None:
        """Return the features of limits [n] on the whole networks' costs; None for a policy without budgets."""
        if not self.config.budget:
            return None
        return budget_conditions(costs, graphs.operation, limits, legal[graphs.operation])

    def distribution(
        self,
        architectures: Sequence[Architecture],
        space: Space,
        rule: str | None = None,
        budgets: Sequence[float] | None = None,
    ) -> TransformationDistribution:
        """Return the policy's distribution over transformations of `architectures`; targets are the operations of
        `space`.

        Args:
            rule: transition rule; None for the policy's own.
            budgets: budget of each architecture as a share of its own cost; None: 1 for all. A policy that is told no
                budget ignores them. They only condition the distribution, whose draws may exceed them (see `budget`).

        Raises:
            ValueError: there is no architecture, the rule is unknown, or the number of budgets differs.
        """
        graphs = encode(architectures).to(self.device)
        legal = legal_mask(space, self.rule if rule is None else rule).to(self.device)
        conditions = None
        if self.config.budget:
            costs = edge_costs(architectures, space, self.config.budget).to(self.device)
            shares = _shares(budgets, len(architectures)).to(self.device)
            conditions = self.conditions(graphs, legal, costs, shares * costs.of(graphs.operation))
        log_probabilities = self.log_probabilities(graphs, legal, conditions)
        return TransformationDistribution(tuple(architectures), log_probabilities, graphs.edge_batch)


def _shares(budgets: Sequence[float] | None, count: int) -> Tensor:
    if budgets is None:
        return torch.ones(count, dtype=torch.float64)
    if len(budgets) != count:
        raise ValueError(f"{len(budgets)} budgets for {count} architectures; each needs one")
    return torch.as_tensor(budgets, dtype=torch.float64)

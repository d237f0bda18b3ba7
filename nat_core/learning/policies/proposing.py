"""What a policy proposes for several architectures and budgets at once: the most probable transformations that fit."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.graphs.graph import encode, legal_mask, select
from nat_core.learning.policies.budget import Choices, most_probable_fitting, padded
from nat_core.learning.policies.costs import EdgeCosts, edge_costs
from nat_core.learning.policies.policy import Policy

# Graphs in one pass of the network.
_AT_ONCE = 512


@torch.inference_mode()
def proposals(
    policy: Policy,
    architectures: Sequence[Architecture],
    space: Space,
    limits: Sequence[Sequence[float]] | Tensor,
    count: int,
    costs: EdgeCosts | None = None,
    rule: str | None = None,
) -> list[list[Choices]]:
    """The `count` most probable distinct transformations of each architecture that fit each of its budgets.

    A policy that is told a budget is told each of them; of another, the distribution is the same for all.

    Args:
        policy: in evaluation mode.
        architectures: n inputs.
        space: whose operations may replace theirs.
        limits: [n, m] what a whole network may cost, in the unit of `costs`.
        count: how many; fewer where fewer fit, none where nothing does.
        costs: of the inputs; None: those that the policy's budgets limit, MACs if it is told none, on the network that
            the space is usually quoted on.
        rule: of transitions; None: the policy's own.

    Returns:
        for each architecture and each of its budgets operations [k, edges] (rows of the table of operations; see
        `transformed`) and their log-probabilities [k], most probable first. They are the policy's for this budget,
        not divided by the probability that a draw fits.

    Raises:
        ValueError: no architecture, other numbers of limits than of architectures, or costs that are not theirs.
    """
    costs = costs or edge_costs(architectures, space, policy.config.budget or "macs")
    limit = torch.as_tensor(limits, dtype=torch.float64).reshape(len(limits), -1)
    if len(limit) != len(architectures) or len(costs.fixed) != len(architectures):
        raise ValueError(
            f"limits of {len(limit)} and costs of {len(costs.fixed)} architectures for {len(architectures)}"
        )
    budgets, graphs = limit.shape[1], encode(architectures)
    legal = legal_mask(space, policy.rule if rule is None else rule)
    sizes = graphs.edge_ptr.diff().tolist()
    found: list[tuple[Tensor, Tensor]] = []
    for numbers in torch.arange(len(architectures)).split(max(1, _AT_ONCE // max(budgets, 1))):
        repeated = numbers.repeat_interleave(budgets)
        part, own = select(graphs, repeated), costs.select(graphs, repeated)
        limits_here = limit[numbers].flatten()
        scores = _log_probabilities(policy, part, legal, own, limits_here)
        scores = padded(scores, part.edge_batch, len(repeated), -torch.inf)
        edges = padded(own.edges, part.edge_batch, len(repeated), 0.0)
        found += [*zip(*most_probable_fitting(scores, edges, limits_here - own.fixed, count), strict=True)]
    return [
        [_choices(*item, size) for item in found[number * budgets : (number + 1) * budgets]]
        for number, size in enumerate(sizes)
    ]


def _log_probabilities(policy: Policy, graphs: Data, legal: Tensor, costs: EdgeCosts, limits: Tensor) -> Tensor:
    """[E, operations] on the processor, whatever the policy's device."""
    conditions = policy.conditions(graphs, legal, costs, limits)
    device = policy.device
    told = None if conditions is None else conditions.to(device)
    return policy.log_probabilities(graphs.to(device), legal.to(device), told).cpu()


def _choices(operations: Tensor, scores: Tensor, edges: int) -> Choices:
    kept = torch.isfinite(scores)
    return operations[kept, :edges].numpy(), scores[kept].numpy()

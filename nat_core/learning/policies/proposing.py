"""What a policy proposes for several architectures and budgets at once: the most probable transformations that fit."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.graphs.graph import encode, legal_mask, select
from nat_core.learning.policies.budget import Choices, most_probable_fitting, padded
from nat_core.learning.policies.costs import EdgeCosts, edge_costs
from nat_core.learning.policies.policy import Policy

# [its transformations] of each input whether they may be believed, given as rows of operations.
Believable = Callable[[Sequence[Architecture], Sequence[NDArray[np.int64]]], list[NDArray[np.bool_]]]
# Where too few proposals may be believed, this many times `count` are searched, in turn; and at least this many.
_WIDER = ((1, 1), (4, 40), (16, 160))
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
    believable: Believable | None = None,
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
        believable: leaves out what may not be believed, in whose place the next probable come; `OperationsSource`s
            have such a method. Where it rejects nearly everything, fewer may be returned than there are.

    Returns:
        for each architecture and each of its budgets operations [k, edges] (rows of the table of operations; see
        `transformed`) and their log-probabilities [k], most probable first. They are the policy's for this budget,
        not divided by the probability that a draw fits.

    Raises:
        ValueError: no architecture, other numbers of limits than of architectures, or costs that are not theirs.
    """
    if believable is not None:
        return _all_believed(policy, architectures, space, limits, count, costs, rule, believable)
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


def _all_believed(
    policy: Policy, architectures: Sequence[Architecture], space: Space, limits: Sequence[Sequence[float]] | Tensor,
    count: int, costs: EdgeCosts | None, rule: str | None, believable: Believable,
) -> list[list[Choices]]:  # fmt: skip
    """As `proposals`, looking further where too few may be believed."""
    costs = costs or edge_costs(architectures, space, policy.config.budget or "macs")
    limit = torch.as_tensor(limits, dtype=torch.float64).reshape(len(limits), -1)
    graphs, budgets = encode(architectures), limit.shape[1]
    found: list[Choices] = []
    short = torch.arange(limit.numel())  # problems, numbered input by input
    for factor, least in _WIDER:
        looked = max(factor * count, least)
        owners = short.div(max(budgets, 1), rounding_mode="floor")
        some = [architectures[owner] for owner in owners]
        own = costs.select(graphs, owners)
        drawn = [
            choices for (choices,) in proposals(policy, some, space, limit.flatten()[short, None], looked, own, rule)
        ]
        believed = _believed(drawn, some, believable)
        found = found or believed
        for number, choices in zip(short.tolist(), believed, strict=True):
            found[number] = (choices[0][:count], choices[1][:count])
        pairs = zip(drawn, believed, strict=True)
        is_short = [len(kept[1]) < count and len(every[1]) == looked for every, kept in pairs]
        short = short[torch.tensor(is_short, dtype=torch.bool)]
        if not len(short):
            break
    return [found[number * budgets : (number + 1) * budgets] for number in range(len(architectures))]


def _believed(found: Sequence[Choices], architectures: Sequence[Architecture], believable: Believable) -> list[Choices]:
    """Of the choices of each of `architectures` those that may be believed."""
    kept = believable(architectures, [operations for operations, _ in found])
    return [(rows[which], scores[which]) for (rows, scores), which in zip(found, kept, strict=True)]


def _log_probabilities(policy: Policy, graphs: Data, legal: Tensor, costs: EdgeCosts, limits: Tensor) -> Tensor:
    """[E, operations] on the processor, whatever the policy's device."""
    conditions = policy.conditions(graphs, legal, costs, limits)
    device = policy.device
    told = None if conditions is None else conditions.to(device)
    return policy.log_probabilities(graphs.to(device), legal.to(device), told).cpu()


def _choices(operations: Tensor, scores: Tensor, edges: int) -> Choices:
    kept = torch.isfinite(scores)
    return operations[kept, :edges].numpy(), scores[kept].numpy()

"""A policy's proposals for several architectures and budgets at once: the most probable transformations that fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

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
        space: space of the replacing operations.
        limits: [n, m] what a whole network may cost, in the unit of `costs`.
        count: how many; fewer where fewer fit, none where nothing does.
        costs: of the inputs; None: those that the policy's budgets limit, MACs if it is told none, on the network that
            the space is usually quoted on.
        rule: transition rule; None for the policy's own.
        believable: leaves out what may not be believed, in whose place the next probable come; `OperationsSource`s
            have such a method. Where it rejects nearly everything, fewer may be returned than there are.

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
    legal = legal_mask(space, policy.rule if rule is None else rule)
    problems = _Problems.of(policy, architectures, legal, costs, limit)
    every = torch.arange(limit.numel())
    if believable is None:
        found = problems.most_probable(every, count)
    else:
        found = _believed(problems, architectures, count, believable)
    return [found[begin : begin + limit.shape[1]] for begin in range(0, limit.numel(), limit.shape[1])]


@dataclass(frozen=True, eq=False)
class _Problems:
    """N pairs of an architecture and a budget, architecture by architecture.

    Attributes:
        owners: [N] numbers of the architectures.
        sizes: [N] how many edges each has; E is the largest number.
        scores: [N, E, operations] log-probabilities.
        costs: [N, E, operations] of the edges.
        limits: [N] for the edges together.
    """

    owners: Tensor
    sizes: Tensor
    scores: Tensor
    costs: Tensor
    limits: Tensor

    @classmethod
    def of(
        cls, policy: Policy, architectures: Sequence[Architecture], legal: Tensor, costs: EdgeCosts, limits: Tensor
    ) -> "_Problems":
        """The problems of n architectures with limits [n, m]."""
        graphs, owners = encode(architectures), torch.arange(len(limits)).repeat_interleave(limits.shape[1])
        parts = [
            _log_probabilities(policy, select(graphs, some), legal, costs.select(graphs, some), limit)
            for some, limit in zip(owners.split(_AT_ONCE), limits.flatten().split(_AT_ONCE), strict=True)
        ]
        own = costs.select(graphs, owners)
        scores = padded(torch.cat(parts), own.edge_batch, len(owners), -torch.inf)
        edges = padded(own.edges, own.edge_batch, len(owners), 0.0)
        return cls(owners, graphs.edge_ptr.diff()[owners], scores, edges, limits.flatten() - own.fixed)

    def most_probable(self, which: Tensor, count: int) -> list[Choices]:
        """For each of the problems `which` its `count` most probable choices that fit."""
        found = most_probable_fitting(self.scores[which], self.costs[which], self.limits[which], count)
        operations, scores = (part.numpy() for part in found)
        kept, sizes = np.isfinite(scores), self.sizes[which].tolist()
        return [(operations[n, kept[n], :size], scores[n, kept[n]]) for n, size in enumerate(sizes)]


def _believed(
    problems: _Problems, architectures: Sequence[Architecture], count: int, believable: Believable
) -> list[Choices]:
    """Return the most probable choices that may be believed, searching further where too few are found."""
    found: dict[int, Choices] = {}
    short = torch.arange(len(problems.owners))
    for factor, least in _WIDER:
        looked = max(factor * count, least)
        drawn = problems.most_probable(short, looked)
        kept = _which_believed(drawn, problems.owners[short].tolist(), architectures, believable)
        for number, (rows, scores), which in zip(short.tolist(), drawn, kept, strict=True):
            found[number] = (rows[which][:count], scores[which][:count])
        is_short = [which.sum() < count and len(which) == looked for which in kept]
        short = short[torch.tensor(is_short, dtype=torch.bool)]
        if not len(short):
            break
    return [found[number] for number in range(len(problems.owners))]


def _which_believed(
    drawn: Sequence[Choices], owners: Sequence[int], architectures: Sequence[Architecture], believable: Believable
) -> list[NDArray[np.bool_]]:
    """Which choices of each problem may be believed; `owners` rise, and an architecture is asked about once."""
    rows = {
        owner: np.concatenate([operations for _, (operations, _) in group])
        for owner, group in groupby(zip(owners, drawn, strict=True), key=lambda pair: pair[0])
    }
    kept = np.concatenate(believable([architectures[owner] for owner in rows], list(rows.values())))
    return np.split(kept, np.cumsum([len(scores) for _, scores in drawn])[:-1])


def _log_probabilities(policy: Policy, graphs: Data, legal: Tensor, costs: EdgeCosts, limits: Tensor) -> Tensor:
    """Return [E, operations] on the processor, whatever the policy's device."""
    conditions = policy.conditions(graphs, legal, costs, limits)
    device = policy.device
    told = None if conditions is None else conditions.to(device)
    return policy.log_probabilities(graphs.to(device), legal.to(device), told).cpu()

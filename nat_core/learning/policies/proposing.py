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
    """Return the `count` most probable distinct transformations of each architecture within each of its budgets.

    A policy that is told a budget is told each of them; of another, the distribution is the same for all.

    Args:
        policy: policy in evaluation mode.
        architectures: n inputs.
        space: space of the replacing operations.
        limits: maximum costs of whole networks in the unit of `costs`, [n, m].
        count: maximum number of transformations; fewer are returned if fewer fit.
        costs: costs of the inputs; None: the cost that the policy's budgets limit, else MACs, on the network on which
            the space is usually quoted.
        rule: transition rule; None for the policy's own.
        believable: tells which transformations may be believed, as `OperationsSource.believable_operations` does; the
            next probable ones replace the others, unless nearly all are rejected.

    Returns:
        For each architecture and each of its budgets, operations [k, edges] (rows of the table of operations; see
        `transformed`) and their log-probabilities [k], most probable first. These are the policy's for this budget,
        not divided by the probability that a draw fits.

    Raises:
        ValueError: there is no architecture, or the numbers of limits or costs do not match the architectures.
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
        owners: number of each problem's architecture, [N].
        sizes: number of edges of each architecture, [N]; E is the largest.
        scores: log-probabilities, [N, E, operations].
        costs: costs of operations on edges, [N, E, operations].
        limits: maximum total costs of the edges, [N].
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
        """Return the `count` most probable choices that fit, for each of the problems `which`."""
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
    """Return which choices of each problem may be believed; `owners` rise; each architecture is asked about once."""
    rows = {
        owner: np.concatenate([operations for _, (operations, _) in group])
        for owner, group in groupby(zip(owners, drawn, strict=True), key=lambda pair: pair[0])
    }
    kept = np.concatenate(believable([architectures[owner] for owner in rows], list(rows.values())))
    return np.split(kept, np.cumsum([len(scores) for _, scores in drawn])[:-1])


def _log_probabilities(policy: Policy, graphs: Data, legal: Tensor, costs: EdgeCosts, limits: Tensor) -> Tensor:
    """Return log-probabilities [E, operations] on the CPU, whatever the policy's device."""
    conditions = policy.conditions(graphs, legal, costs, limits)
    device = policy.device
    told = None if conditions is None else conditions.to(device)
    return policy.log_probabilities(graphs.to(device), legal.to(device), told).cpu()

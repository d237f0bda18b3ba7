"""What a policy proposes within budgets: for every architecture and limit its most probable outputs that fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import Space
from nat_core.learning.policies.budget import Choices, most_probable_within
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NETWORKS, NetworkConfig
from nat_core.network.costs import cost_model

COSTS = ("macs", "parameters")


@dataclass(frozen=True)
class Proposals:
    """What is proposed for one architecture.

    Attributes:
        log_probabilities: [E, operations] the policy's; -inf where its rule forbids.
        staying: log-probability of the architecture itself.
        within: for every limit operations [k, E] and their log-probabilities [k], most probable first; k is 0 only
            where nothing legal fits.
    """

    log_probabilities: NDArray[np.float64]
    staying: float
    within: tuple[Choices, ...]


def proposals(
    policy: Policy,
    architectures: Sequence[Architecture],
    space: Space,
    limits: Sequence[Sequence[float]],
    count: int,
    cost: str = "macs",
    network: NetworkConfig | None = None,
) -> list[Proposals]:
    """The `count` most probable distinct outputs within each limit, for every architecture.

    Args:
        policy: that proposes.
        architectures: the inputs.
        space: whose operations may be introduced.
        limits: [n][k] of every architecture, the most that a whole network may cost.
        count: outputs within each limit; fewer where fewer are legal.
        cost: what is limited, one of `COSTS`.
        network: where it is counted; None: the one that the space is usually quoted on.

    Raises:
        ValueError: unknown cost, or the network does not fit an architecture.
    """
    model, place = cost_model(network or NETWORKS[space.network]), COSTS.index(check_cost(cost))
    with torch.inference_mode():
        distribution = policy.distribution(architectures, space)
    found = []
    for number, (architecture, bounds) in enumerate(zip(architectures, limits, strict=True)):
        rows = distribution.rows(number).double().cpu().numpy()
        edges, table = np.arange(len(rows)), model.edge_table(architecture)[place]
        fixed = int(getattr(model.fixed_cost(architecture), cost))
        own = [INDEX[name] for name in architecture.operations]
        within = tuple(most_probable_within(rows, table, int(limit) - fixed, count) for limit in bounds)
        found.append(Proposals(rows, float(rows[edges, own].sum()), within))
    return found


def check_cost(cost: str) -> str:
    """`cost`, one of `COSTS`. Raises ValueError for another."""
    if cost not in COSTS:
        raise ValueError(f"cost is {cost!r:.60}; accepted: {', '.join(COSTS)}")
    return cost

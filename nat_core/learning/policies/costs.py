"""Costs of architectures by edge, and the features that tell a policy its budget.

A cost is a part that no operation changes plus one number per edge and operation: MACs and parameters are so exactly,
latencies nearly (see `latency`). A budget limits the whole cost; it is often given as a share of the input's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import Space
from nat_core.learning.graphs.graph import edge_rows
from nat_core.learning.nasbench201.latency import latency_table
from nat_core.learning.nasbench201.table import DEVICES
from nat_core.learning.policies.distribution import sum_per_graph
from nat_core.network.config import NETWORKS, NetworkConfig
from nat_core.network.costs import cost_model

COSTS = ("macs", "parameters", *DEVICES)
# Bumps along the scale of budgets: a network of few layers tells budgets apart by them more easily than by one number.
_BUMPS = 19
# Numbers that `budget_conditions` makes of a budget.
CONDITIONS = 4 + _BUMPS
_LARGEST_SHARE = 4.0
_SMALLEST_SHARE = 1e-3


@dataclass(frozen=True)
class EdgeCosts:
    """Costs of n architectures with E edges in all; float64, which holds whole numbers up to 2^53 exactly.

    Attributes:
        fixed: costs of everything but the edges, [n].
        edges: cost of each operation on each edge, [E, operations].
        edge_batch: number of the architecture to which each edge belongs, [E].
        heaviest: total cost of the edges with the space's most expensive operation on each, [n].
    """

    fixed: Tensor
    edges: Tensor
    edge_batch: Tensor
    heaviest: Tensor

    def of(self, operations: Tensor) -> Tensor:
        """Return the costs of whole networks with `operations` [E], shape [n]."""
        return self.fixed + self.per_graph(self.edges.gather(1, operations[:, None])[:, 0])

    def per_graph(self, values: Tensor) -> Tensor:
        """Sum values of edges [E] over each architecture, shape [n]."""
        return sum_per_graph(values, self.edge_batch, len(self.fixed))

    def to(self, device: torch.device | str) -> "EdgeCosts":
        return EdgeCosts(*(item.to(device) for item in (self.fixed, self.edges, self.edge_batch, self.heaviest)))

    def select(self, graphs: Data, chosen: Tensor) -> "EdgeCosts":
        """Return the costs of the architectures numbered `chosen` (repeats allowed); `graphs` encodes all n."""
        rows, numbers = edge_rows(graphs, chosen)
        return EdgeCosts(self.fixed[chosen], self.edges[rows], numbers, self.heaviest[chosen])


def edge_costs(
    architectures: Sequence[Architecture], space: Space, cost: str = "macs", network: NetworkConfig | None = None
) -> EdgeCosts:
    """Return the costs of architectures.

    Args:
        space: space of the replacing operations.
        cost: "macs", "parameters", or a device whose latencies NAS-Bench-201 has.
        network: network in which MACs or parameters are counted; None: the one on which the space is usually quoted.

    Raises:
        ValueError: the cost is unknown, or is a latency and an architecture is not in NAS-Bench-201's table.
    """
    if cost in DEVICES:
        fixed, tables = latency_table(architectures, cost)
    else:
        fixed, tables = _counted(architectures, cost, network or NETWORKS[space.network])
    columns = [INDEX[name] for name in space.operations]
    batch = np.repeat(np.arange(len(tables)), [len(item) for item in tables])
    edges = torch.from_numpy(np.concatenate(tables)).double()
    edge_batch, count = torch.from_numpy(batch), len(tables)
    heaviest = sum_per_graph(edges[:, columns].amax(dim=1), edge_batch, count)
    return EdgeCosts(torch.tensor(fixed, dtype=torch.float64), edges, edge_batch, heaviest)


def _counted(
    architectures: Sequence[Architecture], cost: str, network: NetworkConfig
) -> tuple[list[float], list[np.ndarray]]:
    check_cost(cost)
    model, place = cost_model(network), ("macs", "parameters").index(cost)
    fixed = [float(getattr(model.fixed_cost(item), cost)) for item in architectures]
    return fixed, [model.edge_table(item)[place] for item in architectures]


def check_cost(cost: str) -> str:
    """Return `cost`. Raises ValueError if it is not one of `COSTS`."""
    if cost not in COSTS:
        raise ValueError(f"cost is {cost!r:.60}; accepted: {', '.join(COSTS)}")
    return cost


def reachable_range(costs: EdgeCosts, legal: Tensor) -> tuple[Tensor, Tensor]:
    """Return costs of the cheapest and dearest legal transformations, shape [n] each; `legal` is [E, operations]."""
    low = costs.edges.masked_fill(~legal, torch.inf).amin(dim=1)
    high = costs.edges.masked_fill(~legal, -torch.inf).amax(dim=1)
    return costs.fixed + costs.per_graph(low), costs.fixed + costs.per_graph(high)


def budget_conditions(costs: EdgeCosts, operations: Tensor, limits: Tensor, legal: Tensor) -> Tensor:
    """Return the features that tell a policy its budgets: [n, CONDITIONS] float32.

    The budget ÷ the input's cost, and its logarithm; where it lies between the cheapest and the dearest that legal
    transitions reach, from 0 to 1; what it leaves for the edges ÷ the heaviest cell's edges, as a number and as
    Gaussian bumps. A budget beyond the dearest counts like the dearest, since it allows nothing more.

    Args:
        costs: costs of the inputs.
        operations: the inputs' operations, [E].
        limits: maximum costs of whole networks, [n].
        legal: whether each operation may replace the edge's own, [E, operations].
    """
    cheapest, dearest = reachable_range(costs, legal)
    limits = torch.minimum(limits, dearest)
    share = (limits / costs.of(operations)).clamp(_SMALLEST_SHARE, _LARGEST_SHARE)
    place = ((limits - cheapest) / (dearest - cheapest).clamp(min=1e-12)).clamp(0, 1)
    left = ((limits - costs.fixed) / costs.heaviest).clamp(0, 1)
    centres = torch.linspace(0, 1, _BUMPS, dtype=left.dtype, device=left.device)
    bumps = torch.exp(-(((left[:, None] - centres) * (_BUMPS - 1)) ** 2))
    return torch.cat([torch.stack([share, share.log(), place, left], dim=1), bumps], dim=1).float()

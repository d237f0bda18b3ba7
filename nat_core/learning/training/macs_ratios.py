"""Ratios of MACs: outputs ÷ inputs, for a fixed pool of architectures.

Costs of every operation on every edge are gathered once, so that a measurement is one lookup per edge.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.graphs.graph import graph_count
from nat_core.learning.policies.distribution import sum_per_graph
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model


class MacsRatios:
    """Ratios for the architectures of a pool, on the network on which `space` is usually quoted.

    Args:
        space: space of the pool.
        pool: n architectures with E edges in all.
        graphs: `graph.encode(pool)`, on the device of all computations.
    """

    def __init__(self, space: Space, pool: Sequence[Architecture], graphs: Data) -> None:
        model, device = cost_model(NETWORKS[space.network]), graphs.operation.device
        self._batch, self._count = graphs.edge_batch, graph_count(graphs)
        # Float64 holds whole numbers up to 2^53 exactly, far beyond the MACs of any network here.
        self._edges = torch.from_numpy(np.concatenate([model.edge_table(item)[0] for item in pool])).double().to(device)
        fixed = [float(model.fixed_cost(item).macs) for item in pool]
        self._fixed = torch.tensor(fixed, dtype=torch.float64, device=device)
        self._before = self._macs(graphs.operation)

    def __call__(self, operations: Tensor) -> Tensor:
        """Return the pool's ratios with `operations` [E], float64 [n]; every non-null edge counts."""
        return self._macs(operations) / self._before

    def _macs(self, operations: Tensor) -> Tensor:
        chosen = self._edges.gather(1, operations[:, None])[:, 0]
        return self._fixed + sum_per_graph(chosen, self._batch, self._count)

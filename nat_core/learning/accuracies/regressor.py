"""The network of a reward model: an architecture's graph → one number.

Operations are seen by their traits only, as the policy sees them, so that any cell is accepted.
"""

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from nat_core.learning.graphs.encoder import GatedLayer, OperationEmbedding
from nat_core.learning.graphs.graph import EDGE_FEATURES, NODE_FEATURES, graph_count


class GraphRegressor(nn.Module):
    """One number per architecture, read from its output nodes and the mean of all its nodes."""

    def __init__(self, width: int, layers: int, embedding: int) -> None:
        super().__init__()
        self.embedding = OperationEmbedding(embedding, 64)
        self.node_input = nn.Linear(NODE_FEATURES, width)
        own = embedding + EDGE_FEATURES
        self.link = nn.Parameter(torch.randn(own) / own**0.5)
        self.layers = nn.ModuleList(GatedLayer(width, own) for _ in range(layers))
        self.readout = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, graphs: Data, kinds: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """A batch of `graph.encode` with n graphs → [n]; with its `edge_kinds`, what edges of a kind share is computed
        once, which pays where no gradient is needed."""
        operation, features, links = graphs.operation, graphs.edge_attr, graphs.link_index.shape[1]
        which = None
        if kinds is not None:
            first, own_kinds = kinds
            operation, features = operation[first], features[first]
            which, links = torch.cat([own_kinds, own_kinds.new_full((links,), len(first))]), 1
        edges = torch.cat([self.embedding()[operation], features], dim=1)
        edges = torch.cat([edges, self.link.expand(links, -1)])
        edge_index = torch.cat([graphs.edge_index, graphs.link_index], dim=1)
        nodes = self.node_input(graphs.x)
        for layer in self.layers:
            nodes = nodes + layer(nodes, edges, edge_index, which)
        last = nodes[graphs.node_ptr[1:] - 1]  # the output node of the last cell
        everywhere = scatter(nodes, graphs.batch, dim_size=graph_count(graphs), reduce="mean")
        return self.readout(torch.cat([last, everywhere], dim=1)).squeeze(1)

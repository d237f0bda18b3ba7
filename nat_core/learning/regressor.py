"""The network of a reward model: an architecture's graph → one number.

Operations are seen by their traits only, as the policy sees them, so that any cell is accepted.
"""

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from nat_core.learning.encoder import OperationEmbedding
from nat_core.learning.graph import EDGE_FEATURES, NODE_FEATURES, graph_count


class GatedLayer(nn.Module):
    """One round of messages both ways along edges; an edge's operation scales and shifts what passes.

    Scaling lets null pass nothing and skip everything, which sums of node and operation would have to learn.
    """

    def __init__(self, width: int, edge_width: int) -> None:
        super().__init__()
        self.from_nodes = nn.Linear(width, 3 * width)  # to itself, forward, backward
        self.gates = nn.Linear(edge_width, 4 * width)  # forward scale and shift, backward scale and shift
        self.norm = nn.LayerNorm(width)

    def forward(self, nodes: Tensor, edges: Tensor, edge_index: Tensor) -> Tensor:
        """nodes [N, width], edges [E, edge_width], edge_index [2, E] → nodes anew."""
        source, target = edge_index
        itself, ahead, back = self.from_nodes(nodes).chunk(3, dim=1)
        scale_ahead, shift_ahead, scale_back, shift_back = self.gates(edges).chunk(4, dim=1)
        forwards = torch.relu(ahead.index_select(0, source) * scale_ahead + shift_ahead)
        backwards = torch.relu(back.index_select(0, target) * scale_back + shift_back)
        heard = itself.index_add(0, target, forwards).index_add(0, source, backwards)
        return nodes + torch.relu(self.norm(heard))


class GraphRegressor(nn.Module):
    """One number per architecture, read from its output nodes and the mean of all its nodes."""

    def __init__(self, width: int, layers: int, embedding: int) -> None:
        super().__init__()
        self.embedding = OperationEmbedding(embedding, 64)
        self.node_input = nn.Linear(NODE_FEATURES, width)
        self.link = nn.Parameter(torch.zeros(embedding + EDGE_FEATURES))
        self.layers = nn.ModuleList(GatedLayer(width, embedding + EDGE_FEATURES) for _ in range(layers))
        self.readout = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, graphs: Data) -> Tensor:
        """A batch of `graph.encode` with n graphs → [n]."""
        own = torch.cat([self.embedding()[graphs.operation], graphs.edge_attr], dim=1)
        edges = torch.cat([own, self.link.expand(graphs.link_index.shape[1], -1)])
        edge_index = torch.cat([graphs.edge_index, graphs.link_index], dim=1)
        nodes = self.node_input(graphs.x)
        for layer in self.layers:
            nodes = layer(nodes, edges, edge_index)
        last = nodes[graphs.node_ptr[1:] - 1]  # the output node of the last cell
        everywhere = scatter(nodes, graphs.batch, dim_size=graph_count(graphs), reduce="mean")
        return self.readout(torch.cat([last, everywhere], dim=1)).squeeze(1)

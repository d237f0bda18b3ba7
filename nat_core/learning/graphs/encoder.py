"""Networks that turn a batch of architectures into states of nodes and edges.

`EdgeNetwork` is ours: messages flow both ways along edges, and an edge's operation decides what passes.
`AuthorsNetwork` has the form of the papers' code (NAT, arXiv 1910.14488): two graph convolutions in one
direction, whose result at an edge's target is all that the edge's decision sees. Both read operations
by their traits only, so they accept operations that they never met.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from nat_core.learning.graphs.graph import EDGE_FEATURES, NODE_FEATURES, TRAIT_FEATURES, operation_traits


@dataclass(frozen=True)
class EncodedGraphs:
    """States of N nodes [N, node_width] and of E edges [E, edge_width]."""

    nodes: Tensor
    edges: Tensor


class OperationEmbedding(nn.Module):
    """Embeds the traits of all operations as vectors [operations, width]."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("traits", operation_traits(), persistent=False)
        self.layers = nn.Sequential(nn.Linear(TRAIT_FEATURES, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self) -> Tensor:
        return self.layers(self.traits)


class GatedLayer(nn.Module):
    """One round of messages: every node hears forward, backward and itself, with separate weights.

    An edge's operation scales and shifts what passes, so that null can pass nothing and skip everything; a sum of
    node and operation would have to learn that. The form is FiLM's (arXiv 1709.07871).
    """

    def __init__(self, width: int, edge_width: int) -> None:
        super().__init__()
        self.from_nodes = nn.Linear(width, 3 * width)  # to itself, forward, backward
        self.from_edges = nn.Linear(edge_width, 4 * width)  # forward scale and shift, backward scale and shift
        self.norm = nn.LayerNorm(width)

    def forward(self, nodes: Tensor, edges: Tensor, edge_index: Tensor, kinds: Tensor | None = None) -> Tensor:
        """nodes [N, width], edges [E, edge_width], edge_index [2, E] → nodes anew.

        With `kinds` [E], `edges` holds one row for each kind of edge.
        """
        itself, ahead, back = self.from_nodes(nodes).chunk(3, dim=1)
        gates = self.from_edges(edges)
        gates = gates if kinds is None else gates.index_select(0, kinds)
        scale_ahead, shift_ahead, scale_back, shift_back = gates.chunk(4, dim=1)
        source, target = edge_index
        heard = _heard(ahead, scale_ahead, shift_ahead, source, target)
        heard = heard + _heard(back, scale_back, shift_back, target, source)
        return torch.relu(self.norm(itself + heard))


def _heard(nodes: Tensor, scale: Tensor, shift: Tensor, begins: Tensor, ends: Tensor) -> Tensor:
    """Return what nodes [N, width] hear, the sum over edges [E] of ReLU(begin's state · scale + shift) at their ends.

    torch-geometric's `MessagePassing` computes the same; its generated code takes longer than these small sums.
    """
    messages = torch.relu(nodes.index_select(0, begins) * scale + shift)
    return scatter(messages, ends, dim_size=len(nodes), reduce="sum")


class EdgeNetwork(nn.Module):
    """Our encoder. An edge's state is [source's state, target's state, its operation's embedding, its position].

    Where the network is told `conditions` numbers about each architecture, all its edges have them beside the position.
    """

    def __init__(self, width: int = 64, layers: int = 3, embedding: int = 32, conditions: int = 0) -> None:
        super().__init__()
        own = embedding + EDGE_FEATURES + conditions
        self.embedding = OperationEmbedding(embedding, 64)
        self.node_input = nn.Linear(NODE_FEATURES, width)
        self.link = nn.Parameter(torch.randn(own) / own**0.5)
        self.layers = nn.ModuleList(GatedLayer(width, own) for _ in range(layers))
        self.node_width = width
        self.edge_width = 2 * width + own

    def forward(self, graphs: Data, conditions: Tensor | None = None) -> EncodedGraphs:
        """A batch of `graph.encode`, perhaps [n, conditions] → states of its nodes and decision edges."""
        own = torch.cat([self.embedding()[graphs.operation], _edge_features(graphs, conditions)], dim=1)
        edges = torch.cat([own, self.link.expand(graphs.link_index.shape[1], -1)])
        edge_index = torch.cat([graphs.edge_index, graphs.link_index], dim=1)
        nodes = self.node_input(graphs.x)
        for layer in self.layers:
            nodes = layer(nodes, edges, edge_index)
        source, target = graphs.edge_index
        ends = [nodes.index_select(0, source), nodes.index_select(0, target)]
        return EncodedGraphs(nodes, torch.cat([*ends, own], dim=1))


class AuthorsNetwork(nn.Module):
    """The form of the papers' code: operations' embeddings (100) → node features (1024) → two convolutions (100).

    A node's features come from the operations of its incoming edges; states flow from sources to targets,
    without self-loops or normalisation; an edge's state is its target's, with the edge's position where the
    original has one output per slot. Deviations: the original joins exactly two operations per node, here
    any number is averaged; embeddings come from traits; `conditions` count among the features of edges.
    """

    def __init__(
        self,
        width: int = 100,
        layers: int = 2,
        embedding: int = 100,
        node_features: int = 1024,
        conditions: int = 0,
    ) -> None:
        from torch_geometric.nn import GCNConv  # deferred: no other network needs torch-geometric's layers

        super().__init__()
        self.embedding = OperationEmbedding(embedding, 64)
        self.features = nn.Linear(embedding + NODE_FEATURES + conditions, node_features)
        widths = [node_features, *[width] * layers]
        self.layers = nn.ModuleList(
            GCNConv(before, after, normalize=False, add_self_loops=False) for before, after in pairwise(widths)
        )
        self.node_width = width
        self.edge_width = width + EDGE_FEATURES + conditions

    def forward(self, graphs: Data, conditions: Tensor | None = None) -> EncodedGraphs:
        """A batch of `graph.encode`, perhaps [n, conditions] → states of its nodes and decision edges."""
        _, target = graphs.edge_index
        entering = scatter(self.embedding()[graphs.operation], target, dim_size=len(graphs.x), reduce="mean")
        told = [] if conditions is None else [conditions[graphs.batch]]
        nodes = self.features(torch.cat([entering, graphs.x, *told], dim=1))
        for number, layer in enumerate(self.layers):
            nodes = layer(torch.relu(nodes) if number else nodes, graphs.edge_index)
        return EncodedGraphs(nodes, torch.cat([nodes[target], _edge_features(graphs, conditions)], dim=1))


def _edge_features(graphs: Data, conditions: Tensor | None) -> Tensor:
    """Return the features of decision edges without their operations, shape [E, features]."""
    if conditions is None:
        return graphs.edge_attr
    return torch.cat([graphs.edge_attr, conditions[graphs.edge_batch]], dim=1)


POLICY_NETWORKS: MappingProxyType[str, Callable[..., EdgeNetwork | AuthorsNetwork]] = MappingProxyType(
    {"edge": EdgeNetwork, "gcn": AuthorsNetwork}
)

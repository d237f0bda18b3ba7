"""Networks on graphs: short cuts that compute the same."""

import random

import torch
from torch import nn

from nat_core.architecture.spaces import SPACES
from nat_core.learning.graphs.encoder import EdgeInputs, OperationEmbedding
from nat_core.learning.graphs.graph import EDGE_FEATURES, encode


def test_edges_mapped_by_kind_are_the_mapped_edges_and_so_are_gradients():
    torch.manual_seed(0)
    rng = random.Random(0)
    graphs = encode([space.sample(rng) for space in SPACES.values() for _ in range(3)])
    embedding, layer = OperationEmbedding(8, 16), nn.Linear(8 + EDGE_FEATURES, 12)
    link = nn.Parameter(torch.randn(8 + EDGE_FEATURES))
    mapped = EdgeInputs.of(graphs, embedding(), graphs.edge_attr, link).mapped(layer)
    edges = torch.cat([embedding()[graphs.operation], graphs.edge_attr], dim=1)
    plain = layer(torch.cat([edges, link.expand(graphs.link_index.shape[1], -1)]))
    torch.testing.assert_close(mapped, plain)
    weights, parameters = torch.randn(plain.shape), [*embedding.parameters(), *layer.parameters(), link]
    for one, other in zip(
        *(torch.autograd.grad((out * weights).sum(), parameters) for out in (mapped, plain)), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)

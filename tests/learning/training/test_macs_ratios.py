"""Ratios of MACs: they equal what the cost model says of whole architectures."""

import random

import pytest
import torch

from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import SPACES
from nat_core.learning.graphs.graph import encode
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.training.macs_ratios import MacsRatios
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model


@pytest.mark.parametrize("name", SPACES)
def test_they_equal_whole_costs(name):
    space, rng = SPACES[name], random.Random(3)
    pool = [space.sample(rng) for _ in range(12)]
    graphs, costs = encode(pool), cost_model(NETWORKS[space.network])
    allowed = [INDEX[operation] for operation in space.operations]
    drawn = torch.tensor([rng.choice(allowed) for _ in graphs.operation])
    outputs = [
        transformed(item, drawn[start:end].tolist())
        for item, start, end in zip(pool, graphs.edge_ptr[:-1], graphs.edge_ptr[1:], strict=True)
    ]
    expected = [costs.cost(after).macs / costs.cost(before).macs for before, after in zip(pool, outputs, strict=True)]
    assert MacsRatios(space, pool, graphs)(drawn).tolist() == pytest.approx(expected, rel=1e-12)
    assert len(set(expected)) > 6


def test_what_stays_costs_the_same():
    space = SPACES["nasbench201"]
    pool = [space.sample(random.Random(seed)) for seed in range(5)]
    graphs = encode(pool)
    assert MacsRatios(space, pool, graphs)(graphs.operation).tolist() == [1.0] * 5

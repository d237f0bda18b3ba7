"""Policies on every space, both networks, both rules: legality, batching, symmetry, unseen operations."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import INDEX, NAMES
from nat_core.architecture.spaces import SPACES
from nat_core.architecture.transitions import is_legal
from nat_core.learning.graphs.encoder import POLICY_NETWORKS
from nat_core.learning.graphs.graph import encode
from nat_core.learning.policies.config import POLICY_CONFIGS, PolicyConfig
from nat_core.learning.policies.policy import Policy
from tests.support.strategies import architectures

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module", params=POLICY_CONFIGS)
def policy(request) -> Policy:
    torch.manual_seed(1)
    return Policy(POLICY_CONFIGS[request.param]).eval()


@pytest.mark.parametrize("rule", ["nat", "nat++"])
@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
@given(items=st.lists(architectures(), min_size=1, max_size=3), seed=st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_no_transformation_leaves_the_rule(policy, space, rule, items, seed):
    with torch.inference_mode():
        distribution = policy.distribution(items, space, rule)
    drawn = distribution.sample(20, torch.Generator().manual_seed(seed))
    before = [name for item in items for name in item.operations]
    for operations in [*drawn, distribution.greedy()]:
        for old, new in zip(before, operations.tolist(), strict=True):
            assert is_legal(old, NAMES[new], rule)
            assert NAMES[new] == old or NAMES[new] in space.operations
    illegal = torch.tensor([[not _allowed(space, old, new, rule) for new in NAMES] for old in before])
    assert (distribution.probabilities[illegal] == 0).all()
    assert torch.allclose(distribution.probabilities.sum(1), torch.ones(len(before)), atol=1e-5)


def _allowed(space, old, new, rule):
    return new in space.targets(old, rule)


@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
def test_a_batch_equals_one_by_one(policy, space):
    rng = random.Random(2)
    items = [space.sample(rng) for _ in range(6)]
    with torch.inference_mode():
        together = policy.distribution(items, space)
        for number, item in enumerate(items):
            alone = policy.distribution([item], space).probabilities
            assert torch.allclose(together.rows(number).exp(), alone, atol=1e-5)


def test_renaming_nodes_renames_the_distribution(policy):
    """Nodes 2 and 3 are alike but for their number; exchanging them must exchange their edges' distributions."""
    edges = (Edge("conv_3x3", 0, 2), Edge("sep_conv_5x5", 1, 3), Edge("skip_connect", 2, 4), Edge("null", 3, 4))
    renamed = (Edge("sep_conv_5x5", 1, 2), Edge("conv_3x3", 0, 3), Edge("null", 2, 4), Edge("skip_connect", 3, 4))
    cell, other = (Cell(2, 5, item, (2, 3, 4)) for item in (edges, renamed))
    with torch.inference_mode():
        first = policy.distribution([Architecture(cell, cell)], SPACES["fully_concat"]).probabilities[:4]
        second = policy.distribution([Architecture(other, other)], SPACES["fully_concat"]).probabilities[:4]
    assert torch.allclose(first, second[[1, 0, 3, 2]], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_operations_outside_the_space_are_accepted(policy, name):
    cell = Cell(2, 3, (Edge(name, 0, 2), Edge(name, 0, 2), Edge("conv_7x7", 1, 2)), (2,))
    distribution = policy.distribution([Architecture(cell, cell)], SPACES["fully_concat"])
    assert torch.isfinite(distribution.probabilities).all()


def test_our_network_sees_every_operation():
    """Every edge's distribution depends on every other edge's operation, in both cells; the authors' form does not."""
    torch.manual_seed(0)
    policy = Policy(PolicyConfig()).eval()
    rng = random.Random(4)
    space = SPACES["nasbench201"]
    item = space.sample(rng)
    for edge in range(6):
        changed = [*item.operations]
        changed[edge] = "conv_3x3" if changed[edge] != "conv_3x3" else "null"
        with torch.inference_mode():
            before, after = policy.logits(encode([item])), policy.logits(encode([item.with_operations(changed)]))
        assert ((before - after).abs().amax(dim=1) > 1e-6).all()


@pytest.mark.parametrize("device", DEVICES)
def test_devices_agree(policy, device):
    item = SPACES["loose_end"].sample(random.Random(0))
    reference = policy.distribution([item], SPACES["loose_end"]).probabilities
    moved = policy.to(device).distribution([item], SPACES["loose_end"]).probabilities.cpu()
    policy.to("cpu")
    assert torch.allclose(reference, moved, atol=1e-4)


def test_networks_are_named():
    assert set(POLICY_CONFIGS) == set(POLICY_NETWORKS)
    assert all(config.network == name for name, config in POLICY_CONFIGS.items())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"network": "mlp"}, "network is 'mlp'; accepted: edge, gcn"),
        ({"width": 0}, "width is 0; accepted: whole numbers from 1 to 1,024"),
        ({"layers": 17}, "layers is 17; accepted: whole numbers from 1 to 16"),
        ({"key": 2.5}, "key is 2.5"),
    ],
)
def test_bad_configurations_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        PolicyConfig(**fields)


def test_order_of_operations_is_the_tables():
    item = SPACES["nasbench201"].sample(random.Random(1))
    graph = encode([item])
    assert [NAMES[number] for number in graph.operation] == list(item.operations)
    assert INDEX[NAMES[3]] == 3

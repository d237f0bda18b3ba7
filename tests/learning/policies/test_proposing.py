"""What is proposed for several architectures and budgets equals what is proposed for each alone, and fits."""

import random

import pytest
import torch

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from nat_core.learning.graphs.graph import encode
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies.budget import most_probable_within
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.costs import COSTS, edge_costs
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.policies.policy import Policy
from nat_core.learning.policies.proposing import proposals
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SHARES = (1.0, 0.7, 0.5)


def sampled(space, count=4):
    rng = random.Random(5)
    return [space.sample(rng) for _ in range(count)]


def limits_of(items, space, cost):
    own = edge_costs(items, space, cost).of(encode(items).operation)
    return own[:, None] * torch.tensor(SHARES)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("budget", ["", "macs", "parameters"])
@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
def test_proposals_are_the_most_probable_within_each_budget(space, budget, device):
    torch.manual_seed(0)
    policy, items = Policy(PolicyConfig(budget=budget)).eval().to(device), sampled(space)
    cost = budget or "macs"
    costs, limits = edge_costs(items, space, cost), limits_of(items, space, cost)
    found = proposals(policy, items, space, limits, 5)
    count_cost = cost_model(NETWORKS[space.network]).cost
    for number, item in enumerate(items):
        rows = (costs.edge_batch == number).nonzero()[:, 0]
        for place, share in enumerate(SHARES):
            with torch.inference_mode():
                alone = policy.distribution([item], space, budgets=[share]).rows().double().cpu()
            limit = limits[number, place].item()
            expected = most_probable_within(
                alone.numpy(), costs.edges[rows].numpy(), limit - costs.fixed[number].item(), 5
            )
            operations, scores = found[number][place]
            assert scores == pytest.approx(expected[1], abs=1e-3)
            for choice in operations:
                assert getattr(count_cost(transformed(item, choice)), cost) <= limit + 1e-6


def test_a_budget_changes_what_a_policy_does_only_if_it_is_told_one():
    space = SPACES["fully_concat"]
    items = sampled(space, 2)
    for budget, is_told in (("", False), ("macs", True)):
        torch.manual_seed(0)
        policy = Policy(PolicyConfig(budget=budget)).eval()
        whole, half = (policy.distribution(items, space, budgets=[share] * 2).probabilities for share in (1, 0.5))
        assert torch.equal(policy.distribution(items, space).probabilities, whole)
        assert torch.allclose(whole, half, atol=1e-7) != is_told


@pytest.mark.parametrize("cost", COSTS)
def test_costs_of_cells_are_those_of_the_cost_model_and_nearly_those_measured(cost):
    space = SPACES["nasbench201"]
    items = sampled(space, 300)
    found = edge_costs(items, space, cost).of(encode(items).operation).numpy()
    if cost in table.DEVICES:
        measured = table.latencies_ms(cost)[table.codes(items)]
        assert 1 - ((found - measured) ** 2).sum() / ((measured - measured.mean()) ** 2).sum() > 0.6
    else:
        model = cost_model(NETWORKS["nasbench201"])
        assert found.tolist() == [getattr(model.cost(item), cost) for item in items]


def test_bad_calls_are_refused_with_a_sentence():
    space = SPACES["nasbench201"]
    items = sampled(space, 2)
    with pytest.raises(ValueError, match="limits of 1 and costs of 2 architectures for 2"):
        proposals(Policy(), items, space, [[1e9]], 5)
    with pytest.raises(ValueError, match="budget is 'joules'; accepted: macs, parameters, 1080ti_1"):
        PolicyConfig(budget="joules")
    with pytest.raises(ValueError, match="1 budgets for 2 architectures; each needs one"):
        Policy(PolicyConfig(budget="macs")).distribution(items, space, budgets=[1.0])
    with pytest.raises(ValueError, match="not in the table"):
        edge_costs(sampled(SPACES["loose_end"], 1), SPACES["loose_end"], "pixel3")


def test_in_place_of_what_may_not_be_believed_the_next_probable_come():
    torch.manual_seed(0)
    space = SPACES["fully_concat"]
    policy, items = Policy(PolicyConfig(budget="macs")).eval(), sampled(space)
    limits = limits_of(items, space, "macs")
    model, asked = shipped_trainings_model(space.name), []

    def believable(inputs, operations):
        asked.append(len(inputs))
        return model.believable_operations(inputs, operations)

    every = proposals(policy, items, space, limits, 200)
    found = proposals(policy, items, space, limits, 5, believable=believable)
    assert asked[0] == len(items)
    for item, free, kept in zip(items, every, found, strict=True):
        for (rows, probable), (some, scores) in zip(free, kept, strict=True):
            believed = model.believable([item] * len(rows), [transformed(item, row) for row in rows])
            wanted = probable[believed][:5]
            assert len(wanted) < 5 or scores == pytest.approx(wanted, abs=1e-3)
            assert len(some) == len(scores) <= 5
            made = [transformed(item, row) for row in some]
            assert model.believable([item] * len(made), made).all()

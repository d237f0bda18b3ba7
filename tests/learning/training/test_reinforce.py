"""Advantages by hand, and REINFORCE's gradient against the exact one by enumeration."""

import itertools

import pytest
import torch

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.spaces import SPACES
from nat_core.learning.graphs.graph import encode, legal_mask
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.distribution import edge_entropy, log_probability, most_probable
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.reinforce import (
    group_advantage,
    imitation_term,
    moving_baseline,
    reinforce_loss,
)

# conv_1x1 may stay, become skip or null; skip may stay or become null: 3 · 2 transformations.
TINY = Architecture(Cell(1, 3, (Edge("conv_1x1", 0, 1), Edge("skip_connect", 1, 2)), (2,), "sum"))


def test_group_advantage_by_hand():
    advantage = group_advantage(torch.tensor([[1.0], [4.0], [7.0]]), best_weight=0.25)
    assert advantage.relative.flatten().tolist() == pytest.approx([1 - 5.5, 0, 7 - 2.5])
    assert advantage.best.flatten().tolist() == pytest.approx([0, 0, 0.25 * 3 * 3])
    assert advantage.scale.item() == pytest.approx(1 / 6**0.5)
    assert advantage.value.flatten().tolist() == pytest.approx([-4.5 / 6**0.5, 0, 6.75 / 6**0.5])


def test_every_input_is_its_own_group():
    rewards = torch.tensor([[0.0, 10.0], [2.0, 30.0]])
    together = group_advantage(rewards).value
    apart = torch.cat([group_advantage(rewards[:, [0]]).value, group_advantage(rewards[:, [1]]).value], dim=1)
    assert torch.equal(together, apart)
    assert torch.allclose(together[:, 0], together[:, 1])  # the spread is divided out


def test_equal_rewards_say_nothing():
    value = group_advantage(torch.full((4, 2), 81.3)).value
    assert (value == 0).all()


def test_shared_best_gets_no_bonus():
    assert (group_advantage(torch.tensor([[3.0], [3.0], [1.0]])).best == 0).all()


def test_one_sample_cannot_be_compared():
    with pytest.raises(ValueError, match="1 sample per input"):
        group_advantage(torch.ones(1, 5))


def test_moving_baseline_settles_at_the_mean():
    baseline = 0.0
    for _ in range(2000):
        baseline = moving_baseline(baseline, torch.tensor([[2.0, 4.0]]))
    assert baseline == pytest.approx(3.0, abs=1e-6)
    assert moving_baseline(1.0, torch.tensor([[2.0]]), decay=0.9) == pytest.approx(1.1)


def test_loss_terms_by_hand():
    chance = torch.tensor([[-1.0, -2.0]])
    loss = reinforce_loss(chance, torch.tensor([[3.0, 1.0]]), torch.tensor([0.5, 1.5]), entropy_weight=0.1)
    assert loss.policy_term.item() == pytest.approx(2.5)
    assert loss.entropy_term.item() == pytest.approx(0.1)
    assert loss.total.item() == pytest.approx(2.4)


class Enumeration:
    """All six transformations of TINY under a small policy in double precision, with made-up rewards."""

    def __init__(self, network: str) -> None:
        torch.manual_seed(5)
        self.policy = Policy(PolicyConfig(network, width=8, layers=2, embedding=4, key=4)).double()
        graphs = encode([TINY])
        for name in ("x", "edge_attr"):
            graphs[name] = graphs[name].double()
        self.rows = self.policy.log_probabilities(graphs, legal_mask(SPACES["nasbench201"]))
        operations, _ = most_probable(self.rows.detach().numpy(), 100)
        assert len(operations) == 6
        self.chance = log_probability(self.rows, torch.from_numpy(operations), torch.zeros(2, dtype=torch.long), 1)
        self.rewards = torch.tensor([[80.0], [81.5], [12.0], [79.0], [84.0], [60.0]], dtype=torch.double)

    def gradient(self, value: torch.Tensor) -> torch.Tensor:
        parts = torch.autograd.grad(value, list(self.policy.parameters()), retain_graph=True, allow_unused=True)
        return torch.cat([part.flatten() for part in parts if part is not None])


@pytest.fixture(params=["edge", "gcn"])
def exact(request) -> Enumeration:
    return Enumeration(request.param)


@pytest.mark.parametrize("baseline", [0.0, 75.0])
def test_gradient_in_expectation_is_exact_whatever_the_baseline(exact, baseline):
    objective = (exact.chance.exp() * exact.rewards).sum()
    weights = exact.chance.exp().detach() * len(exact.chance)  # the loss averages over samples
    entropy = edge_entropy(exact.rows).sum()[None]
    loss = reinforce_loss(exact.chance, weights * (exact.rewards - baseline), entropy, entropy_weight=0.0)
    assert torch.allclose(exact.gradient(loss.total), -exact.gradient(objective), atol=1e-9)


def test_entropy_of_edges_is_the_joint_entropy(exact):
    joint = -(exact.chance.exp() * exact.chance).sum()
    assert edge_entropy(exact.rows).sum().item() == pytest.approx(joint.item())
    loss = reinforce_loss(exact.chance, torch.zeros_like(exact.chance), joint[None], entropy_weight=0.3)
    assert torch.allclose(exact.gradient(loss.total), -0.3 * exact.gradient(edge_entropy(exact.rows).sum()), atol=1e-9)


def _expected_loss(exact: Enumeration, samples: int, term: str) -> torch.Tensor:
    """Σ over all tuples of samples: probability of the tuple × the loss of one term of the advantage."""
    total = torch.zeros((), dtype=torch.double)
    for drawn in itertools.product(range(6), repeat=samples):
        chance, rewards = exact.chance[list(drawn)], exact.rewards[list(drawn)]
        advantage = getattr(group_advantage(rewards, best_weight=1.0), term)
        total = total + chance.sum().exp().detach() * -(advantage * chance).mean()
    return total


def test_leave_one_out_is_unbiased(exact):
    objective = (exact.chance.exp() * exact.rewards).sum()
    assert torch.allclose(exact.gradient(_expected_loss(exact, 2, "relative")), -exact.gradient(objective), atol=1e-9)


def test_bonus_follows_the_expected_best_of_all_samples(exact):
    best = sum(
        exact.chance[list(drawn)].sum().exp() * exact.rewards[list(drawn)].max()
        for drawn in itertools.product(range(6), repeat=3)
    )
    assert torch.allclose(exact.gradient(_expected_loss(exact, 3, "best")), -exact.gradient(best), atol=1e-8)


def test_what_is_better_than_every_sample_is_imitated_by_how_much_it_is():
    chance = torch.tensor([-1.0, -2.0, -3.0, -4.0], requires_grad=True)
    found = torch.tensor([3.0, 5.0, 2.0, -torch.inf])
    rewards = torch.tensor([[1.0, 5.0, 4.0, 0.0], [2.0, 1.0, 0.0, 0.0]])
    term = imitation_term(chance, found, rewards, weight=0.5)
    assert term.item() == pytest.approx(0.5 * 1.0 * 1.0 / 4)  # only the first leads, by one point
    term.backward()
    assert chance.grad.tolist() == [pytest.approx(-0.125), 0, 0, 0]
    loss = reinforce_loss(torch.zeros(2, 4), torch.zeros(2, 4), torch.zeros(4), 0.0)._replace(imitation_term=term)
    assert loss.total.item() == pytest.approx(term.item())

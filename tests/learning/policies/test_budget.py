import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.learning.policies.budget import (
    FittingDistribution,
    flat,
    most_probable_fitting,
    most_probable_within,
    padded,
)

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def problem(seed: int, edges: int = 4, operations: int = 4):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(edges, operations)) * 3
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    scores[:, 0] = rng.normal(size=edges)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return scores, rng.integers(0, 100, size=scores.shape)


def enumerated(scores, macs, budget):
    """All legal choices that fit, by brute force, most probable first."""
    edges = np.arange(len(scores))
    choices = [np.array(c) for c in itertools.product(range(scores.shape[1]), repeat=len(scores))]
    fitting = [c for c in choices if np.isfinite(scores[edges, c]).all() and macs[edges, c].sum() <= budget]
    return sorted(fitting, key=lambda c: -scores[edges, c].sum())


@given(st.integers(0, 10_000), st.integers(0, 300), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_equals_brute_force_where_everything_can_be_enumerated(seed, budget, count):
    scores, macs = problem(seed)
    found, totals = most_probable_within(scores, macs, budget, count)
    expected = enumerated(scores, macs, budget)[:count]
    assert (macs[np.arange(4), found].sum(axis=1) <= budget).all()
    assert len(np.unique(found, axis=0)) == len(found)
    assert len(found) == len(expected)
    np.testing.assert_allclose(totals, [scores[np.arange(4), item].sum() for item in expected])
    np.testing.assert_allclose(totals, scores[np.arange(4), found].sum(axis=1))


def test_a_tight_budget_on_many_edges_is_met():
    edges, operations = 20, 6
    rng = np.random.default_rng(0)
    macs = np.tile(np.arange(operations)[::-1] * 10, (edges, 1))
    scores = np.log(np.full((edges, operations), 1e-6))
    scores[:, 0] = np.log(1 - 5e-6)  # the policy is sure of the dearest operation everywhere
    scores += rng.normal(size=scores.shape) * 1e-3
    found, totals = most_probable_within(scores, macs, limit=100, count=10)
    assert len(found) == 10
    assert (macs[np.arange(edges), found].sum(axis=1) <= 100).all()
    assert ((found == 0).sum(axis=1) == 2).all()  # the dearest as often as the budget allows
    assert list(totals) == sorted(totals, reverse=True)


def problems(seed: int, count: int = 5, kind: str = "whole"):
    """Some problems as tensors; costs with a common divisor, or any numbers, of which some are negative."""
    rng = np.random.default_rng(seed)
    scores = np.stack([problem(seed + number)[0] for number in range(count)])
    costs = {
        "whole": lambda: rng.integers(0, 6, size=scores.shape) * 1_000_003.0,
        "any": lambda: rng.normal(size=scores.shape) * 10 + 5,
    }[kind]()
    costs[rng.random(costs.shape) < 0.1] = np.inf
    costs[..., 0] = 0
    return torch.from_numpy(scores), torch.from_numpy(costs)


def limits_of(scores, costs, seed):
    """One limit per problem, between the cheapest and the dearest choice."""
    possible = torch.isfinite(scores) & torch.isfinite(costs)
    low = costs.masked_fill(~possible, torch.inf).amin(-1).sum(-1)
    high = costs.masked_fill(~possible, -torch.inf).amax(-1).sum(-1)
    return low + (high - low) * torch.from_numpy(np.random.default_rng(seed).random(len(scores)))


@given(st.integers(0, 10_000), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_how_probably_a_draw_fits_equals_brute_force(seed, other):
    scores, costs = problems(seed)
    limits = limits_of(scores, costs, other)
    scores.requires_grad_()
    fitting = FittingDistribution(scores, costs, limits)
    for number in range(len(scores)):
        found = enumerated(scores[number].detach().numpy(), costs[number].numpy(), limits[number].item())
        chances = torch.stack([scores[number, range(4), torch.tensor(item)].sum() for item in found])
        log_fits = chances.logsumexp(0)
        assert fitting.log_fits[number].item() == pytest.approx(log_fits.item(), abs=1e-6)
        gradients = [
            torch.autograd.grad(item, scores, retain_graph=True)[0].nan_to_num()
            for item in (fitting.log_fits[number], log_fits)
        ]
        assert torch.allclose(*gradients, atol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", ["whole", "any"])
def test_draws_fit_and_come_as_often_as_the_conditional_distribution_says(kind, device):
    scores, costs = problems(11, kind=kind)
    limits = limits_of(scores, costs, 3)
    fitting = FittingDistribution(*(item.to(device) for item in (scores, costs, limits)), bins=4096)
    drawn = fitting.sample(4000, torch.Generator().manual_seed(0))
    spent = costs.expand(4000, *costs.shape).gather(-1, drawn.cpu()[..., None])[..., 0].sum(-1)
    assert (spent <= limits + 1e-9).all()
    for number in range(len(scores)):
        options = enumerated(scores[number].numpy(), costs[number].numpy(), limits[number].item())
        rows = [*map(tuple, drawn[:, number].tolist())]
        best = options[0]
        chance = (scores[number, range(4), best].sum() - fitting.log_fits[number].cpu()).exp().item()
        assert rows.count(tuple(best.tolist())) / 4000 == pytest.approx(chance, abs=0.04)
        assert set(rows) <= {tuple(item.tolist()) for item in options}
    again = fitting.sample(4000, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)


@given(st.integers(0, 10_000), st.integers(1, 30), st.sampled_from(["whole", "any"]), st.sampled_from([8, 128]))
@settings(max_examples=60, deadline=None)
def test_the_most_probable_of_several_problems_equal_brute_force(seed, count, kind, bins):
    scores, costs = problems(seed, kind=kind)
    limits = limits_of(scores, costs, seed)
    limits[0] = -1e9  # nothing fits
    operations, totals = most_probable_fitting(scores, costs, limits, count, bins)
    assert torch.isneginf(totals[0]).all()
    for number in range(1, len(scores)):
        fitting = enumerated(scores[number].numpy(), costs[number].numpy(), limits[number].item())[:count]
        expected = [scores[number, range(4), torch.tensor(item)].sum().item() for item in fitting]
        np.testing.assert_allclose(totals[number, : len(fitting)].numpy(), expected, atol=1e-9)
        assert torch.isneginf(totals[number, len(fitting) :]).all()
        found = operations[number, : len(fitting)]
        assert len({*map(tuple, found.tolist())}) == len(found)
        assert (costs[number, range(4), found].sum(-1) <= limits[number] + 1e-6).all()


def test_costs_rounded_up_still_let_everything_be_drawn_where_everything_fits():
    scores, costs = problems(2, kind="any")
    costs[torch.isinf(costs)] = 7.5
    fitting = FittingDistribution(scores, costs, torch.full((5,), 1e9), bins=3)
    assert torch.allclose(fitting.log_fits, torch.zeros(5).double(), atol=1e-9)


def test_nothing_is_drawn_where_nothing_fits():
    scores, costs = problems(2)
    fitting = FittingDistribution(scores, costs, torch.tensor([1e9, -1.0, 1e9, 1e9, 1e9]))
    assert torch.isneginf(fitting.log_fits).tolist() == [False, True, False, False, False]
    with pytest.raises(ValueError, match="nothing fits the budget of problem 1"):
        fitting.sample(2)


def test_problems_of_several_sizes_are_padded_and_choices_flat_again():
    batch = torch.tensor([0, 0, 1, 1, 1])
    values = torch.arange(10.0).view(5, 2)
    dense = padded(values, batch, 2, -torch.inf)
    assert dense[0].tolist() == [[0, 1], [2, 3], [0, -torch.inf]]
    assert torch.equal(dense[1], values[2:])
    chosen = torch.tensor([[[1, 2, 0], [3, 4, 5]]])
    assert flat(chosen, batch).tolist() == [[1, 2, 3, 4, 5]]


def test_the_cheapest_choice_is_found_when_nothing_else_fits():
    scores, macs = problem(3)
    cheapest = np.where(np.isfinite(scores), macs, 10**6).min(axis=1).sum()
    found, _ = most_probable_within(scores, macs, int(cheapest), 5)
    assert (macs[np.arange(4), found].sum(axis=1) == cheapest).all() and len(found)
    assert len(most_probable_within(scores, macs, int(cheapest) - 1, 5)[1]) == 0

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.learning.policies.budget import most_probable_within


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


@given(st.integers(0, 10_000), st.integers(0, 300), st.integers(4, 20))  # 64 · 4 is all that there are
@settings(max_examples=60, deadline=None)
def test_equals_brute_force_where_everything_can_be_enumerated(seed, budget, count):
    scores, macs = problem(seed)
    found, totals = most_probable_within(scores, macs, budget, count)
    expected = enumerated(scores, macs, budget)[:count]
    assert (macs[np.arange(4), found].sum(axis=1) <= budget).all()
    assert len(np.unique(found, axis=0)) == len(found)
    assert len(found) == len(expected) or len(found) >= 1
    if expected:
        np.testing.assert_allclose(totals, scores[np.arange(4), found].sum(axis=1))
        assert totals[0] == pytest.approx(scores[np.arange(4), expected[0]].sum())
    else:
        assert len(found) == 0


def test_a_tight_budget_on_many_edges_is_met_by_tilting():
    edges, operations = 20, 6
    rng = np.random.default_rng(0)
    macs = np.tile(np.arange(operations)[::-1] * 10, (edges, 1))
    scores = np.log(np.full((edges, operations), 1e-6))
    scores[:, 0] = np.log(1 - 5e-6)  # the policy is sure of the dearest operation everywhere
    scores += rng.normal(size=scores.shape) * 1e-3
    found, totals = most_probable_within(scores, macs, max_macs=100, count=10)
    assert len(found) >= 1
    assert (macs[np.arange(edges), found].sum(axis=1) <= 100).all()
    assert list(totals) == sorted(totals, reverse=True)


def test_the_cheapest_choice_is_found_when_nothing_else_fits():
    scores, macs = problem(3)
    cheapest = np.where(np.isfinite(scores), macs, 10**6).min(axis=1).sum()
    found, _ = most_probable_within(scores, macs, int(cheapest), 5)
    assert (macs[np.arange(4), found].sum(axis=1) == cheapest).all() and len(found)
    assert len(most_probable_within(scores, macs, int(cheapest) - 1, 5)[1]) == 0

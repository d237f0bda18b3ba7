"""Distributions: masking, sampling, entropy, and the most probable transformations against brute force."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.architecture.operations import NAMES
from nat_core.architecture.spaces import SPACES
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies.distribution import (
    edge_entropy,
    greedy,
    log_probability,
    masked_log_softmax,
    most_probable,
    sample,
    sum_per_graph,
)
from nat_core.learning.policies.policy import Policy

HAND = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.9, 0.1]]).log()


def test_masked_softmax_by_hand():
    logits = torch.tensor([[1.0, 1.0, 9.0]])
    legal = torch.tensor([[True, True, False]])
    assert masked_log_softmax(logits, legal).exp().tolist() == [[0.5, 0.5, 0.0]]


@given(st.integers(0, 2**31), st.floats(0.1, 200))
@settings(max_examples=50, deadline=None)
def test_illegal_is_exactly_zero_and_the_rest_sums_to_one(seed, spread):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(5, 7, generator=generator) * spread
    legal = torch.rand(5, 7, generator=generator) < 0.5
    legal[:, 0] = True
    probabilities = masked_log_softmax(logits, legal).exp()
    assert (probabilities[~legal] == 0).all()
    assert torch.allclose(probabilities.sum(1), torch.ones(5))


def test_gradients_stay_finite_behind_the_mask():
    logits = torch.randn(4, 6, requires_grad=True)
    legal = torch.zeros(4, 6, dtype=torch.bool)
    legal[:, :2] = True
    log_probabilities = masked_log_softmax(logits, legal)
    (edge_entropy(log_probabilities).sum() + log_probabilities[:, 0].sum()).backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[~legal] == 0).all()


def test_entropy_by_hand():
    expected = [1.5 * math.log(2), -0.9 * math.log(0.9) - 0.1 * math.log(0.1)]
    assert edge_entropy(HAND).tolist() == pytest.approx(expected, rel=1e-5)


def test_log_probability_sums_over_each_architecture():
    operations = torch.tensor([[0, 1], [2, 2]])
    apart = log_probability(HAND, operations, torch.tensor([0, 1]), 2)
    assert apart.exp().flatten().tolist() == pytest.approx([0.5, 0.9, 0.25, 0.1])
    together = log_probability(HAND, operations, torch.tensor([0, 0]), 1)
    assert together.exp().flatten().tolist() == pytest.approx([0.45, 0.025])


def test_sum_per_graph_by_hand():
    values = torch.tensor([[1.0, 2.0, 4.0], [0.0, 1.0, 1.0]])
    assert sum_per_graph(values, torch.tensor([1, 0, 1]), 3).tolist() == [[2, 5, 0], [1, 1, 0]]


def test_sampling_follows_the_probabilities_and_never_draws_zero():
    drawn = sample(HAND, 20_000, torch.Generator().manual_seed(0))
    assert drawn.shape == (20_000, 2)
    frequencies = torch.nn.functional.one_hot(drawn, 3).double().mean(0)
    assert torch.allclose(frequencies, HAND.double().exp(), atol=0.015)
    assert (drawn[:, 1] != 0).all()


def test_sampling_at_the_ends_of_the_interval(monkeypatch):
    impossible_ends = torch.tensor([[0.0, 0.3, 0.7, 0.0]]).log()
    for value, expected in ((0.0, 1), (1.0, 2)):
        monkeypatch.setattr(
            torch, "rand", lambda shape, value=value, **_: torch.full(shape, value, dtype=torch.float64)
        )
        assert sample(impossible_ends, 3).tolist() == [[expected]] * 3


def test_a_seed_determines_the_sample():
    draws = [sample(HAND, 50, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_greedy_takes_the_most_probable():
    assert greedy(HAND).tolist() == [0, 1]


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 60))
@settings(max_examples=50, deadline=None)
def test_most_probable_equals_brute_force(seed, edges, count):
    generator = torch.Generator().manual_seed(seed)
    legal = torch.rand(edges, 4, generator=generator) < 0.7
    legal[:, 1] = True
    rows = masked_log_softmax(torch.randn(edges, 4, generator=generator), legal).double().numpy()
    operations, totals = most_probable(rows, count)
    every = [
        (sum(rows[edge, choice] for edge, choice in enumerate(choices)), choices)
        for choices in itertools.product(range(4), repeat=edges)
        if all(legal[edge, choice] for edge, choice in enumerate(choices))
    ]
    expected = sorted((total for total, _ in every), reverse=True)[:count]
    assert totals.tolist() == pytest.approx(expected)
    assert len({tuple(row) for row in operations.tolist()}) == len(expected)
    for row, total in zip(operations, totals, strict=True):
        assert rows[np.arange(edges), row].sum() == pytest.approx(total)


def test_all_transformations_together_have_probability_one():
    cell = table.architecture_of_code(0)  # conv_1x1 everywhere: itself, skip or null on six edges
    distribution = Policy().distribution([cell], SPACES["nasbench201"])
    operations, totals = distribution.most_probable(5000)
    assert operations.shape == (3**6, 6)
    assert np.exp(totals).sum() == pytest.approx(1, abs=1e-5)


def test_applying_choices_keeps_topology_and_order():
    cells = [table.architecture_of_code(code) for code in (4000, 77)]
    distribution = Policy().distribution(cells, SPACES["nasbench201"])
    kept = torch.cat([torch.tensor([[*_indices(cell)]]) for cell in cells]).flatten()
    assert distribution.apply(kept) == cells
    assert distribution.log_probability(kept[None]).shape == (1, 2)
    assert distribution.rows(1).shape == (6, len(NAMES))
    assert distribution.entropy().shape == (2,)


def _indices(cell):
    from nat_core.architecture.operations import INDEX

    return [INDEX[name] for name in cell.operations]

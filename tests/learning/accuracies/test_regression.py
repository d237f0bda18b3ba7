"""Both lengths of training in one regression, on data whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from nat_core.learning.accuracies.regression import (
    Observed,
    Penalties,
    fit,
    numbered,
    predicted_without_topology,
    within_topologies,
)

RNG = np.random.default_rng(0)
SHORTER, LONGER = np.array([3.0, -2.0, 0.0]), np.array([2.0, 1.0, 0.0])
PENALTIES = Penalties(weights=0.1, levels=0.5, share=0.8, additions=0.3)


def observed(shorter: int, longer: int, noise: float = 0.1) -> Observed:
    """Topologies of three architectures, each with a level of its own."""
    counts = RNG.normal(size=(shorter + longer, 3))
    is_longer = np.arange(shorter + longer) >= shorter
    topologies = np.arange(shorter + longer) % max(1, (shorter + longer) // 3)
    levels = RNG.normal(size=topologies.max() + 1)[topologies]
    line = np.where(is_longer, 70 + counts @ LONGER, 50 + counts @ SHORTER)
    return Observed(counts, topologies, is_longer, line + levels + noise * RNG.normal(size=len(counts)), np.eye(3))


def test_each_length_gets_its_own_line():
    shorter, longer = fit(observed(300, 120), PENALTIES)
    assert shorter.weights == pytest.approx(SHORTER, abs=0.2) and shorter.intercept == pytest.approx(50, abs=0.5)
    assert longer.weights == pytest.approx(LONGER, abs=0.2) and longer.intercept == pytest.approx(70, abs=0.5)
    assert (np.diag(longer.covariance) > 0).all()
    assert longer.accuracies(np.zeros((1, 3))) == pytest.approx([longer.intercept])


def test_without_longer_ones_there_is_one_line_and_it_is_the_ridge_regression():
    data = observed(60, 0)
    (shorter,) = fit(data, PENALTIES)
    known = np.hstack([data.counts, np.eye(20)[data.topologies], np.ones((60, 1))])
    penalties = np.diag([PENALTIES.weights] * 3 + [PENALTIES.levels] * 20 + [1e-9])
    expected = np.linalg.solve(known.T @ known + penalties, known.T @ data.accuracies)
    assert shorter.weights == pytest.approx(expected[:3], abs=1e-4)
    assert shorter.intercept == pytest.approx(expected[-1], abs=1e-3)


def test_weights_that_are_expected_to_be_alike_are_pulled_together():
    data = observed(9, 0, noise=1.0)
    (free,) = fit(data, Penalties(10.0, 0.5))
    half = 2**-0.5
    alike = np.array([[half, 0.01 * half, 0], [half, -0.01 * half, 0], [0, 0, 1]])
    (pulled,) = fit(replace(data, expected=alike), Penalties(10.0, 0.5))
    assert abs(pulled.weights[0] - pulled.weights[1]) < 0.01 < abs(free.weights[0] - free.weights[1])
    sums, away = np.array([1.0, 1.0, 0.0]), np.array([1.0, -1.0, 0.0])
    assert away @ pulled.covariance @ away < 0.01 * (sums @ pulled.covariance @ sums)


def test_few_longer_ones_are_near_what_the_shorter_say():
    shorter, longer = fit(observed(300, 2), Penalties(0.1, 0.5, share=0.8, additions=1e6))
    assert longer.weights == pytest.approx(0.8 * shorter.weights, abs=1e-3)
    free = fit(observed(300, 2), Penalties(0.1, 0.5, share=0.8, additions=0.3))[1]
    assert (np.diag(free.covariance) > np.diag(longer.covariance)).all()


@pytest.mark.parametrize("longer", [0, 30])
def test_what_is_left_out_is_predicted_as_by_a_fit_without_it(longer):
    data = observed(60, longer)
    predicted = predicted_without_topology(data, PENALTIES)
    for topology in (0, 7):
        own = data.topologies == topology
        lines = fit(data.of(~own), PENALTIES)
        for chosen, line in zip((own & ~data.longer, own & data.longer), lines, strict=False):
            if chosen.any():
                assert predicted[chosen] == pytest.approx(line.accuracies(data.counts[chosen]), abs=1e-3)


def test_differences_are_to_the_mean_of_the_topology():
    topologies = numbered(["a", "b", "a", "c", "b", "a"])
    assert topologies.tolist() == [0, 1, 0, 2, 1, 0]
    values = np.array([1.0, 5.0, 2.0, 9.0, 7.0, 3.0])
    assert within_topologies(values, topologies).tolist() == [-1, -1, 0, 1, 1]

import numpy as np
import pytest

from nat_core.learning.support.pareto import pareto_front


def test_a_front_by_hand():
    costs, merits = np.array([3.0, 1, 2, 2, 4]), np.array([5.0, 1, 0, 3, 5])
    assert pareto_front(costs, merits).tolist() == [1, 3, 0]


def test_of_equals_the_first_counts():
    assert pareto_front(np.array([1.0, 1, 1]), np.array([2.0, 2, 2])).tolist() == [0]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_beats_the_front_and_the_front_beats_the_rest(seed):
    rng = np.random.default_rng(seed)
    costs, merits = rng.integers(0, 12, 60).astype(float), rng.integers(0, 12, 60).astype(float)
    front = set(pareto_front(costs, merits).tolist())
    for i in range(60):
        better = (costs <= costs[i]) & (merits >= merits[i]) & ((costs < costs[i]) | (merits > merits[i]))
        assert not (i in front and better.any())
        assert i in front or better.any() or any((costs[j], merits[j]) == (costs[i], merits[i]) for j in front)


def test_an_empty_front():
    assert pareto_front(np.array([]), np.array([])).tolist() == []

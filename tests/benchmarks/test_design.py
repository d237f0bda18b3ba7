"""The trainings that tell most come first, by the variances that are left."""

import random

import numpy as np
import pytest

from benchmarks.design import Known, seconds_of, telling
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.structure import EXPECTED, features
from nat_core.learning.accuracies.structure_model import shipped_structure_model
from nat_core.learning.scratch.measured import SHIPPED

pytestmark = pytest.mark.slow

SPACE = SPACES["loose_end"]
MODEL = shipped_structure_model(SPACE.name)
DRAWN = [SPACE.sample(random.Random(number)) for number in range(24)]


def variances(differences, known):
    """[k] of the differences, after trainings of `known`, by the normal equations."""
    numbers = {item.topology: 0 for item in known}
    numbers = {topology: number for number, topology in enumerate(numbers)}
    counts = (features(known, MODEL.network) - MODEL.means) / MODEL.deviations
    rows = np.hstack(
        [counts @ EXPECTED, np.eye(len(numbers))[[numbers[item.topology] for item in known]], np.ones((len(known), 1))]
    )
    penalties = [MODEL.penalty] * counts.shape[1] + [MODEL.level_penalty] * len(numbers) + [0.01]
    covariance = np.linalg.inv(rows.T @ rows + np.diag(penalties))[: counts.shape[1], : counts.shape[1]]
    return np.diag(differences @ EXPECTED @ covariance @ EXPECTED.T @ differences.T)


def test_the_most_telling_one_for_its_time_comes_first():
    differences = np.random.default_rng(0).normal(size=(3, len(MODEL.weights)))
    known, candidates = DRAWN[:6], DRAWN[6:]
    seconds = np.linspace(60, 300, len(candidates))
    chosen = telling(candidates, Known(known), differences, seconds, MODEL, 5)
    assert len(set(chosen)) == 5
    before = variances(differences, known)

    def left(more):
        return (variances(differences, [*known, *more]) / before).sum()

    worth = [3 - left([item]) for item in candidates] / seconds
    assert chosen[0] == int(np.argmax(worth))
    rng = random.Random(0)
    others = [left(rng.sample(candidates, 5)) for _ in range(20)]
    assert left(candidates[number] for number in chosen) < np.mean(others) < 3


def test_no_more_are_chosen_than_there_are():
    differences = np.ones((1, len(MODEL.weights)))
    assert sorted(telling(DRAWN[:3], Known([]), differences, np.ones(3), MODEL, 9)) == [0, 1, 2]


def test_heavier_ones_are_expected_to_take_longer():
    heavy = DRAWN[0].with_operations(["conv_5x5"] * len(DRAWN[0].operations))
    light, heavier = seconds_of([DRAWN[0], heavy], MODEL, SHIPPED)
    assert 60 <= light < heavier

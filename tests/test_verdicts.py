"""What a candidate comes to, in words: what shows only that training works is never called a gain alone."""

from dataclasses import replace

import pytest

from nat_core.architecture.library import library
from nat_core.learning.image_training import presets
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.training.config import RECIPES
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.ranking import Candidate
from nat_core.verdicts import compared, demonstration

DARTS = library()["DARTS"].architecture
NETWORK = NETWORKS["cifar"]


def candidate(accuracy_percent):
    return Candidate(DARTS, NETWORK, cost_model(NETWORK).cost(DARTS), 0.0, accuracy_percent)


@pytest.mark.parametrize(
    ("before", "after", "chance", "is_short", "said"),
    [
        (8.85, 13.02, 10.0, True, "a demonstration: guessing gives 10 %"),
        (8.85, 13.02, 10.0, False, "a demonstration: guessing gives 10 %"),
        (1.1, 1.7, 1.0, False, "a demonstration: guessing gives 1 %"),
        (1.1, 2.7, 1.0, False, ""),
        (15.0, 71.0, 10.0, False, ""),
        (15.0, 71.0, 10.0, True, "a demonstration: the policy was trained only briefly"),
        (8.85, 13.02, None, False, ""),
        (None, None, 10.0, False, ""),
    ],
)
def test_accuracies_near_chance_and_short_trainings_are_demonstrations(before, after, chance, is_short, said):
    assert demonstration(candidate(before), candidate(after), chance, is_short) == said


def card(space, training):
    return PolicyCard(space, "nat++", PolicyConfig(), training=training)


def test_policies_of_smoke_runs_are_demonstrations_and_others_are_not():
    for name, short in (("smoke", True), ("cpu", False), ("paper", False)):
        assert card("fully_concat", presets.preset(name, "fully_concat").to_dict()).is_demonstration == short
    for steps, short in ((100, True), (800, False), (2500, False)):
        assert card("nasbench201", {**RECIPES["budgets"].to_dict(), "steps_done": steps}).is_demonstration == short


def test_what_is_compared_has_signs_and_errors():
    given, item = candidate(90.0), candidate(90.4)
    assert compared(given, item) == "as many MACs, accuracy 0.40 points higher"
    assert compared(given, replace(item, gain_error_points=0.5)) == "as many MACs, accuracy the same within ± 0.50"
    assert compared(given, replace(item, gain_error_points=0.1)) == "as many MACs, accuracy 0.40 ± 0.10 points higher"

from collections import Counter

import pytest

from nat_core.learning.image_training.plan import evaluations, plan_training
from tests.learning.image_training.cases import SCHEDULES, tiny


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_step_has_its_place_in_one_phase(schedule):
    plan = plan_training(tiny(schedule=schedule))
    places = [plan.at(step) for step in range(plan.steps)]
    assert [(phase, index) for phase in plan.phases for index in range(phase.steps)] == places


def test_the_alternating_course():
    phases = [(phase.name, phase.round, phase.steps) for phase in plan_training(tiny(schedule="alternate")).phases]
    # Three inputs a step: chunks of ten architectures hold three inputs with two outputs each.
    assert phases == [
        ("weights", 0, 4), ("policy", 0, 4),
        ("weights", 1, 4), ("policy", 1, 4), ("measure", 1, 1),
        ("report", 0, 1),
    ]  # fmt: skip


def test_the_course_in_two_stages():
    plan = plan_training(tiny())
    assert [(phase.name, phase.round, phase.steps) for phase in plan.phases] == [
        ("weights", 0, 4), ("weights", 1, 4),
        ("evaluate", 0, 3), ("fit", 0, 2), ("modelled_policy", 0, 4), ("check", 0, 2), ("measure", 0, 1),
        ("evaluate", 1, 1), ("fit", 1, 2), ("modelled_policy", 1, 4), ("check", 1, 2), ("measure", 1, 1),
        ("report", 0, 1),
    ]  # fmt: skip
    assert plan.steps == 31
    assert Counter(plan.at(step)[0].name for step in range(31))["weights"] == 8


def test_later_rounds_evaluate_anchors_and_outputs():
    config = tiny()
    assert [evaluations(config, number) for number in (0, 1)] == [24, 4 + 6]

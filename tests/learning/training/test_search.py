"""Steepest ascent: legal, for no more MACs, and to where no exchange helps."""

import random
from dataclasses import replace

import numpy as np
import pytest

from nat_core.architecture.difference import difference
from nat_core.architecture.spaces import SPACES
from nat_core.architecture.transitions import is_legal
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from nat_core.learning.training.rewards import Objective
from nat_core.learning.training.rules import applied
from nat_core.learning.training.search import ascended, gained
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

SPACE = SPACES["fully_concat"]
COST = cost_model(NETWORKS[SPACE.network]).cost
GIVEN = [SPACE.sample(random.Random(number)) for number in range(3)]
OBJECTIVE = Objective(shipped_trainings_model(SPACE.name), caution=1.0)
RULES = ({}, {"null": "skip_connect", "conv_1x1": "skip_connect"}, {"null": "conv_5x5", "skip_connect": "conv_5x5"})


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("transitions", ["nat", "nat++"])
def test_it_is_legal_costs_no_more_and_ends_where_no_exchange_helps(given, rule, transitions):
    objective = replace(OBJECTIVE, rule=rule)
    made = ascended(given, SPACE, objective, transitions)
    assert all(is_legal(*pair, transitions) for pair in zip(given.operations, made.operations, strict=True))
    assert COST(made).macs <= COST(given).macs
    worth = gained(objective, [given], [made])[0]
    for place, name in enumerate(given.operations):
        for target in SPACE.targets(name, transitions):
            other = made.with_operations([*made.operations[:place], target, *made.operations[place + 1 :]])
            if COST(other).macs <= COST(given).macs:
                assert gained(objective, [given], [other])[0] <= worth + 1e-9


def test_it_begins_with_what_the_rule_makes_and_leaves_it_only_for_what_is_better():
    cheap = replace(OBJECTIVE, rule={"conv_3x3": "skip_connect", "conv_5x5": "skip_connect", "conv_1x1": "null"})
    for given in GIVEN:
        (begun,) = cheap.ruled([given])
        assert ascended(given, SPACE, replace(cheap, caution=1e6)) == begun
        made = ascended(given, SPACE, cheap)
        assert gained(cheap, [given], [made])[0] >= gained(cheap, [given], [begun])[0]


def test_what_is_gained_is_less_prices_and_doubt():
    outputs = [applied(RULES[1], item) for item in GIVEN]
    changed = [len(difference(*pair)) for pair in zip(GIVEN, outputs, strict=True)]
    free, priced = (Objective(OBJECTIVE.source, change_weight=weight) for weight in (0.0, 0.5))
    assert gained(free, GIVEN, outputs) - gained(priced, GIVEN, outputs) == pytest.approx(0.5 * np.array(changed))
    doubts = OBJECTIVE.source.gain_error_points(GIVEN, outputs)
    doubts += 100 * ~OBJECTIVE.source.believable(GIVEN, outputs)
    assert gained(free, GIVEN, outputs) - gained(OBJECTIVE, GIVEN, outputs) == pytest.approx(doubts)


def test_the_dearer_a_change_the_fewer_there_are():
    free, priced = (Objective(OBJECTIVE.source, change_weight=weight) for weight in (0.0, 0.5))
    counts = [sum(len(difference(item, ascended(item, SPACE, how))) for item in GIVEN) for how in (free, priced)]
    assert counts[0] > counts[1]

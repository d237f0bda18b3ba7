"""Steepest ascent: legal, for no more MACs, and to where no exchange helps."""

import random

import numpy as np
import pytest
import torch

from nat_core.architecture.difference import difference
from nat_core.architecture.operations import INDEX, NAMES
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.training.ascent import Problems, ascended
from nat_core.learning.training.config import TrainingConfig
from nat_core.learning.training.data import inputs_of, objective_of
from nat_core.learning.training.rewards import Objective
from nat_core.learning.training.rules import applied
from nat_core.learning.training.search import gained, score_of, search_of
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.options import with_fields

SPACE = SPACES["fully_concat"]
MODEL = cost_model(NETWORKS[SPACE.network])
GIVEN = [SPACE.sample(random.Random(number)) for number in range(4)]
OBJECTIVE = Objective(shipped_trainings_model(SPACE.name), caution=0.5)
RULE = {"null": "skip_connect", "conv_1x1": "skip_connect"}
SHARES = np.array([1.0, 0.7, 0.5])


def macs(given, rows):
    return MODEL.operation_costs(given, rows).macs


def own(given):
    return MODEL.cost(given).macs


@pytest.mark.parametrize("transitions", ["nat", "nat++"])
def test_steepest_ascent_is_legal_fits_and_ends_where_no_exchange_helps(transitions):
    limits = np.outer([own(item) for item in GIVEN], SHARES)
    problems = Problems.of(GIVEN, SPACE, limits, transitions)
    problems = problems.chosen(problems.cheapest <= problems.left)
    score = score_of(OBJECTIVE, GIVEN)
    starts = problems.drawn(1, torch.Generator().manual_seed(0))[0]
    made, worth, asked = ascended(problems, starts, score)
    assert (problems.cost(made) <= problems.left).all() and (worth >= score(problems.owner, starts)).all()
    assert (asked > 1).all() and worth == pytest.approx(score(problems.owner, made))
    for number, owner in enumerate(problems.owner):
        given, row = GIVEN[owner], made[number]
        limit = problems.left[number] + MODEL.fixed_cost(given).macs
        targets = [SPACE.targets(name, transitions) for name in given.operations]
        assert all(NAMES[operation] in choices for operation, choices in zip(row, targets, strict=False))
        others = [
            [*row[:place], INDEX[name], *row[place + 1 :]] for place, names in enumerate(targets) for name in names
        ]
        others = np.array(others)[macs(given, np.array(others)) <= limit]
        assert score(np.full(len(others), owner), others).max() <= worth[number] + 1e-9


def test_few_evaluations_are_not_exceeded():
    problems = Problems.of(GIVEN, SPACE, np.array([[own(item)] for item in GIVEN]))
    asked = np.zeros(len(GIVEN), dtype=int)

    def score(owner, rows):
        asked[:] += np.bincount(owner, minlength=len(GIVEN))
        return score_of(OBJECTIVE, GIVEN)(owner, rows)

    _, _, used = ascended(problems, problems.own, score, np.array([1, 20, 50, 500]), np.random.default_rng(0))
    assert (used == asked).all() and (used <= [1, 20, 50, 500]).all() and used[1] == 20


@pytest.mark.parametrize("space", ["fully_concat", "nasbench201"])
@pytest.mark.parametrize("budget", ["", "macs"])
def test_what_is_imitated_fits_and_is_worth_more_than_the_input(space, budget):
    how = {"reward.source": "trainings", "reward.caution": 0.5} if space == "fully_concat" else {}
    few = {"inputs.training": 8, "inputs.held_out": 0, "reinforce.searched_share": 0.75, "budgets.cost": budget}
    config = with_fields(TrainingConfig(), {"space": space, **few, **how})
    inputs, objective = inputs_of(config).training, objective_of(config)
    costs = cost_model(NETWORKS[SPACES[space].network])
    search, limits = search_of(config, objective, inputs), np.array([costs.cost(item).macs for item in inputs])
    for share in (1.0, 0.6) if budget else (1.0,):
        rows, fits = search(np.arange(8), share * limits)
        assert not fits[6:].any() and (fits[:6].all() or share < 1)
        for given, row, limit, is_fit in zip(inputs, rows, share * limits, fits, strict=True):
            assert not is_fit or costs.operation_costs(given, row[None]).macs[0] <= limit
            made = transformed(given, row)
            assert not is_fit or share < 1 or gained(objective, [given], [made])[0] >= 0
    assert search_of(with_fields(config, {"reinforce.searched_share": 0.0}), objective, inputs) is None


def test_what_is_gained_is_less_prices_and_doubt():
    outputs = [applied(RULE, item) for item in GIVEN]
    changed = [len(difference(*pair)) for pair in zip(GIVEN, outputs, strict=True)]
    free, priced = (Objective(OBJECTIVE.source, change_weight=weight) for weight in (0.0, 0.5))
    assert gained(free, GIVEN, outputs) - gained(priced, GIVEN, outputs) == pytest.approx(0.5 * np.array(changed))
    doubts = OBJECTIVE.caution * OBJECTIVE.source.gain_error_points(GIVEN, outputs)
    doubts += 100 * ~OBJECTIVE.source.believable(GIVEN, outputs)
    assert gained(free, GIVEN, outputs) - gained(OBJECTIVE, GIVEN, outputs) == pytest.approx(doubts)


def test_the_dearer_a_change_the_fewer_there_are():
    problems = Problems.of(GIVEN, SPACE, np.array([[own(item)] for item in GIVEN]))
    found = [
        ascended(problems, problems.own, score_of(Objective(OBJECTIVE.source, change_weight=weight), GIVEN))[0]
        for weight in (0.0, 0.5)
    ]
    assert (found[0] != problems.own).sum() > (found[1] != problems.own).sum()

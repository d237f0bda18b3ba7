"""Trainings with budgets: what is drawn fits, one policy serves several budgets, stop and resume are exact."""

import json
import random

import numpy as np
import pytest
import torch

from nat_core.architecture.operations import NAMES
from nat_core.architecture.spaces import SPACES
from nat_core.learning.graphs.graph import encode, legal_mask, select
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Lattice
from nat_core.learning.nasbench201.quantities import QUANTITIES
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.learning.policies.proposing import proposals
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.budget_quality import (
    budget_figures,
    costs_of_codes,
    hypervolume,
    limits_of,
    offers,
    ranking_of,
)
from nat_core.learning.training.budgets import Budgets
from nat_core.learning.training.config import RECIPES, TRAININGS, ReinforceConfig, TrainingConfig
from nat_core.learning.training.data import inputs_of, objective_of
from nat_core.learning.training.loop import train
from nat_core.learning.training.search import ExactSearch
from nat_core.options import with_fields

SMALL = PolicyConfig(width=16, layers=2, embedding=8, key=16)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SCORES = table.accuracies_percent()


def config_of(changes=(), **fields) -> TrainingConfig:
    """The recipe made small; `changes` are those of dotted fields."""
    small = {"policy": SMALL, "steps": 12, "batch": 32, "samples": 4, "inputs.training": 200, "inputs.held_out": 50}
    return with_fields(RECIPES["budgets"], {**small, "optimizer.warmup_steps": 2, **dict(changes), **fields})


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("space", "cost"), [("nasbench201", "macs"), ("nasbench201", "pixel3"), ("loose_end", "macs")])
def test_what_is_drawn_fits_budgets_that_are_as_probable_as_asked(space, cost, device):
    config = config_of(
        {"budgets.cost": cost, "inputs.training": 60, "reinforce.searched_share": 0.0, **_rewards(space)}, space=space
    )
    pool = inputs_of(config).training
    legal = legal_mask(SPACES[space]).to(device)
    graphs = encode(pool).to(device)
    budgets = Budgets(config, pool, graphs, legal)
    chosen = torch.arange(60).repeat(10).to(device)
    part = select(graphs, chosen)
    budgeted = budgets.draw(chosen, part.operation, torch.Generator().manual_seed(1))
    own = budgeted.costs.of(part.operation)
    shares = budgeted.limits / own
    assert ((shares >= 0.05) & (shares <= 1 + 1e-9)).all()
    assert (shares > 1 - 1e-9).double().mean().item() == pytest.approx(0.2, abs=0.1)
    torch.manual_seed(0)
    policy = Policy(PolicyConfig(budget=cost)).eval().to(device)
    with torch.inference_mode():
        scores = policy.log_probabilities(part, legal, budgeted.conditions)
        fitting = budgeted.fitting(scores)
        drawn = budgeted.drawn(fitting, 3, torch.Generator().manual_seed(1))
    assert drawn.shape == (3, len(part.operation))
    for row in [*drawn, budgeted.greedy(scores)]:
        assert (budgeted.costs.of(row) <= budgeted.limits * (1 + 1e-9)).all()
    assert (fitting.log_fits <= 1e-6).all() and torch.isfinite(fitting.log_fits).all()


def _rewards(space):
    return {} if space == "nasbench201" else {"reward.source": TRAININGS}


def test_one_short_training_serves_several_budgets():
    logged = {}
    config = config_of(
        {"optimizer.learning_rate": 5e-3, "inputs.training": 1000},
        steps=150, batch=64, policy=PolicyConfig(width=32, key=32),
    )  # fmt: skip
    trained = train(config, hooks=Hooks(progress=logged.__setitem__))
    assert trained.policy.config == config.shape and trained.policy.config.budget == "macs"
    assert logged[150]["held_out_gain"] > 5
    assert logged[10]["imitation_term"] > 0 == logged[150]["imitation_term"]
    inputs = np.arange(0, table.SIZE, 97)
    found = offers(ranking_of(trained.policy), inputs, SCORES, shares=(1.0, 0.6))
    assert (np.nanmean(found.points_missing(SCORES, 1), axis=0) < 5).all()
    untrained = offers(ranking_of(Policy(config.shape).eval()), inputs, SCORES, shares=(1.0, 0.6))
    assert (np.nanmean(untrained.points_missing(SCORES, 1), axis=0) > 8).all()


@pytest.mark.parametrize(
    "changes",
    [{}, {"budgets.cost": "fpga", "reinforce.searched_share": 0.5}, {"reinforce.searched_share": 0.0}],
)
def test_stop_and_resume_equal_one_go(tmp_path, changes):
    config, path = config_of(changes), tmp_path / "state.safetensors"
    asked = iter(range(100))
    stopped = train(config, hooks=Hooks(should_stop=lambda: next(asked) >= 5, checkpoint=path))
    assert stopped.steps_done == 5
    resumed, whole = train(config, hooks=Hooks(checkpoint=path)).policy, train(config).policy
    assert all(torch.equal(one, other) for one, other in zip(resumed.parameters(), whole.parameters(), strict=True))


@pytest.mark.parametrize("cost", ["macs", "fpga"])
def test_exact_search_finds_what_enumeration_does(cost):
    lattice, rng = Lattice.of_space(table.SPACE), random.Random(0)
    search = ExactSearch(table.SPACE, objective_of(TrainingConfig()), cost)
    costs = QUANTITIES[cost].values * (1e6 if cost == "macs" else 1)
    for _ in range(20):
        code = rng.randrange(table.SIZE)
        limit = costs[code] * rng.uniform(0.3, 1.0)
        reachable = lattice.is_reachable(np.array(code), np.arange(table.SIZE))
        given = table.architecture_of_code(code)
        found = int(
            table.codes([given.with_operations([NAMES[number] for number in search(search.code(given), limit)])])[0]
        )
        fitting = np.flatnonzero(reachable & (costs <= limit * (1 + 1e-9)))
        if len(fitting):
            assert SCORES[found] == SCORES[fitting].max()
        else:
            assert costs[found] == pytest.approx(costs[reachable].min())


def test_offers_within_budgets_of_macs_are_the_policys_proposals():
    torch.manual_seed(0)
    policy, inputs, shares = Policy(PolicyConfig(budget="macs")).eval(), np.arange(3, table.SIZE, 991), (1.0, 0.6, 0.3)
    found = offers(ranking_of(policy), inputs, SCORES, 10, shares)
    cells = [table.architecture_of_code(int(code)) for code in inputs]
    limits = limits_of(inputs, shares, "macs") * 1e6
    for number, parts in enumerate(proposals(policy, cells, table.SPACE, limits * (1 + 1e-12), 10)):
        for place, (operations, _) in enumerate(parts):
            codes = table.codes_of_operations(operations) if len(operations) else []
            shown = found.codes[number, place]
            assert sorted(shown[shown >= 0]) == sorted(codes)
            assert (found.best[number, place] >= 0) == (len(codes) > 0)
    worse = found.points_missing(SCORES, 1)
    assert (worse[~np.isnan(worse)] >= 0).all()
    assert (found.points_missing(SCORES, 10) <= worse)[~np.isnan(worse)].all()


def test_a_card_says_that_nothing_fits_a_budget_of_latency_and_can_be_written():
    costs = costs_of_codes("1080ti_1")
    fastest, slowest = costs.argmin(), costs.argmax()
    policy = Policy(PolicyConfig(budget="1080ti_1")).eval()
    scores = table.accuracies_percent()
    for inputs, known in ((np.array([fastest]), 1), (np.array([fastest, slowest]), 3)):
        figures = budget_figures(policy, inputs, scores, "1080ti_1")
        for means in (figures["greedy_points_below_best"], figures["best_of_10_points_below_best"]):
            assert sum(mean is not None for mean in means) >= known and means[0] is not None and means[-1] is None
        assert figures["nothing_fits"][-1] == len(inputs)
        assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_hypervolume_by_hand():
    costs = np.array([[0.5, 1.0, 0.2, 0.7], [0.5, 1.5, 0.0, 0.5]])
    gains = np.array([[3.0, 2.0, -1.0, 5.0], [4.0, 9.0, 1.0, -np.inf]])
    assert hypervolume(costs, gains, (0.25, 0.5, 0.75, 1.0)).tolist() == pytest.approx([(3 + 5 + 5) / 4, (1 + 12) / 4])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"budgets.cost": "joules"}, "cost is 'joules'; accepted: .*macs, parameters, "),
        ({"budgets.cost": "pixel3", "space": "loose_end"}, "latencies on pixel3 are known for nasbench201 only"),
        ({"budgets.cost": "macs", "reinforce.estimator": "moving_average"}, "budgets need the group estimator"),
        (
            {"policy": PolicyConfig(budget="macs"), "budgets.cost": "parameters"},
            "policy.budget is 'macs'; it must be empty",
        ),
        ({"budgets.smallest": 1.5}, "smallest is 1.5; "),
    ],
)
def test_bad_values_are_named(fields, message):
    with pytest.raises(ValueError, match=message):
        with_fields(TrainingConfig(), fields)


def test_imitation_fades():
    learning = ReinforceConfig(searched_share=1.0, imitation_weight=0.2, imitation_until=0.5)
    assert [learning.imitation_weight_at(step, 100) for step in (0, 25, 50, 99)] == pytest.approx([0.2, 0.1, 0, 0])
    assert ReinforceConfig(searched_share=0.5).imitation_weight_at(10**8, 10**9) == 3.0
    assert ReinforceConfig().imitation_weight_at(0, 1) == 0

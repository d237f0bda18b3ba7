"""Fronts of comparators: what they offer is legal and fits, and no front is larger than the best."""

import random

import numpy as np
import pytest
import torch

from benchmarks.budgets import FRONT_SHARES, area, heavy, local_front, random_ranking, rule_front, within_budgets
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Lattice
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.budget_quality import SHARES, costs_of_codes, limits_of, offers

LATTICE = Lattice.of_space(table.SPACE)
SCORES = table.accuracies_percent()
INPUTS = np.arange(7, table.SIZE, 997)


def test_only_inputs_of_many_macs_are_heavy():
    kept = heavy(INPUTS)
    assert 0 < len(kept) < len(INPUTS) and (costs_of_codes("macs")[kept] > 60).all()


@pytest.mark.parametrize("cost", ["macs", "pixel3"])
def test_fronts_are_legal_within_their_budgets_and_below_the_best(cost):
    found = offers(random_ranking(LATTICE, 0), INPUTS, SCORES, 10, FRONT_SHARES, cost)
    best = area(found.best[:, :, None], INPUTS, SCORES, cost)
    seen = np.arange(0, table.SIZE, 311)
    fronts = [
        found.codes,
        rule_front(LATTICE, seen, INPUTS, SCORES, cost, np.random.default_rng(0)),
        local_front(LATTICE, INPUTS, SCORES, cost, random.Random(0)),
    ]
    limits = limits_of(INPUTS, FRONT_SHARES, cost)[:, :, None]
    for codes in fronts:
        assert ((codes < 0) | (costs_of_codes(cost)[codes] <= limits * (1 + 1e-9))).all()
        legal = LATTICE.is_reachable(INPUTS[:, None, None], codes)
        assert (legal | (codes < 0)).all()
        areas = area(codes, INPUTS, SCORES, cost)
        assert (areas <= best + 1e-9).all() and areas.sum() > 0
    assert area(fronts[2], INPUTS, SCORES, cost).mean() > area(fronts[0], INPUTS, SCORES, cost).mean()


def test_figures_within_budgets_are_means_over_what_fits():
    torch.manual_seed(0)
    figures = within_budgets(Policy(PolicyConfig(budget="macs")).eval(), INPUTS, SCORES, "macs", "few")
    assert figures["few_nothing_fits"] > 0
    greedy, ten = ([figures[f"few_{count}_{share}"] for share in SHARES] for count in ("greedy", "ten"))
    assert all(0 <= one <= other for one, other in zip(ten, greedy, strict=True))
    assert figures["few_greedy"] == pytest.approx(np.mean(greedy))


def test_a_budget_that_nothing_fits_has_no_figure():
    torch.manual_seed(0)
    lightest = costs_of_codes("macs").argmin(keepdims=True)
    figures = within_budgets(Policy(PolicyConfig(budget="macs")).eval(), lightest, SCORES, "macs", "lightest")
    assert {key for key in figures if "greedy" in key} == {"lightest_greedy_1.0", "lightest_greedy"}
    assert figures["lightest_greedy"] == figures["lightest_greedy_1.0"] and figures["lightest_nothing_fits"] == 4

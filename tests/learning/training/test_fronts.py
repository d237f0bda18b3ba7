"""The area under fronts that a training reports."""

from dataclasses import replace

import numpy as np
import pytest

from nat_core.learning.graphs.graph import legal_mask
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.proposing import proposals
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.budget_quality import SHARES, hypervolume, limits_of
from nat_core.learning.training.config import RECIPES, InputsConfig
from nat_core.learning.training.data import objective_of
from nat_core.learning.training.fronts import Fronts
from nat_core.learning.training.loop import Schedule, train
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.paths import PRETRAINED

QUICK = replace(RECIPES["budgets"], steps=4, batch=8, inputs=InputsConfig(training=64, held_out=16))


def test_it_is_that_of_the_policys_most_probable_outputs():
    policy, _ = catalogue.load(PRETRAINED / "nasbench201")
    cells = [table.architecture_of_code(code) for code in range(7, table.SIZE, 2111)]
    objective = objective_of(QUICK)
    found = Fronts(QUICK, legal_mask(table.SPACE, "nat++"), cells, objective, "cpu").hypervolume(policy)
    codes = table.codes(cells)
    model, areas = cost_model(NETWORKS["nasbench201"]), []
    limits = limits_of(codes, SHARES, "macs") * 1e6 * (1 + 1e-12)
    for cell, parts in zip(cells, proposals(policy, cells, table.SPACE, limits, 1), strict=True):
        made = [table.architecture_of_code(int(table.codes_of_operations(rows)[0])) for rows, _ in parts if len(rows)]
        own, (before, *after) = model.cost(cell).macs, objective([cell, *made])
        costs = np.array([[model.cost(item).macs / own for item in made]])
        areas.append(hypervolume(costs, np.array([after]) - before, SHARES)[0])
    assert found == pytest.approx(np.mean(areas), abs=1e-9) and found > 0


def test_a_training_with_budgets_reports_it_and_another_does_not():
    def reported(config):
        seen = {}
        train(config, hooks=Hooks(progress=lambda step, metrics: seen.update(metrics)), schedule=Schedule(2, 2, 9))
        return "held_out_hypervolume" in seen

    assert reported(QUICK) and not reported(replace(RECIPES["group"], steps=2, batch=8, inputs=QUICK.inputs))

"""What a policy of an image space is compared with keeps to the rule and to the budget."""

import random

import numpy as np
import pytest

from benchmarks.image_quality import (
    COMPARED,
    METHODS,
    RULES,
    Setting,
    accurate_rule,
    inputs_of,
    outputs_of,
    rewarded_rule,
    table,
)
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_reward_model
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.data import relative_macs
from nat_core.learning.training.rewards import Objective

pytestmark = pytest.mark.slow

SPACE = SPACES["fully_concat"]


@pytest.fixture(autouse=True)
def few_inputs_for_the_rule(monkeypatch):
    monkeypatch.setattr("benchmarks.image_quality.FITTED_ON", 1)


@pytest.fixture(scope="module")
def objective():
    rng = random.Random(0)
    architectures = [SPACE.sample(rng) for _ in range(24)]
    accuracies = np.array([60.0 + sum("sep" in name for name in item.operations) for item in architectures])
    model = fit_reward_model(architectures, accuracies, SPACE, RewardModelConfig(1, width=8, layers=1, steps=5))
    return Objective(model, relative_macs(SPACE), cost_weight=0.3, change_weight=0.4)


@pytest.mark.parametrize("share", [1.0, 0.75])
@pytest.mark.parametrize("title", METHODS)
def test_outputs_are_legal_within_the_budget_and_not_worse_where_something_is_evaluated(objective, title, share):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    setting = Setting(SPACE, policy, objective, share)
    rng = random.Random(1)
    for _ in range(2):
        given = SPACE.sample(rng)
        output = METHODS[title](setting, given)
        assert all(new in SPACE.targets(old) for old, new in zip(given.operations, output.operations, strict=True))
        before, after = objective.source.accuracy_percent([given, output])
        if METHODS[title] not in RULES:
            assert setting.cost(output).macs <= setting.limit(given) or output == given
        if "greedy" not in title and METHODS[title] not in RULES and share == 1.0:
            assert after >= before - 1e-6


def test_each_fixed_rule_is_legal_and_better_than_none_at_what_it_was_fitted_for(objective):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    setting = Setting(SPACE, policy, objective, 1.0)
    fitted_on = [SPACE.sample(random.Random(seed_of("fixed rule")))]
    for rule in (setting.accurate_rule, setting.rewarded_rule):
        assert set(rule) == set(SPACE.operations)
        assert all(target in SPACE.targets(name) for name, target in rule.items())
    before, accurate = setting.model.accuracy_percent(
        [*fitted_on, *(accurate_rule(setting, item) for item in fitted_on)]
    )
    assert accurate >= before
    assert setting.reward(fitted_on, [rewarded_rule(setting, item) for item in fitted_on]) >= 0


def test_a_reward_is_the_gain_less_macs_and_changes(objective):
    given = library()["DARTS"].architecture
    made = given.with_operations(["skip_connect", *given.operations[1:]])
    setting = Setting(SPACE, Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)), objective, 1.0)
    gain = np.diff(objective.source.accuracy_percent([given, made]))
    macs = np.diff(objective.relative_cost([given, made]))
    assert setting.reward([given], [made]) == pytest.approx(gain - 30 * macs - 0.4, abs=1e-4)


def test_inputs_are_new_random_ones_and_the_published(objective):
    inputs = inputs_of(SPACE, 3)
    assert inputs[:3] == inputs_of(SPACE, 5)[:3]
    entries = library()
    assert entries["DARTS"].architecture in inputs and entries["NAT_DARTS"].architecture not in inputs
    assert all(SPACE.mismatch(item) is None for item in inputs)


def test_every_method_and_every_comparison_has_a_line(objective):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    inputs = inputs_of(SPACE, 2)[:2]
    lines = [line for line in table(Setting(SPACE, policy, objective, 1.0), inputs) if "±" in line]
    titles = [line.split("|")[1].strip() for line in lines]
    assert titles == [*METHODS, *(f"{ours} − {other}" for ours, other in COMPARED)]


def test_a_comparison_is_of_the_same_inputs(objective):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    setting, inputs = Setting(SPACE, policy, objective, 1.0), inputs_of(SPACE, 3)[:3]
    one, two = (outputs_of(setting, inputs, METHODS[title]) for title in COMPARED[0])
    (line,) = (line for line in table(setting, inputs) if line.startswith(f"| {' − '.join(COMPARED[0])}"))
    assert line.split("|")[2].split()[0] == f"{np.mean(one.rewards) - np.mean(two.rewards):+.3f}"

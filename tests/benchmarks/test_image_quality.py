"""What a policy of an image space is compared with keeps to the rule and to the budget."""

import random

import numpy as np
import pytest

from benchmarks.image_quality import METHODS, Setting, fixed, inputs_of, rows
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_reward_model
from nat_core.learning.policies.policy import Policy, PolicyConfig

SPACE = SPACES["fully_concat"]


@pytest.fixture(autouse=True)
def few_inputs_for_the_rule(monkeypatch):
    monkeypatch.setattr("benchmarks.image_quality.FITTED_ON", 6)


@pytest.fixture(scope="module")
def model():
    rng = random.Random(0)
    architectures = [SPACE.sample(rng) for _ in range(24)]
    accuracies = np.array([60.0 + sum("sep" in name for name in item.operations) for item in architectures])
    return fit_reward_model(architectures, accuracies, SPACE, RewardModelConfig(1, width=8, layers=1, steps=5))


@pytest.mark.parametrize("share", [1.0, 0.75])
@pytest.mark.parametrize("title", METHODS)
def test_outputs_are_legal_within_the_budget_and_not_worse_where_something_is_evaluated(model, title, share):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    setting = Setting(SPACE, policy, model, share)
    rng = random.Random(1)
    for _ in range(2):
        given = SPACE.sample(rng)
        output = METHODS[title](setting, given)
        assert all(new in SPACE.targets(old) for old, new in zip(given.operations, output.operations, strict=True))
        before, after = model.accuracy_percent([given, output])
        if METHODS[title] is not fixed:
            assert setting.cost(output).macs <= setting.limit(given) or output == given
        if "greedy" not in title and METHODS[title] is not fixed and share == 1.0:
            assert after >= before - 1e-6


def test_the_fixed_rule_is_legal_and_better_than_none_for_what_it_was_fitted_on(model):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    rule = Setting(SPACE, policy, model, 1.0).rule
    assert set(rule) == set(SPACE.operations)
    assert all(target in SPACE.targets(name) for name, target in rule.items())


def test_inputs_are_new_random_ones_and_the_published(model):
    inputs = inputs_of(SPACE, 3)
    assert inputs[:3] == inputs_of(SPACE, 5)[:3]
    assert len(inputs) > 10
    assert all(SPACE.mismatch(item) is None for item in inputs)


def test_every_method_has_a_row(model):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    inputs = inputs_of(SPACE, 2)[:2]
    lines = list(rows(Setting(SPACE, policy, model, 1.0), inputs, None))
    assert [line.split("|")[1].strip() for line in lines] == list(METHODS)
    assert all("not judged" in line and "±" in line for line in lines)

"""What a policy of an image space is compared with keeps to the rule and to the budget."""

import random
import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.image_quality import (
    COMPARED,
    METHODS,
    RULES,
    Setting,
    TestModels,
    accurate_rule,
    inputs_of,
    outputs_of,
    rewarded_rule,
    table,
)
from nat_core.architecture import notation
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.regression import Penalties
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_reward_model
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.policies.policy import Policy, PolicyConfig
from nat_core.learning.scratch.measured import MeasuredResult
from nat_core.learning.scratch.presets import preset_budget
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
    lines = [line for line in table(Setting(SPACE, policy, objective, 1.0), inputs, []) if "±" in line]
    titles = [line.split("|")[1].strip() for line in lines]
    assert titles == [*METHODS, *(f"{ours} − {other}" for ours, other in COMPARED)]


def test_models_of_test_images_say_how_sure_a_gain_is(objective):
    rng = random.Random(2)
    budget = preset_budget("short", SPACE.sample(rng), data="cifar10").to_dict()

    def trained(architecture, accuracy):
        return MeasuredResult(
            "", notation.shortest(architecture), accuracy, "test", "b", 1, 1, 1, "C 8, L 5", "cifar10: 50,000 images",
            "short", 3, 150.0, "2026-11-26", budget, {},
        )  # fmt: skip

    def accuracy(architecture):
        return 60.0 + sum(name == "sep_conv_3x3" for name in architecture.operations) + rng.gauss(0, 0.1)

    drawn = [SPACE.sample(rng) for _ in range(40)]
    penalties = Penalties(0.3, 0.05)
    learned = TestModels([trained(item, accuracy(item)) for item in drawn], SPACE.name, penalties)
    failed = trained(SPACE.sample(rng), 9.6)
    assert learned.epochs == "3" and learned.model.penalties == penalties
    with_failed = TestModels([*(trained(item, accuracy(item)) for item in drawn), failed], SPACE.name, penalties)
    assert with_failed.model.observed == learned.model.observed == len(learned.others) == 40
    better = [item.with_operations(["sep_conv_3x3"] * len(item.operations)) for item in drawn]
    found = re.fullmatch(r"\+(\S+) ± (\S+) ± (\S+) \((\S+)\)", learned.gain(drawn, better))
    mean, inputs, trainings, times = map(float, found.groups())
    one, other = map(learned.model.accuracy_percent, (drawn, better))
    assert mean == pytest.approx((other - one).mean(), abs=0.006)
    assert mean > 3 and times > 2 and times == pytest.approx(mean / np.hypot(inputs, trainings), rel=0.1)
    assert learned.gain(drawn, drawn) == "+0.00 ± 0.00 ± 0.00"
    whole = [replace(trained(item, accuracy(item) + 10), epochs=12, budget="c") for item in drawn[:20]]
    both = TestModels([trained(item, accuracy(item)) for item in drawn], SPACE.name, penalties, whole)
    assert both.epochs == "3 and 12" and (both.model.observed, both.model.longer, len(both.others)) == (60, 20, 40)
    assert both.model.accuracy_percent(drawn[20:]).mean() > learned.model.accuracy_percent(drawn[20:]).mean() + 8
    assert float(re.match(r"\+(\S+)", both.gain(drawn, better)).group(1)) == pytest.approx(mean, rel=0.1)
    lines = list(table_of_one(objective, learned))
    assert all(line.count("|") == 8 for line in lines if line.startswith("| policy") and " − " not in line)
    assert any("gain on test images, 3 epochs" in line for line in lines)


def table_of_one(objective, test):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    return table(Setting(SPACE, policy, objective, 1.0), inputs_of(SPACE, 2)[:2], [test])


def test_a_comparison_is_of_the_same_inputs(objective):
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    setting, inputs = Setting(SPACE, policy, objective, 1.0), inputs_of(SPACE, 3)[:3]
    one, two = (outputs_of(setting, inputs, METHODS[title]) for title in COMPARED[0])
    (line,) = (line for line in table(setting, inputs, []) if line.startswith(f"| {' − '.join(COMPARED[0])}"))
    assert line.split("|")[2].split()[0] == f"{np.mean(one.rewards) - np.mean(two.rewards):+.2f}"

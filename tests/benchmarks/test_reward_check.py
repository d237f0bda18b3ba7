"""Which trainings check the reward: those of its own budget on test images, and of many the most telling ones."""

import random
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import image_quality, promise
from benchmarks.image_quality import COMPARED, Setting
from benchmarks.reward_check import Compared, budget, compared, made_otherwise, report, seconds_of, telling
from benchmarks.trainings import PURPOSES
from nat_core import PRETRAINED
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.structure import features
from nat_core.learning.accuracies.structure_model import of_main_budget, shipped_structure_model
from nat_core.learning.policies.policy import Policy, PolicyConfig
from nat_core.learning.scratch.measured import SHIPPED, read_measured
from nat_core.learning.training.data import relative_macs
from nat_core.learning.training.rewards import Objective

SPACE = SPACES["loose_end"]
MODEL = shipped_structure_model(SPACE.name)
ORIGINALS = {"fully_concat": ("DARTS",), "loose_end": ("VGG", "NASNet-A")}
DRAWN = [SPACE.sample(random.Random(number)) for number in range(24)]


def test_a_check_is_a_training_for_rewards_but_for_its_images():
    ours, reward = (make(DRAWN[0]).to_dict() for make in (budget, PURPOSES["rewards"].budget))
    assert {name for name in ours if ours[name] != reward[name]} == {"judged_on"}
    assert (ours["judged_on"], ours["trained_on"]) == ("test", "fitting")


def test_of_the_promise_those_are_trained_that_the_policy_changes(monkeypatch):
    monkeypatch.setattr(promise, "RANDOM", 2)
    monkeypatch.setattr(promise, "ORIGINALS", ORIGINALS)
    found = made_otherwise(PRETRAINED)
    names = [item.name for item in found]
    pairs = [
        promise.pair(item, SPACES[name], PRETRAINED) for name in ORIGINALS for item in promise.inputs(SPACES[name])
    ]
    assert "VGG" in names and set(names[::2]) == {item.name for item in pairs if item.made["ours"] != item.given}
    assert names[1::2] == [f"{name}, ours" for name in names[::2]]
    assert all(one.architecture != two.architecture for one, two in zip(found[::2], found[1::2], strict=True))


def variance(differences, known):
    """Of the differences' sum, after trainings of `known`, by the normal equations."""
    numbers = {item.topology: 0 for item in known}
    numbers = {topology: number for number, topology in enumerate(numbers)}
    counts = (features(known, MODEL.network) - MODEL.means) / MODEL.deviations
    rows = np.hstack(
        [counts, np.eye(len(numbers))[[numbers[item.topology] for item in known]], np.ones((len(known), 1))]
    )
    penalties = [MODEL.penalty] * counts.shape[1] + [MODEL.level_penalty] * len(numbers) + [0.01]
    covariance = np.linalg.inv(rows.T @ rows + np.diag(penalties))[: counts.shape[1], : counts.shape[1]]
    return float(np.trace(differences @ covariance @ differences.T))


def test_the_most_telling_one_for_its_time_comes_first():
    differences = np.random.default_rng(0).normal(size=(3, len(MODEL.weights)))
    known, candidates = DRAWN[:6], DRAWN[6:]
    seconds = np.linspace(60, 300, len(candidates))
    chosen = telling(candidates, known, differences, seconds, MODEL, 5)
    assert len(set(chosen)) == 5
    before = variance(differences, known)
    worth = [before - variance(differences, [*known, item]) for item in candidates] / seconds
    assert chosen[0] == int(np.argmax(worth))
    after = variance(differences, [*known, *(candidates[number] for number in chosen)])
    rng = random.Random(0)
    others = [variance(differences, [*known, *rng.sample(candidates, 5)]) for _ in range(20)]
    assert after < np.mean(others) < before


def test_no_more_are_chosen_than_there_are():
    differences = np.ones((1, len(MODEL.weights)))
    assert sorted(telling(DRAWN[:3], [], differences, np.ones(3), MODEL, 9)) == [0, 1, 2]


def test_differences_are_between_what_methods_make(monkeypatch):
    monkeypatch.setattr(image_quality, "FITTED_ON", 1)
    torch.manual_seed(0)
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    setting = Setting(SPACE, policy, Objective(MODEL, relative_macs(SPACE), 0.3, change_weight=0.4), 1.0)
    found = compared(setting, DRAWN[:2])
    assert set(found.outputs) == {title for both in COMPARED for title in both}
    assert found.differences(MODEL).shape == (len(COMPARED), len(MODEL.weights))
    assert [item.name for item in found.named()][:2] == ["loose_end, quality 0, input", "loose_end, quality 1, input"]
    # Weighed by the model's weights they are the differences of its accuracies.
    ours, other = COMPARED[0]
    gains = [MODEL.accuracy_percent(found.outputs[title]).mean() for title in (ours, other)]
    assert found.differences(MODEL)[0] @ MODEL.weights == pytest.approx(gains[0] - gains[1], abs=1e-6)
    same = Compared(SPACE.name, DRAWN[:2], dict.fromkeys(found.outputs, DRAWN[:2]))
    assert not same.differences(MODEL).any()


def test_heavier_ones_are_expected_to_take_longer():
    heavy = DRAWN[0].with_operations(["conv_5x5"] * len(DRAWN[0].operations))
    light, heavier = seconds_of([DRAWN[0], heavy], MODEL, SHIPPED)
    assert 60 <= light < heavier


def test_a_report_tells_repeats_from_what_the_model_has_not_seen():
    every = of_main_budget(read_measured(SHIPPED), "selection")
    topologies = sorted({item.value.effective.topology for item in every}, key=str)[::8]
    unseen = [item for item in every if item.value.effective.topology in topologies]
    assert len({SPACE.mismatch(item.value) is None for item in unseen}) == 2  # of both spaces
    fitted = [item for item in every if item not in unseen]
    # Repeats that are all higher by one point and, every other one, by two more: a spread that can be known.
    again = [replace(item, accuracy=item.accuracy + 1 + 2 * (n % 2), seed=1) for n, item in enumerate(fitted[:40])]
    head, twice, model = report(fitted, [*again, *(replace(item, seed=1) for item in unseen)])
    assert head.startswith(f"{40 + len(unseen)} trainings, seed 1, 3 epochs")
    assert "(40): Spearman 0.9" in twice and "one training 0.72 points" in twice
    count, found = re.search(r"\((\d+)\): Spearman (\S+) \(", model).groups()
    assert int(count) == len(unseen) and 0.3 < float(found) < 1

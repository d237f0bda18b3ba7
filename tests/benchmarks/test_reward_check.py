"""Which trainings check the reward: those of its own budget on test images, and what is compared."""

import random
import re
from dataclasses import replace

import pytest
import torch

from benchmarks import image_quality, promise
from benchmarks.image_quality import COMPARED, Setting
from benchmarks.reward_check import CHECKS, Compared, budget, compared, jobs, made_otherwise, report
from benchmarks.trainings import PURPOSES
from nat_core import PRETRAINED
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.structure_model import of_main_budget, shipped_structure_model
from nat_core.learning.policies.policy import Policy, PolicyConfig
from nat_core.learning.scratch.measured import SHIPPED, add_measured, read_measured
from nat_core.learning.training.data import relative_macs
from nat_core.learning.training.rewards import Objective

pytestmark = pytest.mark.slow

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


def test_whole_trainings_that_tell_most_are_those_that_the_judge_has_not_done(monkeypatch, tmp_path):
    monkeypatch.setattr(image_quality, "FITTED_ON", 1)
    monkeypatch.setattr(image_quality, "inputs_of", lambda space, count: [space.sample(random.Random(1))] * count)
    table, shipped = tmp_path / "measured.jsonl", read_measured(SHIPPED)
    for item in of_main_budget(shipped, "selection")[:4]:  # how long trainings take
        add_measured(table, item)
    first, second = jobs(CHECKS["judge"], PRETRAINED, 1, 2, table)
    assert first.architecture != second.architecture and ", quality 0, " in first.name
    done = next(item for item in shipped if (item.judged_on, item.epochs) == ("test", 12))
    add_measured(table, replace(done, genotype=first.genotype))
    left = [item.architecture for item in jobs(CHECKS["judge"], PRETRAINED, 1, 99, table)]
    assert left[0] == second.architecture and first.architecture not in left


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

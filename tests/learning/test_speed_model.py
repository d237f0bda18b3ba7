"""Reward models of training speeds, on tables whose truth is known."""

import random
from dataclasses import replace

import numpy as np
import pytest

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.cli.forms import form_for
from nat_core.learning import catalogue
from nat_core.learning.config import TrainingConfig, speeds_recipe
from nat_core.learning.measured import MeasuredResult
from nat_core.learning.publish import publish
from nat_core.learning.ranks import rank_correlation
from nat_core.learning.reward_model import RewardModelConfig
from nat_core.learning.speed import SpeedResult
from nat_core.learning.speed_model import calibrate, fit_speed_model, judged_pairs, speed_model
from nat_core.learning.training import train
from nat_core.transform import transform

SPACE = SPACES["fully_concat"]
GOOD = RewardModelConfig(members=1, width=32, layers=2, steps=200, batch=64)
QUICK = RewardModelConfig(members=2, width=8, layers=1, steps=4, batch=32)


def true_loss(architecture: Architecture) -> float:
    """Pooling is slow, separable convolutions are fast."""
    names = architecture.effective.operations
    return 1.8 + 0.02 * sum("pool" in name for name in names) - 0.02 * sum("sep" in name for name in names)


def speed(architecture: Architecture, stream: str = "rewards", shift: float = 0.0) -> SpeedResult:
    return SpeedResult(notation.shortest(architecture), stream, 0, (true_loss(architecture) + shift,) * 10, 10.0)


def judged(architecture: Architecture, seed: int = 0, shift: float = 0.0, budget: str = "12 epochs") -> MeasuredResult:
    return MeasuredResult(
        "", notation.shortest(architecture), 100 - 15 * true_loss(architecture) + shift, "test", budget, seed, 1, 1,
        "C 8, L 5", "cifar10: 50,000 images", "short", 12, 600.0, "2026-11-24", {}, {},
    )  # fmt: skip


@pytest.fixture(scope="module")
def architectures():
    rng = random.Random(1)
    return [SPACE.sample(rng) for _ in range(160)]


def test_the_scale_is_the_line_through_what_was_trained_both_ways(architectures):
    results = [judged(item, seed, shift=0.5 - seed) for item in architectures[:6] for seed in (0, 1)]
    found = calibrate(map(speed, architectures), results)
    assert (found.intercept, found.slope, found.judged) == (pytest.approx(100), pytest.approx(-15), 6)
    assert found.percent(np.array([2.0])) == pytest.approx([70.0])
    assert found.about == "cifar10 test accuracy after 12 epochs at C 8, L 5"


def test_speeds_on_test_images_and_other_budgets_do_not_enter(architectures):
    items = architectures[:5]
    results = [judged(item) for item in items] + [judged(items[0], budget="other", shift=9.0)]
    speeds = [speed(item) for item in items] + [speed(item, "test", shift=1.0) for item in items]
    names, losses, accuracies = judged_pairs(speeds, results)
    assert names == tuple(notation.shortest(item) for item in items)
    assert losses == pytest.approx([true_loss(item) for item in items])
    assert accuracies == pytest.approx([100 - 15 * loss for loss in losses])


def test_too_few_judged_architectures_are_refused(architectures):
    with pytest.raises(ValueError, match="3 architectures were trained both ways; at least 4 are needed"):
        calibrate(map(speed, architectures[:3]), map(judged, architectures[:3]))
    with pytest.raises(ValueError, match="0 architectures"):
        calibrate(map(speed, architectures), [])


def test_the_model_predicts_architectures_that_it_has_not_seen_in_points_of_the_judge(architectures):
    known, unseen = architectures[:120], architectures[120:]
    loose = [SPACES["loose_end"].sample(random.Random(number)) for number in range(20)]
    model = fit_speed_model(SPACE.name, map(speed, [*known, *loose]), map(judged, known[:10]), GOOD)
    assert model.observed == 130  # the judged ones judge
    true = np.array([100 - 15 * true_loss(item) for item in unseen])
    predicted = model.accuracy_percent(unseen)
    assert rank_correlation(predicted, true) > 0.7
    assert abs((predicted - true).mean()) < 1
    assert model.description.startswith("cifar10 test accuracy after 12 epochs at C 8, L 5, as training speed predicts")
    assert model.mismatch(loose[0]) is not None


def test_architectures_of_another_network_are_left_out(architectures):
    cell = notation.parse("|skip_connect~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|")
    speeds = [*map(speed, architectures), replace(speed(architectures[0]), genotype=notation.shortest(cell))]
    model = fit_speed_model(SPACE.name, speeds, map(judged, architectures[:10]), QUICK)
    assert model.observed == len(architectures) - 10


@pytest.mark.parametrize("space", ["fully_concat", "loose_end"])
def test_a_policy_is_trained_on_the_shipped_speeds_and_judged_by_their_model(monkeypatch, tmp_path, space):
    speed_model.cache_clear()
    monkeypatch.setattr("nat_core.learning.speed_model.MODEL", QUICK)
    config = speeds_recipe(space=space, steps=2, batch=8, inputs=24, held_out=4)
    trained = train(config)
    publish(tmp_path / "policy", trained, "train")
    given = SPACES[space].sample(random.Random(3))
    policy, card = catalogue.load_for(tmp_path, given)
    source = catalogue.accuracy_source(card, given)
    assert source is not None and source.description == trained.source.description == card.data
    outcome = transform(given, policy, card.target_space, source)
    assert outcome.accuracy_kind == "modelled"
    assert outcome.gain_percent >= 0 and outcome.output.cost.macs <= outcome.input.cost.macs
    speed_model.cache_clear()


def test_speeds_reward_image_spaces_only():
    with pytest.raises(ValueError, match="nasbench201 has a table; accepted for data_set: cifar10_valid"):
        speeds_recipe(space="nasbench201")
    with pytest.raises(ValueError, match="loose_end has no table of accuracies; accepted for data_set: speeds"):
        train(TrainingConfig(space="loose_end"))


def test_a_training_is_checked_without_fitting_a_model(monkeypatch):
    monkeypatch.setattr("nat_core.learning.speed_model.fit_reward_model", None)
    options = {"recipe": "speeds"}
    form = form_for(SPACE.name, options)
    form.check(form.config(SPACE.name, options))
    monkeypatch.setattr("nat_core.learning.speed_model._LEAST_JUDGED", 1000)
    with pytest.raises(ValueError, match="architectures were trained both ways; at least 1000 are needed"):
        form.check(form.config(SPACE.name, options))

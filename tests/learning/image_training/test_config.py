import json
import re
from dataclasses import replace

import pytest

from nat_core.learning.forms import rewards_of, with_options
from nat_core.learning.image_training.config import IMAGE_SPACES, ImageTrainingConfig, RewardsConfig, WeightsConfig
from nat_core.learning.image_training.presets import PRESETS, RECIPES, preset
from nat_core.learning.training.config import AdamConfig
from nat_core.options import command_words, with_fields

EVERY = [(name, space, schedule) for name in PRESETS for space in IMAGE_SPACES for schedule in RECIPES]


@pytest.mark.parametrize(("name", "space", "schedule"), EVERY)
def test_a_configuration_survives_json(name, space, schedule):
    config = preset(name, space, schedule)
    text = json.dumps(config.to_dict())
    assert ImageTrainingConfig.from_dict(json.loads(text)) == config
    assert (config.space, config.schedule) == (space, schedule)


def test_the_paper_preset_has_the_authors_values():
    config = preset("paper", "fully_concat")
    weights, policy, learning = config.weights, config.policy, config.policy.reinforce
    assert (config.schedule, config.channels, config.layers, weights.epochs) == ("alternate", 20, 8, 200)
    assert (weights.learning_rate, weights.decay, weights.momentum, weights.weight_decay) == (0.01, False, 0.9, 3e-4)
    assert policy.optimizer == AdamConfig(3e-4, 0, False, (0.5, 0.999), 5e-4)
    assert (learning.entropy_start, learning.entropy_end, learning.baseline_decay) == (0.003, 0.003, 0.99)
    assert (weights.batch, config.rewards.images, policy.policy.network) == (64, 64, "gcn")
    assert config.recipe.steps == 200 * policy.steps


def test_another_schedule_brings_its_recipe():
    assert preset("paper", "loose_end", "two-stage").policy.reinforce.estimator == "group"
    assert preset("cpu", "loose_end", "alternate").policy.reinforce.estimator == "moving_average"


def test_options_change_what_is_given_only():
    config = preset("smoke", "fully_concat")
    assert with_options(config, {}) == config
    options = {"data": "uoft-cs/cifar10", "epochs": 3, "batch": 32, "channels": 16, "reward_images": 99, "seed": 5}
    other = with_options(config, options)
    assert (other.data, other.weights.epochs, other.channels, other.seed) == ("uoft-cs/cifar10", 3, 16, 5)
    assert (other.weights.batch, other.rewards.batch, other.rewards.images) == (32, 32, 99)
    assert other.layers == config.layers
    words = command_words(other, config, rewards_of(config))
    assert {word[2:].replace("-", "_") for word in words[::2]} == set(options)


SMOKE = preset("smoke", "fully_concat")
BAD = [
    (lambda: preset("soup", "fully_concat"), "unknown preset 'soup'; accepted: paper, cpu, smoke"),
    (lambda: preset("smoke", "fully_concat", "never"), "unknown schedule 'never'; accepted: alternate, two-stage"),
    (lambda: preset("smoke", "nasbench201"), "space is 'nasbench201'; accepted for images: fully_concat, loose_end"),
    (lambda: replace(SMOKE, schedule="x"), "schedule is 'x'; accepted: alternate, two-stage"),
    (lambda: replace(SMOKE, data=""), "data is ''; accepted: a text from 1 to 1,000 characters"),
    (lambda: replace(SMOKE, channels=7), "channels is 7; it must be even"),
    (lambda: with_fields(SMOKE, {"policy.inputs.held_out": 0}), "held_out is 0; at least one input"),
    (lambda: replace(SMOKE, policy=replace(SMOKE.policy, samples=1)), "samples must be 2 or more"),
    (lambda: WeightsConfig(batch=1), "batch is 1; accepted: whole numbers from 2 to 65,536"),
    (lambda: WeightsConfig(learning_rate=float("nan")), "learning_rate is nan"),
    (lambda: with_options(SMOKE, {"epochs": 0}), "epochs is 0; accepted: whole numbers from 1 to 100,000"),
    (lambda: WeightsConfig(epochs=2.5), "epochs is 2.5; accepted: whole numbers"),
    (lambda: WeightsConfig(cutout=-1), "cutout is -1"),
    (lambda: RewardsConfig(chunk=0), "chunk is 0; accepted: whole numbers from 1 to 10,000"),
    (lambda: replace(SMOKE, rewards=RewardsConfig(evaluated=10)), "anchors is 16; at most 10 are evaluated"),
    (lambda: replace(SMOKE, rewards=RewardsConfig(evaluated=19, anchors=0)), "a reward model needs 20 or more"),
    (
        lambda: ImageTrainingConfig.from_dict({"colour": 1}),
        "unknown field 'colour'; accepted: data, images, most_broken, schedule",
    ),
    (lambda: ImageTrainingConfig.from_dict({"weights": {"x": 1}}), "unknown field 'weights.x'; accepted: epochs"),
    (lambda: ImageTrainingConfig.from_dict({"rewards": 3}), "rewards is 3; accepted: an object; its fields: images"),
]


@pytest.mark.parametrize(("make", "message"), BAD, ids=range(len(BAD)))
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()

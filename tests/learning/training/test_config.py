"""Training configurations: bounds, schedules, round trip through JSON."""

import json

import pytest

from nat_core.learning.training.config import RECIPES, TrainingConfig, authors_recipe


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"space": "nasbench"}, "space is 'nasbench'; accepted: fully_concat, loose_end, nasbench201"),
        ({"rule": "any"}, r"rule is 'any'; accepted: nat, nat\+\+"),
        ({"data_set": "mnist"}, "data_set is 'mnist'; accepted: cifar10_valid"),
        ({"data_set": []}, r"data_set is \[\]; accepted: cifar10_valid"),
        *(
            (
                {"data_set": f"{name}_test"},
                f"data_set is '{name}_test', a test set, which reports and never chooses; "
                "accepted: cifar10_valid, cifar100_valid, imagenet16_120_valid$",
            )
            for name in ("cifar10", "cifar100", "imagenet16_120")
        ),
        ({"estimator": "ppo"}, "estimator is 'ppo'; accepted: group, moving_average"),
        ({"reward_scale": "logits"}, "reward_scale is 'logits'; accepted: normal_scores, points"),
        ({"cost": "joules"}, "cost is 'joules'; accepted: macs, 1080ti_1"),
        ({"steps": 0}, "steps is 0; it must be between 1 and"),
        ({"steps": 1.5}, "steps is 1.5; it must be an integer"),
        ({"batch": True}, "batch is True; it must be an integer"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it must be between 0.0 and 1.0"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; it must be a number"),
        ({"samples": 1}, "samples must be 2 or more"),
        ({"betas": (0.9, 1.0)}, "betas are"),
        ({"space": "loose_end", "cost": "pixel3", "cost_weight": 0.1}, "latencies on pixel3 are known for nasbench201"),
    ],
)
def test_bad_values_are_named(fields, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**fields)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_round_trip_through_json(recipe):
    config = recipe(seed=3, cost_weight=0.05)
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_unknown_fields_are_refused():
    with pytest.raises(ValueError, match="unknown field 'stepz'; accepted: space, rule"):
        TrainingConfig.from_dict({"stepz": 3})


def test_rate_warms_up_and_falls():
    config = TrainingConfig(steps=150, warmup_steps=50, learning_rate=1.0)
    rates = [config.learning_rate_at(step) for step in range(150)]
    assert rates[:2] == pytest.approx([1 / 50, 2 / 50])
    assert rates[50] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.5)
    assert 0 < rates[149] < 1e-3
    assert authors_recipe().learning_rate_at(7999) == 3e-4


def test_entropy_weight_is_linear():
    config = TrainingConfig(steps=101, entropy_start=0.03, entropy_end=0.01)
    assert [config.entropy_weight_at(step) for step in (0, 50, 100)] == pytest.approx([0.03, 0.02, 0.01])
    assert TrainingConfig(steps=1, entropy_start=0.5).entropy_weight_at(0) == 0.5

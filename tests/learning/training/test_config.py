"""Training configurations: bounds, schedules, round trip through JSON."""

import json

import pytest

from nat_core.learning.training.config import RECIPES, AdamConfig, ReinforceConfig, TrainingConfig
from nat_core.options import with_fields


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"space": "nasbench"}, "space is 'nasbench'; accepted: fully_concat, loose_end, nasbench201"),
        ({"rule": "any"}, r"rule is 'any'; accepted: nat, nat\+\+"),
        ({"reward.data_set": "mnist"}, "data_set is 'mnist'; accepted: cifar10_valid"),
        ({"reward.data_set": []}, r"data_set is \[\]; accepted: cifar10_valid"),
        *(
            (
                {"reward.data_set": f"{name}_test"},
                f"data_set is '{name}_test', a test set, which reports and never chooses; "
                "accepted: cifar10_valid, cifar100_valid, imagenet16_120_valid$",
            )
            for name in ("cifar10", "cifar100", "imagenet16_120")
        ),
        ({"reinforce.estimator": "ppo"}, "estimator is 'ppo'; accepted: group, moving_average"),
        ({"reinforce.reward_scale": "logits"}, "reward_scale is 'logits'; accepted: normal_scores, points"),
        ({"reward.cost": "joules"}, "cost is 'joules'; accepted: macs, 1080ti_1"),
        ({"steps": 0}, "steps is 0; accepted: whole numbers from 1 to 10,000,000$"),
        ({"steps": 1.5}, "steps is 1.5; accepted: whole numbers from 1 to"),
        ({"batch": True}, "batch is True; accepted: whole numbers from 1 to"),
        ({"optimizer.learning_rate": float("nan")}, "learning_rate is nan; accepted: numbers from 0 to 1$"),
        ({"optimizer.learning_rate": "0.1"}, "learning_rate is '0.1'; accepted: numbers from 0 to 1$"),
        ({"steps": "7"}, "steps is '7'; accepted: whole numbers"),
        ({"reward.source": "trainings"}, "reward.source is 'trainings'; accepted for nasbench201, which has a table"),
        ({"reward.trainings": ("a.csv",)}, "trainings reward where reward.source is 'trainings', not 'table'"),
        ({"samples": 1}, "samples must be 2 or more"),
        ({"optimizer.betas": (0.9, 1.0)}, r"betas\[1\] is 1.0; accepted: numbers from 0 to below 1$"),
        (
            {"space": "loose_end", "reward.cost": "pixel3", "reward.cost_weight": 0.1},
            "latencies on pixel3 are known for nasbench201",
        ),
    ],
)
def test_bad_values_are_named(fields, message):
    with pytest.raises(ValueError, match=message):
        with_fields(TrainingConfig(), fields)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_round_trip_through_json(recipe):
    config = with_fields(recipe, {"seed": 3, "reward.cost_weight": 0.05})
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_unknown_fields_are_refused():
    with pytest.raises(ValueError, match="unknown field 'stepz'; accepted: space, rule"):
        TrainingConfig.from_dict({"stepz": 3})


def test_rate_warms_up_and_falls():
    rates = [AdamConfig(warmup_steps=50, learning_rate=1.0).rate_at(step, 150) for step in range(150)]
    assert rates[:2] == pytest.approx([1 / 50, 2 / 50])
    assert rates[50] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.5)
    assert 0 < rates[149] < 1e-3
    assert RECIPES["authors"].optimizer.rate_at(7999, 8000) == 3e-4


def test_entropy_weight_is_linear():
    config = ReinforceConfig(entropy_start=0.03, entropy_end=0.01)
    assert [config.entropy_weight_at(step, 101) for step in (0, 50, 100)] == pytest.approx([0.03, 0.02, 0.01])
    assert ReinforceConfig(entropy_start=0.5).entropy_weight_at(0, 1) == 0.5

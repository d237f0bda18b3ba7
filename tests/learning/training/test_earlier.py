"""What earlier versions wrote, with a training's configuration in one flat piece, is read and continued."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nat_core.learning.image_training.presets import preset
from nat_core.learning.policies.checkpoint import load_card
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.support.earlier import in_parts
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.config import RECIPES, TRAININGS, BudgetsConfig, InputsConfig, TrainingConfig
from nat_core.learning.training.loop import train
from nat_core.options import with_fields
from nat_core.paths import PRETRAINED
from nat_core.runs.kinds import work_of
from nat_core.runs.request import Request

EARLIER = Path(__file__).with_name("earlier")
CONFIG = with_fields(
    TrainingConfig(policy=PolicyConfig("edge", 8, 1, 4, 4), steps=8, batch=4, samples=2, inputs=InputsConfig(20, 5)),
    {"optimizer.warmup_steps": 2, "reward.cost_weight": 0.05, "seed": 3},
)
# The recipe for modelled rewards as it was before policies were told budgets.
BEFORE_BUDGETS = with_fields(
    replace(RECIPES[TRAININGS], steps=500, budgets=BudgetsConfig()),
    {
        "reinforce.searched_share": 0.6, "reward.cost_weight": 0.05, "reward.caution": 1.0, "inputs.training": 1000,
        "inputs.held_out": 200,
    },
)  # fmt: skip


def test_a_checkpoint_is_continued_bit_for_bit(tmp_path):
    path = shutil.copy(EARLIER / "training.safetensors", tmp_path)
    reported = {}
    resumed = train(CONFIG, hooks=Hooks(checkpoint=Path(path), progress=reported.__setitem__))
    assert resumed.finished and min(reported) > 4
    whole = train(CONFIG).policy.state_dict()
    assert all(torch.equal(weights, whole[name]) for name, weights in resumed.policy.state_dict().items())


def test_a_checkpoint_of_another_configuration_is_refused_by_the_field(tmp_path):
    path = shutil.copy(EARLIER / "training.safetensors", tmp_path)
    other = with_fields(CONFIG, {"reward.cost_weight": 0.1})
    with pytest.raises(ValueError, match=r"reward.cost_weight was 0\.05 and is now 0\.1; accepted: a checkpoint of"):
        train(other, hooks=Hooks(checkpoint=Path(path)))


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("table", CONFIG),
        ("trainings", with_fields(BEFORE_BUDGETS, {"space": "fully_concat", "steps": 7})),
        ("images", replace(preset("smoke", "loose_end"), images="held")),  # nothing was streamed then
    ],
)
def test_a_recorded_request_means_the_same(name, config):
    request = Request.from_json((EARLIER / f"{name}.json").read_text(encoding="utf-8"))
    assert work_of(request.kind).config.from_dict(request.config) == config
    now = replace(request, config=json.loads(json.dumps(config.to_dict()))).parameters()
    assert request.parameters().items() <= now.items()


def test_what_was_wrong_then_is_refused_in_one_sentence():
    flat = json.loads((EARLIER / "table.json").read_text(encoding="utf-8"))["config"]
    for change, message in (
        ({"held_out": -1}, r"inputs\.held_out is -1; accepted: whole numbers from 0 to 1,000,000"),
        ({"stepz": 1}, "unknown field 'stepz'; accepted: space, rule"),
        ({"reward": 3}, r"reward is 3; accepted: an object"),
        (
            {"data_set": "cifar10_test"},
            "reward.data_set is 'cifar10_test', a test set, which reports and never chooses",
        ),
        ({"inputs": "many"}, "inputs.training is 'many'; accepted: whole numbers from 1 to 1,000,000"),
    ):
        with pytest.raises(ValueError, match=message):
            TrainingConfig.from_dict({**flat, **change})


@pytest.mark.parametrize("space", ["fully_concat", "loose_end", "nasbench201"])
def test_shipped_cards_say_how_their_policies_were_trained(space):
    card = load_card(PRETRAINED / space)
    training = {name: value for name, value in card.training.items() if name != "steps_done"}
    config = TrainingConfig.from_dict(training)
    assert config == replace(RECIPES["budgets" if space == "nasbench201" else TRAININGS], space=space)
    assert in_parts(in_parts(training)) == in_parts(training)

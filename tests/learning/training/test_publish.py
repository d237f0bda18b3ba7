"""Cards of trained policies, and the shipped one."""

import pytest

from nat_core.learning.policies.checkpoint import list_policies, load_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.learning.training.loop import train
from nat_core.learning.training.publish import publish
from nat_core.paths import PRETRAINED

SHIPPED = list_policies(PRETRAINED)


def test_a_training_becomes_a_folder(tmp_path):
    policy = PolicyConfig(width=8, layers=1, embedding=4, key=4)
    config = TrainingConfig(policy=policy, steps=2, batch=8, samples=2, inputs=InputsConfig(20, 15), seed=5)
    loaded, card = load_policy(publish(tmp_path / "p", train(config), "python -m nat_core train"))
    assert loaded.config == policy
    assert (card.space, card.rule, card.seed, card.command) == ("nasbench201", "nat++", 5, "python -m nat_core train")
    assert card.data == "NAS-Bench-201: CIFAR-10 validation, 12 epochs"
    assert card.training["steps_done"] == 2
    assert {"torch", "threads", "cores"} <= set(card.machine)
    assert set(card.quality) == {"inputs", "score", "greedy", "best_of_10", "best_of_100", "transfer"}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_load_and_tell_their_story(name):
    _, card = load_policy(SHIPPED[name])
    assert card.space == name
    assert card.command.startswith("python -m nat_core train")
    assert card.elapsed_seconds > 0
    assert card.quality

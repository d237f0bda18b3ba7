"""Policies on disk: round trip, and one clear sentence for everything that can be wrong."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from nat_core.architecture.spaces import SPACES
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies.checkpoint import (
    CARD,
    WEIGHTS,
    PolicyCard,
    list_policies,
    load_policy,
    name_policy,
    save_policy,
)
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy

CONFIG = PolicyConfig(width=8, layers=1, embedding=4, key=4)


def _card(**changes) -> PolicyCard:
    return PolicyCard(**{"space": "nasbench201", "rule": "nat++", "policy": CONFIG, "seed": 3, **changes})


@pytest.fixture
def folder(tmp_path):
    return save_policy(tmp_path / "small", Policy(CONFIG), _card(quality={"recovered": 0.99}, command="train"))


def test_round_trip(tmp_path):
    policy = Policy(CONFIG)
    card = _card(data="a table", training={"steps": 3}, elapsed_seconds=1.5, machine={"cores": 2})
    loaded, loaded_card = load_policy(save_policy(tmp_path / "a" / "b", policy, card))
    assert loaded_card == card
    assert not loaded.training
    cell = table.architecture_of_code(123)
    expected = policy.eval().distribution([cell], SPACES["nasbench201"]).probabilities
    assert torch.equal(loaded.distribution([cell], SPACES["nasbench201"]).probabilities, expected)
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [CARD, WEIGHTS]


def test_saving_again_replaces(folder):
    policy = Policy(CONFIG)
    save_policy(folder, policy, _card(seed=4))
    loaded, card = load_policy(folder)
    assert card.seed == 4
    assert torch.equal(loaded.query[0].weight, policy.query[0].weight)


def _truncate(folder):
    raw = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(raw[: len(raw) // 2])


def _with_weights(change):
    def damage(folder):
        weights = load_file(folder / WEIGHTS)
        change(weights)
        save_file(weights, folder / WEIGHTS)

    return damage


def _with_card(change):
    def damage(folder):
        card = json.loads((folder / CARD).read_text())
        change(card)
        (folder / CARD).write_text(json.dumps(card))

    return damage


BIAS = "query.0.bias"
DAMAGES = {
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "policy.safetensors does not exist"),
    "no card": (lambda folder: (folder / CARD).unlink(), "card.json does not exist"),
    "truncated": (_truncate, "policy.safetensors: truncated or not a safetensors file"),
    "empty": (lambda folder: (folder / WEIGHTS).write_bytes(b""), "truncated or not a safetensors file"),
    "a pickle": (lambda folder: torch.save({}, folder / WEIGHTS), "truncated or not a safetensors file"),
    "NaN": (_with_weights(lambda w: w[BIAS].fill_(float("nan"))), f"'{BIAS}' contains NaN or infinity"),
    "infinity": (_with_weights(lambda w: w[BIAS].fill_(float("inf"))), f"'{BIAS}' contains NaN or infinity"),
    "wrong shape": (_with_weights(lambda w: w.update({BIAS: torch.zeros(9)})), rf"'{BIAS}' is torch.float32 \(9,\)"),
    "wrong type": (_with_weights(lambda w: w.update({BIAS: torch.zeros(8).int()})), rf"'{BIAS}' is torch.int32"),
    "missing weight": (_with_weights(lambda w: w.pop(BIAS)), f"'{BIAS}' is missing"),
    "unknown weight": (_with_weights(lambda w: w.update(x=torch.zeros(1))), "'x' belongs to no policy"),
    "not JSON": (lambda folder: (folder / CARD).write_text("{"), "card.json: Expecting"),
    "not text": (lambda folder: (folder / CARD).write_bytes(b"\xff\xfe"), "card.json: "),
    "a list": (lambda folder: (folder / CARD).write_text("[]"), "PolicyCard is \\[\\]; accepted: an object"),
    "deep": (lambda folder: (folder / CARD).write_text("[" * 100_000), "card.json: "),
    "large": (lambda folder: (folder / CARD).write_text(" " * 2_000_000), "larger than 1048576 bytes"),
    "missing field": (_with_card(lambda card: card.pop("policy")), "the field 'policy' is missing"),
    "unknown field": (_with_card(lambda card: card.update(x=1)), "unknown field 'x'; accepted: space, rule"),
    "wrong space": (_with_card(lambda card: card.update(space="mars")), "space is 'mars'; accepted: fully_concat"),
    "wrong rule": (_with_card(lambda card: card.update(rule=["nat"])), "rule is .*; accepted: nat, nat\\+\\+"),
    "wrong version": (_with_card(lambda card: card.update(format_version=2)), "format_version is 2; accepted: 1"),
    "wrong type of field": (_with_card(lambda card: card.update(seed="x")), "seed is 'x'; accepted: whole numbers"),
    "a list of columns": (_with_card(lambda card: card["training"].update(data_set=[])), r"training: data_set is \[\]"),
    "no column": (_with_card(lambda card: card["training"].update(data_set=None)), "training: data_set is None; acc"),
    "a test set": (
        _with_card(lambda card: card["training"].update(data_set="cifar100_test")),
        "training: data_set is 'cifar100_test', a test set, which reports and never chooses; accepted: cifar10_valid, "
        "cifar100_valid, imagenet16_120_valid",
    ),
    "training no object": (_with_card(lambda card: card.update(training=[])), "training is .*; accepted: an object"),
    "quality no object": (_with_card(lambda card: card.update(quality="x")), "quality is 'x'; accepted: an object"),
    "infinite time": (_with_card(lambda card: card.update(elapsed_seconds=float("inf"))), "elapsed_seconds is inf"),
    "no time": (_with_card(lambda card: card.update(elapsed_seconds=float("nan"))), "elapsed_seconds is nan"),
    "wrong network": (_with_card(lambda card: card["policy"].update(network="x")), "policy.network is 'x'"),
    "absurd width": (_with_card(lambda card: card["policy"].update(width=10**9)), "width is 1000000000"),
    "incomplete shape": (_with_card(lambda card: card["policy"].pop("key")), "the card's shape needs"),
    "another shape": (_with_card(lambda card: card["policy"].update(width=16)), "the card's shape needs"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=list(DAMAGES))
def test_damage_is_named(folder, damage, message):
    damage(folder)
    with pytest.raises(ValueError, match=message) as caught:
        load_policy(folder)
    text = str(caught.value)
    assert text.startswith(str(folder))
    assert text.endswith("accepted: a folder with policy.safetensors and card.json as written by `train`")
    assert "\n" not in text


def test_a_broken_policy_is_not_saved(tmp_path):
    policy = Policy(CONFIG)
    with pytest.raises(ValueError, match="the card says PolicyConfig"):
        save_policy(tmp_path / "x", policy, _card(policy=PolicyConfig()))
    policy.query[0].bias.data.fill_(torch.nan)
    with pytest.raises(ValueError, match="NaN or infinity"):
        save_policy(tmp_path / "x", policy, _card())
    assert not (tmp_path / "x").exists()


def test_listing(folder):
    root = folder.parent
    save_policy(root / "another", Policy(CONFIG), _card())
    (root / "empty").mkdir()
    assert list_policies(root) == {"another": root / "another", "small": folder}
    assert list_policies(folder) == {"small": folder}
    assert list_policies(root / "nowhere") == {}


def test_a_policy_is_called_as_it_was_named_and_every_one_is_listed(folder, tmp_path):
    for name, title in (("1", "mine/yours"), ("2", "small"), ("3", "small"), ("4", "x" * 113)):
        name_policy(save_policy(tmp_path / name, Policy(CONFIG), _card()), title)
    name_policy(save_policy(tmp_path / "5", Policy(CONFIG), _card()), " ")
    (save_policy(tmp_path / "6", Policy(CONFIG), _card()) / "name.txt").write_bytes(b"\xff\xfe")
    save_policy(tmp_path / ".7", Policy(CONFIG), _card())  # being written
    root = tmp_path.name
    assert {name: path.name for name, path in list_policies(tmp_path).items()} == {
        "5": "5", "6": "6", "mine/yours": "1", "small": "2", f"small ({root})": "3", "small (small)": "small",
        "x" * 113: "4",
    }  # fmt: skip

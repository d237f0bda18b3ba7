"""A policy's folder is written as a whole, and only what its card names belongs to it."""

import json
import random

import pytest

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies import supernet_files
from nat_core.learning.accuracies.supernet_files import SupernetCard, save_supernet
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import CARD, WEIGHTS, PolicyCard, list_policies, load_card, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.policy_folder import copy_whole, save_whole
from nat_core.network.config import NetworkConfig
from nat_core.network.supernet import Supernet

SPACE = SPACES["fully_concat"]
SMALL = PolicyConfig(width=8, layers=1, embedding=8, key=8)
SUPERNET = {supernet_files.WEIGHTS, supernet_files.CARD}


def card(seed: int) -> PolicyCard:
    return PolicyCard(space=SPACE.name, rule="nat++", policy=SMALL, seed=seed)


def shared_weights(folder):
    network = NetworkConfig("cifar", channels=4, layers=3, resolution=8, classes=10)
    settings = SupernetCard(
        space=SPACE.name, network=network, data="sample", data_description="", split_seed=0, batch=64, training={}
    )
    save_supernet(folder, Supernet(SPACE, network), settings)


def from_images(folder):
    return save_whole(folder, Policy(SMALL), card(1), [shared_weights])


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_used_again_keeps_nothing_of_the_policy_before(tmp_path):
    folder = from_images(tmp_path / "p")
    assert names(folder) == {CARD, WEIGHTS, *SUPERNET} and set(load_card(folder).files) == SUPERNET
    cell = SPACE.sample(random.Random(0))
    assert catalogue.accuracy_source(load_card(folder), cell).kind == "shared-weight"
    save_whole(folder, Policy(SMALL), card(2))
    assert names(folder) == {CARD, WEIGHTS} and load_card(folder).seed == 2
    assert catalogue.accuracy_source(load_card(folder), cell) is None
    assert names(tmp_path) == {"p"}


def test_what_lies_beside_a_policy_judges_only_if_the_card_names_it(tmp_path):
    folder = save_whole(tmp_path / "p", Policy(SMALL), card(2))
    shared_weights(folder)
    cell = SPACE.sample(random.Random(0))
    assert catalogue.accuracy_source(load_card(folder), cell) is None
    written = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({name: value for name, value in written.items() if name != "files"}))
    assert catalogue.accuracy_source(load_card(folder), cell).kind == "shared-weight"  # a card of an earlier version


def test_a_writing_that_fails_leaves_the_old_policy_whole(tmp_path):
    folder = from_images(tmp_path / "p")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(fresh):
        (fresh / "reward_model.safetensors").write_bytes(b"half")
        assert list(list_policies(tmp_path)) == ["p"]  # what is being written is not offered
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        save_whole(folder, Policy(SMALL), card(2), [shared_weights, fail])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert names(tmp_path) == {"p"}


def test_files_of_the_users_own_stay(tmp_path):
    folder = from_images(tmp_path / "p")
    (folder / "notes").mkdir()
    (folder / "notes" / "today.md").write_text("mine")
    save_whole(folder, Policy(SMALL), card(2))
    assert names(folder) == {CARD, WEIGHTS, "notes"} and (folder / "notes" / "today.md").read_text() == "mine"
    assert load_card(folder).seed == 2 and names(tmp_path) == {"p"}


def test_a_folder_that_cannot_be_swapped_is_filled(tmp_path, monkeypatch):
    """As where another disk begins."""
    from pathlib import Path

    folder, rename = from_images(tmp_path / "p"), Path.rename

    def busy(path, target):
        if path == folder:
            raise OSError(16, "Device or resource busy")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", busy)
    save_whole(folder, Policy(SMALL), card(2))
    assert names(folder) == {CARD, WEIGHTS} and load_card(folder).seed == 2 and names(tmp_path) == {"p"}


def test_a_link_to_a_folder_stays_one(tmp_path):
    from_images(tmp_path / "p")
    (tmp_path / "link").symlink_to(tmp_path / "p")
    save_whole(tmp_path / "link", Policy(SMALL), card(2))
    assert (tmp_path / "link").is_symlink() and load_card(tmp_path / "p").seed == 2


def test_a_copy_holds_what_belongs_to_the_policy(tmp_path):
    source = from_images(tmp_path / "p")
    (source / "more.txt").write_text("")
    copied = copy_whole(source, tmp_path / "new" / "q")
    assert names(copied) == {CARD, WEIGHTS, *SUPERNET} and load_card(copied) == load_card(source)
    save_policy(tmp_path / "r", Policy(SMALL), card(3))
    assert names(copy_whole(tmp_path / "r", copied)) == {CARD, WEIGHTS}
    with pytest.raises(ValueError, match="does not exist"):
        copy_whole(tmp_path, copied)
    assert names(copied) == {CARD, WEIGHTS}

"""Checkpoints: two are kept, and neither an interruption nor a full disk takes the last good one."""

import errno
import os

import pytest
import torch

from nat_core.learning.support import files
from nat_core.learning.support.files import load_tensors, save_tensors
from nat_core.runs.artifacts import Checkpoints


@pytest.fixture
def checkpoints(tmp_path) -> Checkpoints:
    return Checkpoints(tmp_path / "run")


def save(checkpoints: Checkpoints, number: int) -> None:
    with checkpoints.saving() as path:
        save_tensors(path, {"step": torch.tensor(number)})


def number(path) -> int:
    return int(load_tensors(path)[0]["step"])


def names(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_the_last_two_are_kept(checkpoints):
    for step in (1, 2, 3):
        save(checkpoints, step)
    assert (number(checkpoints.path()), number(checkpoints.previous())) == (3, 2)
    assert names(checkpoints) == ["state.previous.safetensors", "state.safetensors"]


def test_names_are_kept_apart(checkpoints):
    save(checkpoints, 1)
    with checkpoints.saving("supernet") as path:
        save_tensors(path, {"step": torch.tensor(7)})
    assert (number(checkpoints.path()), number(checkpoints.path("supernet"))) == (1, 7)
    assert not checkpoints.previous().exists()


def test_a_full_disk_keeps_both_and_says_so(checkpoints, monkeypatch):
    save(checkpoints, 1)
    save(checkpoints, 2)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=r"could not be written \(No space left on device\); the previous one is kept"):
        save(checkpoints, 3)
    assert (number(checkpoints.path()), number(checkpoints.previous())) == (2, 1)
    assert names(checkpoints) == ["state.previous.safetensors", "state.safetensors"]


def test_a_full_disk_before_the_first_one(checkpoints, monkeypatch):
    monkeypatch.setattr(files, "save_file", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match=r"could not be written \(full\); there is none yet"):
        save(checkpoints, 1)
    assert names(checkpoints) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("I/O error: No space left on device (os error 28)", "No space left on device"),
        ("odd", ".* cannot be written .*odd"),
    ],
)
def test_what_the_system_told_the_writer_is_said_once(checkpoints, monkeypatch, words, reason):
    monkeypatch.setattr(files, "save_file", lambda *_, **__: (_ for _ in ()).throw(files.SafetensorError(words)))
    with pytest.raises(OSError, match=rf"^a checkpoint could not be written \({reason}\)+; there is none yet$"):
        save(checkpoints, 1)


def test_an_unreadable_newest_one_gives_way_to_the_one_before(checkpoints):
    save(checkpoints, 1)
    save(checkpoints, 2)
    assert not checkpoints.restore()
    checkpoints.path().write_bytes(b"")
    assert checkpoints.restore()
    assert number(checkpoints.path()) == 1


def test_what_an_interrupted_save_left_is_removed(checkpoints):
    save(checkpoints, 1)
    (checkpoints.folder / ".state.safetensors.abc").touch()
    (checkpoints.folder / ".state.kept").touch()
    assert not checkpoints.restore()
    assert names(checkpoints) == ["state.safetensors"]


def test_delete_removes_the_folder(checkpoints):
    save(checkpoints, 1)
    checkpoints.delete()
    assert not checkpoints.folder.exists()
    assert not checkpoints.restore()

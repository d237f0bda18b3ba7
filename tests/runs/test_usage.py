"""What a run's process takes, of the device that is its own. The driver's tool is one that says what it is asked."""

import os
import sys
from types import SimpleNamespace

import pytest

from nat_core.runs.usage import Meter


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """torch as it is with two GPUs, and a tool of the driver that knows them by their ids, in another order."""
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        memory_reserved=lambda device: {"cuda:0": 100, "cuda:1": 200}[device],
        get_device_properties=lambda device: SimpleNamespace(uuid={"cuda:0": "aaaa", "cuda:1": "bbbb"}[device]),
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\ncase "$*" in *--id=GPU-aaaa*) echo 11;; *--id=GPU-bbbb*) echo 22;; *) exit 6;; esac\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tool


def test_a_run_on_a_gpu_says_how_busy_that_one_is(two_gpus):
    found = [Meter(device)() for device in ("cuda:0", "cuda:1", "cpu")]
    assert [(item.gpu_memory_bytes, item.gpu_percent) for item in found] == [(100, 11.0), (200, 22.0), (None, None)]


def test_a_tool_that_does_not_answer_leaves_it_open(two_gpus):
    two_gpus.write_text("#!/bin/sh\nexit 9\n")
    assert Meter("cuda:1")().gpu_percent is None


def test_without_a_gpu_there_is_only_the_process():
    usage = Meter("cpu")()
    assert usage.memory_bytes > 0 and usage.gpu_memory_bytes is usage.gpu_percent is None

"""Processes: a number that was given to another one is never taken for the first; a GPU's use is its own.

The tool of the GPU's driver is one that says what it is asked.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from nat_core.runs.processes import Meter, process


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as started:
        yield started
        started.kill()


def test_this_process_is_alive():
    assert process().alive and process().is_here and process().pid == os.getpid()


def test_a_process_gets_a_signal_and_is_then_gone(sleeper):
    found = process(sleeper.pid)
    assert found.alive and found.signal(signal.SIGTERM)
    deadline = time.monotonic() + 10
    while found.alive:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert psutil.pid_exists(sleeper.pid)  # a zombie, since nobody has asked for its status
    assert not found.signal(signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM


def test_a_recycled_number_is_neither_alive_nor_signalled(sleeper):
    earlier = replace(process(sleeper.pid), created=process(sleeper.pid).created - 60)
    assert not earlier.alive and not earlier.signal(signal.SIGKILL)
    time.sleep(0.05)
    assert sleeper.poll() is None


def test_a_process_elsewhere_is_unknown_and_not_signalled(sleeper):
    elsewhere = replace(process(sleeper.pid), host="elsewhere")
    assert elsewhere.alive is None and not elsewhere.signal(signal.SIGKILL)
    time.sleep(0.05)
    assert sleeper.poll() is None


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

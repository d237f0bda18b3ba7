"""Processes: a number that was given to another process is never taken for the first one."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from nat_core.runs.processes import process


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

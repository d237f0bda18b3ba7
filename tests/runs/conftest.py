"""Stores of runs to test with."""

import importlib.util
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nat_core.runs import launcher
from nat_core.runs.folders import Folders
from nat_core.runs.run import Run
from nat_core.runs.tracking import Tracking, open_tracking

LIGHT_WORK = Path(__file__).parent / "light_work.py"


@pytest.fixture(scope="module")
def tracking(empty_database, tmp_path_factory) -> Iterator[Tracking]:
    """A store that the tests of a module share; runs that a failed test leaves at work are ended."""
    folders = Folders(tmp_path_factory.mktemp("runs"))
    shutil.copy(empty_database, folders.database)
    opened = open_tracking(folders=folders)
    yield opened
    for run in opened.runs():
        if run.active and run.process is not None and run.process.pid != os.getpid():
            run.process.signal(signal.SIGKILL)


@pytest.fixture(scope="session")
def light_work():
    """The kind of run "count", known here and to processes that are launched."""
    spec = importlib.util.spec_from_file_location("light_work", LIGHT_WORK)
    module = importlib.util.module_from_spec(spec)
    sys.modules["light_work"] = module
    spec.loader.exec_module(module)
    module.teach()
    before = launcher.PROGRAM
    launcher.PROGRAM = (sys.executable, str(LIGHT_WORK))
    yield module
    launcher.PROGRAM = before


@pytest.fixture
def wait_until(tracking) -> Callable[..., Run]:
    """Waits until a run satisfies a condition; fails with its state and log if it takes too long."""

    def wait(run_id: str, condition: Callable[[Run], bool], seconds: float = 60.0) -> Run:
        deadline = time.monotonic() + seconds
        while not condition(run := tracking.get(run_id)):
            log = "\n".join(tracking.log_lines(run_id, 20))
            assert time.monotonic() < deadline, f"still {run.state} at step {run.step}\n{log}"
            time.sleep(0.05)
        return run

    return wait

"""What may happen to a record of runs: each ends in one sentence, and what was recorded is still there afterwards."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import types
from contextlib import closing
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psutil
import pytest

from nat_core.cli import main
from nat_core.runs import processes
from nat_core.runs.folders import Folders
from nat_core.runs.kinds import request_for
from nat_core.runs.launcher import delete, resume, stop
from nat_core.runs.processes import process
from nat_core.runs.request import Request
from nat_core.runs.run import State
from nat_core.runs.store import Point
from nat_core.runs.tracking import Tracking, open_tracking

# Launches a run as a server does, says which, and waits to be killed.
SERVER = """
import sys, time
sys.path.insert(0, {folder!r})
import light_work
light_work.teach()
from nat_core.runs import launcher
from nat_core.runs.kinds import request_for
from nat_core.runs.tracking import open_tracking
launcher.PROGRAM = (sys.executable, light_work.__file__)
request = request_for("count", light_work.Counting(steps=40, seconds=0.05), device="killed-server")
print(launcher.launch(open_tracking(), request), flush=True)
time.sleep(100)
"""


@pytest.fixture
def ask(light_work):
    return lambda **options: request_for("count", light_work.Counting(steps=3), **options)


@pytest.fixture
def own(empty_database, tmp_path) -> Tracking:
    """A record that a test may damage."""
    folders = Folders(tmp_path / "runs")
    shutil.copy(empty_database, folders.database)
    return open_tracking(folders=folders)


def damage(tracking: Tracking) -> None:
    """Overwrites what lies behind the first page of the database."""
    path = tracking.folders.database
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


def test_a_record_that_breaks_while_it_is_open_is_one_sentence(own, ask, monkeypatch, capsys):
    run = own.create(ask())
    damage(own)
    for question in (own.runs, lambda: own.points(run.id)):
        with pytest.raises(OSError, match=r"^the record of runs .*mlflow\.db cannot be read \(.*malformed"):
            question()
    for action in (lambda: own.get(run.id), lambda: own.create(ask()), lambda: own.note(run.id, {"step": 1})):
        with pytest.raises(OSError, match=r"the record of runs .*cannot be (used|read)") as caught:
            action()
        assert "\n" not in str(caught.value) and "SELECT" not in str(caught.value)
    monkeypatch.setenv("NAT_LAB_RUNS", str(own.folders.root))
    assert main(["runs"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_record_that_may_only_be_read_is_still_read(own, ask):
    run = own.create(ask())
    own.note(run.id, {"step": 2}, [Point("number", 2, 0.5, time.time())])
    with closing(sqlite3.connect(own.folders.database)) as other:
        other.execute("BEGIN EXCLUSIVE")  # as good as a disk that refuses: nobody else can write
        assert [(item.id, item.step) for item in own.runs()] == [(run.id, 2)]
        assert own.points(run.id) == {"number": [(2, 0.5)]}


@pytest.mark.parametrize("kind", ["a file in its place", "read-only"])
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, capsys, kind):
    if kind == "read-only":
        tmp_path.chmod(0o555)
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
    else:
        (tmp_path / "file").touch()
    root = tmp_path / ("runs" if kind == "read-only" else "file/runs")
    monkeypatch.setenv("NAT_LAB_RUNS", str(root))
    with pytest.raises(ValueError, match=rf"^no runs can be recorded at .*{root.name}.*; see .* and NAT_LAB_RUNS$"):
        open_tracking()
    assert main(["runs"]) == 2
    assert capsys.readouterr().err.startswith("error: no runs can be recorded at ")


def test_a_run_outlives_the_server_that_launched_it(tracking, light_work, wait_until):
    code = SERVER.format(folder=str(Path(light_work.__file__).parent))
    surroundings = {**os.environ, "NAT_LAB_RUNS": str(tracking.folders.root)}
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=surroundings)
    assert server.stdout is not None
    run_id = server.stdout.readline().strip()
    server.kill()
    server.wait()
    run = wait_until(run_id, lambda run: run.state is State.FINISHED)
    assert run.step == 40
    assert [step for step, _ in tracking.points(run_id)["number"]] == list(range(1, 41))


@pytest.mark.parametrize("jump_seconds", [-86_400.0, -3.0, 3.0, 86_400.0])
def test_a_clock_that_jumps_loses_no_process(monkeypatch, jump_seconds):
    before, started, boot = process(), psutil.Process.create_time, psutil.boot_time
    # What the system says about both moments once its clock was set; see proc(5), btime.
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: started(self) + jump_seconds)
    monkeypatch.setattr(processes.psutil, "boot_time", lambda: boot() + jump_seconds)
    assert before.alive


def test_a_run_from_the_future_is_listed_and_can_be_stopped(tracking, ask):
    run = tracking.create(ask(device="future"))
    tomorrow = time.time() + 86_400
    tracking.transition(run.id, State.RUNNING)
    facts = {"heartbeat": tomorrow, "step": 1, "stopping_at": tomorrow}
    tracking.note(run.id, facts, [Point("number", 1, 0.5, tomorrow)])
    assert run.id in [item.id for item in tracking.runs()]
    tracking.attach(run.id, replace(process(), host="elsewhere"))
    assert tracking.get(run.id).state is State.LOST  # nothing says that it lives
    tracking.attach(run.id, process(process().pid))
    assert tracking.get(run.id).state is State.RUNNING  # it does


def _create(root: Path, request: Request, count: int, start: Barrier) -> None:
    tracking = open_tracking(folders=Folders(root))
    start.wait()
    for _ in range(count):
        tracking.create(request)


def test_two_servers_on_one_folder_record_every_run_under_a_name_of_its_own(own, ask):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    servers = [context.Process(target=_create, args=(own.folders.root, ask(), 4, start)) for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:  # a page's test leaves its script there, which children would run
        patch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
        for server in servers:
            server.start()
    for server in servers:
        server.join()
        assert server.exitcode == 0
    assert sorted(run.name for run in own.runs()) == [f"numbers-{number}" for number in range(1, 9)]


def test_what_another_server_deleted_is_one_sentence(own, ask):
    run = own.create(ask(device="deleted"))
    own.delete(run.id)  # every server asks the record, so which one did it makes no difference
    for action in (stop, resume, delete):
        with pytest.raises(ValueError, match=r"^there is no run .* any more, it was deleted$"):
            action(own, run.id)
    assert own.runs() == []

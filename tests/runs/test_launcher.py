"""Processes of runs: started, queued, stopped, ended when deaf, found lost, resumed, deleted. Real ones, briefly."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.runs import launcher
from nat_core.runs import run as run_module
from nat_core.runs.artifacts import Snapshots
from nat_core.runs.kinds import request_for
from nat_core.runs.launcher import delete, launch, requeue, resume, stop
from nat_core.runs.processes import process
from nat_core.runs.run import State
from nat_core.runs.worker import execute

SMALL = PolicyConfig(width=8, layers=1, embedding=8, key=8)


@pytest.fixture
def ask(light_work):
    """A request to count on a device of the test's own, so that tests do not wait for each other."""

    def ask(device: str, **counting):
        return request_for("count", light_work.Counting(**counting), device=device)

    return ask


def steps(tracking, run_id: str) -> list[int]:
    return [step for step, _ in tracking.points(run_id)["number"]]


def test_one_run_per_device_works_and_others_wait(tracking, ask, wait_until):
    ids = [launch(tracking, ask("queue", steps=6_000, seconds=0.02)) for _ in range(3)]
    assert {tracking.get(run_id).state for run_id in ids} <= {State.QUEUED, State.RUNNING}  # visible at once
    deadline = time.monotonic() + 60
    while not any(tracking.get(run_id).step for run_id in ids):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    by_state = {tracking.get(run_id).state: run_id for run_id in ids}
    assert sorted(tracking.get(run_id).state for run_id in ids) == ["queued", "queued", "running"]

    assert stop(tracking, by_state[State.QUEUED]) is State.STOPPED
    assert tracking.get(by_state[State.QUEUED]).step == 0
    assert stop(tracking, by_state[State.RUNNING]) is State.STOPPED
    (last,) = set(ids) - {by_state[State.QUEUED], by_state[State.RUNNING]}
    wait_until(last, lambda run: run.state is State.RUNNING)
    assert stop(tracking, last) is State.STOPPED

    stopped = tracking.get(by_state[State.RUNNING])
    assert not stopped.process.alive and stopped.process.host == process().host
    resume(tracking, stopped.id)
    wait_until(stopped.id, lambda run: run.state is State.RUNNING and run.step > stopped.step)
    with pytest.raises(ValueError, match="is running: it is at work already"):
        resume(tracking, stopped.id)
    with pytest.raises(ValueError, match="is running; stop it before deleting it"):
        delete(tracking, stopped.id)
    stop(tracking, stopped.id, wait=False)
    final = wait_until(stopped.id, lambda run: run.state is State.STOPPED)
    assert steps(tracking, stopped.id) == list(range(1, final.step + 1))
    with pytest.raises(ValueError, match="is stopped; only a run at work can be stopped"):
        stop(tracking, stopped.id)


def test_a_killed_run_is_lost_and_goes_on_where_it_was_saved(tracking, ask, wait_until):
    run_id = launch(tracking, ask("kill", steps=60, seconds=0.05))
    run = wait_until(run_id, lambda run: run.step > 3)
    os.kill(run.process.pid, signal.SIGKILL)
    lost = wait_until(run_id, lambda run: run.state is not State.RUNNING)
    assert (lost.state, lost.recorded) == (State.LOST, State.LOST)
    record = tracking.client.get_run(run_id)
    assert (record.info.status, record.data.tags["nat.state"]) == ("FAILED", "lost") and record.info.end_time
    assert lost.heartbeat == float(record.data.tags["nat.silent_since"]) < float(record.data.tags["nat.lost_at"])
    assert [item.state for item in tracking.runs() if item.id == run_id] == [State.LOST]
    resume(tracking, run_id)
    assert tracking.get(run_id).state is State.QUEUED
    wait_until(run_id, lambda run: run.state is State.FINISHED)
    assert steps(tracking, run_id) == list(range(1, 61))
    assert tracking.get(run_id).process != lost.process

    delete(tracking, run_id)
    assert run_id not in [item.id for item in tracking.runs()]
    assert not tracking.folders.log(run_id).exists()
    assert not (tracking.folders.artifacts / run_id).exists()


def test_a_deaf_process_is_ended(tracking, ask, wait_until):
    run_id = launch(tracking, ask("deaf", steps=12_000, seconds=0.01, deaf=True))
    run = wait_until(run_id, lambda run: run.step > 0)
    assert stop(tracking, run_id, grace_seconds=0.5) is State.STOPPED
    stopped = tracking.get(run_id)
    assert stopped.error == "its process had to be ended; the last checkpoint is kept"
    assert not run.process.alive
    requeue(tracking, run_id)  # may be continued


def test_stop_before_the_process_has_begun(tracking, ask):
    run_id = launch(tracking, ask("early"))
    assert stop(tracking, run_id) is State.STOPPED
    assert tracking.get(run_id).step == 0


def test_a_process_that_got_the_number_of_a_run_is_left_alone(tracking, ask):
    run = tracking.create(ask("recycled"), replace(process(), created=process().created - 60))  # as if we were it
    tracking.note(run.id, {"state": State.RUNNING})
    assert tracking.get(run.id).state is State.LOST
    tracking.note(run.id, {"state": State.STOPPING, "stopping_at": 0})
    launcher._see_to_the_end(tracking, tracking.get(run.id), deadline=0)  # would end this very process
    assert tracking.get(run.id).recorded is State.STOPPED


def test_a_run_on_another_host_lives_by_its_heartbeat_and_is_stopped_there(tracking, ask):
    run = tracking.create(ask("far"), replace(process(), host="elsewhere"))
    tracking.note(run.id, {"state": State.RUNNING, "heartbeat": time.time() - 15})
    assert tracking.get(run.id).state is State.RUNNING
    with pytest.raises(ValueError, match="is running, but it works on elsewhere and can be stopped only there"):
        stop(tracking, run.id)
    tracking.note(run.id, {"heartbeat": time.time() - 25})
    assert tracking.get(run.id).state is State.LOST


def test_a_program_that_cannot_be_started(tracking, ask, monkeypatch):
    monkeypatch.setattr(launcher, "PROGRAM", ("/nowhere/python",))
    with pytest.raises(OSError, match="nowhere"):
        launch(tracking, ask("nowhere"))
    failed = tracking.runs()[0]
    assert failed.state is State.FAILED and "no process could be started" in failed.error


def test_a_program_that_breaks_at_once_is_lost_with_its_words_in_the_log(tracking, ask, monkeypatch, wait_until):
    monkeypatch.setattr(launcher, "PROGRAM", (sys.executable, "-S", "-c", "raise SystemExit('no such luck')"))
    run_id = launch(tracking, ask("broken"))
    wait_until(run_id, lambda run: run.state is State.LOST)
    assert tracking.log_lines(run_id) == ["no such luck"]


def test_a_process_that_ends_before_anyone_looks_is_still_known(tracking, ask, monkeypatch):
    identify = launcher.process

    def late(pid):
        time.sleep(0.5)  # the program has long ended
        return identify(pid)

    monkeypatch.setattr(launcher, "process", late)
    monkeypatch.setattr(launcher, "PROGRAM", (sys.executable, "-S", "-c", ""))
    assert tracking.get(launch(tracking, ask("brief"))).state is State.LOST


def test_the_list_of_runs_records_a_lost_one_too(tracking, ask):
    run = tracking.create(ask("gone"), replace(process(), created=process().created - 60))
    tracking.note(run.id, {"state": State.RUNNING})
    tracking.client.update_run(run.id, status="RUNNING")
    assert next(item for item in tracking.runs() if item.id == run.id).state is State.LOST
    assert tracking.client.get_run(run.id).info.status == "FAILED"
    assert tracking.fact(run.id, "state") == "lost"


def test_a_run_that_looks_lost_for_an_instant_is_not_recorded_so(tracking, ask):
    """Its process is here, ends, and writes its last state while others look."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as working:
        run = tracking.create(ask("instant"), process(working.pid))
        tracking.transition(run.id, State.RUNNING)
        before = replace(tracking.get(run.id))
        working.kill()
    assert before.state is State.LOST  # as whoever reads it now sees it
    tracking.note(run.id, {"state": State.FINISHED})
    assert tracking._seen(before).state is State.FINISHED
    assert tracking.fact(run.id, "state") == "finished"


def test_a_run_elsewhere_is_recorded_as_lost_after_a_long_silence_and_may_come_back(tracking, ask, monkeypatch):
    run = tracking.create(ask("far off"), replace(process(), host="elsewhere"))
    tracking.transition(run.id, State.RUNNING)
    tracking.note(run.id, {"heartbeat": time.time() - 3600})  # or its clock is an hour late
    for _ in range(2):
        found = tracking.get(run.id)
        assert (found.state, found.recorded) == (State.LOST, State.RUNNING)
    monkeypatch.setattr(run_module, "SILENCE_SECONDS", 0.0)
    found = tracking.get(run.id)
    assert (found.state, found.recorded) == (State.LOST, State.LOST)
    assert tracking.client.get_run(run.id).info.status == "FAILED"
    assert tracking.get(run.id) == found

    tracking.note(run.id, {"heartbeat": time.time()})  # its machine was only cut off
    assert tracking.get(run.id).state is State.RUNNING
    tracking.transition(run.id, State.FINISHED)
    assert tracking.client.get_run(run.id).info.status == "FINISHED"


def test_a_run_that_was_stopped_by_somebody_who_is_gone_ends_too(tracking, ask):
    run = tracking.create(ask("half stopped"), replace(process(), created=process().created - 60))
    tracking.note(run.id, {"state": State.STOPPING})
    assert tracking.get(run.id).recorded is State.STOPPING  # whoever stops it may be about to say how it ended
    tracking.note(run.id, {"heartbeat": time.time() - 100})
    assert tracking.get(run.id).recorded is State.STOPPED
    assert tracking.client.get_run(run.id).info.status == "KILLED"


def test_nothing_of_a_deleted_run_is_left(tracking, wait_until):
    before = files(tracking)
    config = TrainingConfig(policy=SMALL, steps=400, batch=4, samples=2, inputs=InputsConfig(60, 10))
    run_id = launch(tracking, request_for("train", config, device="cpu", name="left/over"))
    wait_until(run_id, lambda run: bool(Snapshots.of(tracking.folders, run).kept()))
    stop(tracking, run_id)
    assert any(run_id in name for name in files(tracking) - before)
    delete(tracking, run_id)
    assert files(tracking) - before == {"locks/cpu.lock"}  # of the device

    run_id = tracking.create(request_for("train", replace(config, steps=2), device="cpu"), process()).id
    assert execute(tracking, run_id) is State.FINISHED
    delete(tracking, run_id)
    assert files(tracking) - before == {"locks/cpu.lock"}
    record = tracking.client.get_run(run_id)
    assert record.info.lifecycle_stage == "deleted"
    assert not [name for name in record.data.tags if name.startswith("nat.")]
    for act in (delete, resume, tracking.settle, lambda *which: tracking.transition(which[-1], State.QUEUED)):
        with pytest.raises(ValueError, match="there is no run"):
            act(*(() if act == tracking.settle else (tracking,)), run_id)
    assert files(tracking) - before == {"locks/cpu.lock"}


def files(tracking) -> set[str]:
    """Everything in the folder of runs but MLflow's database and locks that belong to no run."""
    root = tracking.folders.root
    found = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
    return {name for name in found if not name.startswith("mlflow.db")} - {
        f"locks/{name}.lock" for name in ("opening", "creating", "adopting")
    }

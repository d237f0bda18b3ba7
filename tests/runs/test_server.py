"""The record on a team's MLflow server: a real one on loopback, and two machines, each with a folder of its own."""

import signal
import time

import pytest
from mlflow.tracking import MlflowClient

from nat_core.runs import store
from nat_core.runs.folders import Folders
from nat_core.runs.kinds import request_for
from nat_core.runs.launcher import delete, launch, resume, stop
from nat_core.runs.run import State
from nat_core.runs.store import EXPERIMENT
from nat_core.runs.tracking import open_tracking


@pytest.fixture(scope="module")
def here(mlflow_server, tmp_path_factory):
    return open_tracking(mlflow_server, Folders(tmp_path_factory.mktemp("here")))


@pytest.fixture(scope="module")
def elsewhere(mlflow_server, tmp_path_factory):
    return open_tracking(mlflow_server, Folders(tmp_path_factory.mktemp("elsewhere")))


@pytest.fixture(scope="module")
def tracking(here):
    return here


def test_a_run_is_stopped_resumed_and_watched_from_another_folder(here, elsewhere, light_work, wait_until, monkeypatch):
    monkeypatch.setattr(store, "WHOLE_SECONDS", 1.0)
    counting = light_work.Counting(steps=60, seconds=0.1)
    run_id = launch(here, request_for("count", counting, name="far away"))
    run = wait_until(run_id, lambda run: run.step > 3)
    assert run.usage is not None and run.usage["memory_bytes"] > 0

    seen = elsewhere.get(run_id)  # as another machine sees it
    assert (seen.name, seen.state) == ("far away", State.RUNNING)
    assert any("step 1/60" in line for line in elsewhere.log_lines(run_id))
    assert elsewhere.points(run_id)["number"][0] == (1, 0.5)
    assert not elsewhere.folders.log(run_id).exists()

    stop(here, run_id)
    wait_until(run_id, lambda run: run.state is State.STOPPED)
    resume(here, run_id)
    wait_until(run_id, lambda run: run.state is State.FINISHED)
    assert elsewhere.points(run_id)["number"] == [(step, step / 2) for step in range(1, 61)]
    assert elsewhere.log_lines(run_id)[-1].endswith("finished")

    elsewhere.rename(run_id, "renamed")
    eventually(lambda: [run.name for run in here.runs()] == ["renamed"])
    delete(elsewhere, run_id)
    eventually(lambda: here.runs() == [])
    assert elsewhere.runs() == []


def eventually(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_killed_one_is_lost_for_both(here, elsewhere, light_work, wait_until):
    run_id = launch(here, request_for("count", light_work.Counting(steps=1000, seconds=0.1)))
    run = wait_until(run_id, lambda run: run.step > 0)
    run.process.signal(signal.SIGKILL)
    wait_until(run_id, lambda run: run.state is State.LOST, 20)
    assert elsewhere.get(run_id).state is State.LOST
    assert elsewhere.log_lines(run_id)


def test_two_machines_may_be_the_first_at_once(mlflow_server, tmp_path, monkeypatch):
    names = iter(("before", EXPERIMENT, EXPERIMENT))  # nothing is there when the first looks, all is a moment later
    asked = MlflowClient.get_experiment_by_name
    open_tracking(mlflow_server, Folders(tmp_path / "one"))
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", lambda client, _: asked(client, next(names)))
    assert open_tracking(mlflow_server, Folders(tmp_path / "two")).runs() is not None
    assert next(names) == EXPERIMENT  # it looked twice


def test_a_server_that_is_away_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"no runs can be recorded at http://127\.0\.0\.1:9 .*MLFLOW_TRACKING_URI"):
        open_tracking("http://127.0.0.1:9", Folders(tmp_path))

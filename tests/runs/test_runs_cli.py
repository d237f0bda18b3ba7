"""The commands around runs, and `train` as a recorded run, in real processes where a signal is the point."""

import json
import signal
import subprocess

import pytest

from nat_core.cli import main
from nat_core.cli.runs import _HEADINGS
from nat_core.paths import PROJECT
from nat_core.runs import launcher
from nat_core.runs.artifacts import Checkpoints
from nat_core.runs.kinds import request_for
from nat_core.runs.run import State

TRAIN = ("train", "--space", "nasbench201", "--steps")


@pytest.fixture(autouse=True)
def surroundings(tracking, monkeypatch):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tracking.folders.root))


@pytest.fixture
def run(capsys):
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_no_runs_yet(run):
    assert run("runs", "--json") == (0, "", "")
    assert run("runs")[1].split() == [*_HEADINGS]
    assert run("stop", "x") == (2, "", "error: 'x' is not a run; accepted: none, there are no runs\n")


def test_train_is_a_recorded_run(run, tracking, tmp_path):
    status, out, err = run(*TRAIN, "2", "--output", str(tmp_path / "p"), "--name", "short", "--threads", "1")
    assert (status, out) == (0, f"{tmp_path / 'p'}\n")
    found = tracking.find("short")
    assert err.startswith(f"run {found.short_id} (short)\nstep 2/2: mean gain ")
    assert (found.state, found.step, found.request.preset) == (State.FINISHED, 2, "group")
    row = json.loads(run("runs", "--json")[1].splitlines()[0])
    assert (row["id"], row["state"], row["step"], row["steps"]) == (found.id, "finished", 2, 2)
    assert row["best"] == row["last"] == found.metrics["held_out_gain"] and row["measure"] == "gain_points"
    line = next(line for line in run("runs")[1].splitlines() if line.startswith(found.short_id))
    assert f"  {found.best:+.2f}  {found.last:+.2f}  " in line
    assert found.id[:8] in run("runs")[1] and " finished " in run("runs")[1]
    card = json.loads((tmp_path / "p" / "card.json").read_text())
    assert card["training"]["steps_done"] == 2


def test_without_an_output_the_policy_goes_to_the_runs_own_folder(run, tracking):
    status, out, _ = run(*TRAIN, "1")
    assert (status, out) == (0, f"{tracking.folders.policies / tracking.runs()[0].id}\n")
    assert (tracking.output_of(tracking.runs()[0]) / "policy.safetensors").exists()


def test_stop_and_resume_by_name(run, tracking, light_work, wait_until):
    request = request_for("count", light_work.Counting(steps=200, seconds=0.02), name="my run", device="cli")
    run_id = launcher.launch(tracking, request)
    wait_until(run_id, lambda found: found.step > 0)
    assert run("stop", "my run") == (0, "", f"run {run_id[:8]} (my run) is stopped\n")
    status, out, err = run("resume", run_id[:12])
    assert (status, out, err.count("\n")) == (0, f"{tracking.folders.policies / run_id}\n", err.count("step"))
    assert [step for step, _ in tracking.points(run_id)["number"]] == list(range(1, 201))


def test_ctrl_c_ends_a_run_that_waits_for_its_device(tracking, light_work, wait_until):
    made = tracking.create(request_for("count", light_work.Counting(), device="busy"))
    tracking.transition(made.id, State.STOPPED)
    with tracking.folders.lock("busy"):
        command = [*launcher.PROGRAM, "resume", made.id]
        waiting = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True)
        queued = wait_until(made.id, lambda found: bool(tracking.log_lines(found.id)))
        assert (queued.state, queued.process.pid) == (State.QUEUED, waiting.pid)
        wait_until(made.id, lambda found: found.heartbeat > queued.heartbeat)
        waiting.send_signal(signal.SIGINT)
        assert (
            waiting.communicate(timeout=60)[1] == f"\nstopped at step 0 of 3; `resume {made.short_id}` continues it\n"
        )
    assert waiting.returncode == 130
    assert tracking.get(made.id).state is State.STOPPED


def test_a_detached_training_saves_when_it_is_stopped(run, tracking, wait_until):
    status, out, err = run(*TRAIN, "20000", "--detach")
    assert (status, err) == (0, "")
    wait_until(out.strip(), lambda found: found.state is State.RUNNING)
    assert run("stop", out.strip())[0] == 0
    stopped = tracking.get(out.strip())
    assert (stopped.state, stopped.error) == (State.STOPPED, "")
    assert Checkpoints(tracking.folders.checkpoints(stopped.id)).path().exists()


def test_resume_in_the_background(run, tracking, light_work, wait_until):
    made = tracking.create(request_for("count", light_work.Counting(), device="cli", name="behind"))
    tracking.transition(made.id, State.STOPPED)
    assert run("resume", "behind", "--detach") == (0, f"{made.id}\n", "")
    assert wait_until(made.id, lambda found: found.state is State.FINISHED).step == 3


BAD = [
    (["resume", "nothing"], "'nothing' is not a run; accepted: "),
    (["resume", "short"], "(short) is finished: there is nothing left to do; resumable are: failed, lost, stopped"),
    (["stop", "short"], "(short) is finished; only a run at work can be stopped"),
    (["stop"], "RUN"),
    ([*TRAIN, "5", "--checkpoint", "x"], "--checkpoint goes with --no-record only"),
    ([*TRAIN, "5", "--no-record"], "--no-record needs --output"),
    ([*TRAIN, "5", "--threads", "0"], "threads is 0; accepted: whole numbers from 1 to 1,024"),
    (["train", "--space", "loose_end", "--recipe", "group"], "recipe is 'group'; accepted for loose_end: trainings"),
    ([*TRAIN, "5", "--name", "x" * 101], "at most 100 characters"),
    (["work", "0" * 32], "there is no run"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_one_clear_line_and_status_2(run, tracking, arguments, message):
    before = len(tracking.runs())
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err and err.count("\n") == 1
    assert len(tracking.runs()) == before


def test_a_store_that_cannot_be_opened(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}")
    status, out, err = run("runs")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "no runs can be recorded at sqlite" in err

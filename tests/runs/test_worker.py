"""Inside a run: it ends as it should, says why it did not, and a stopped training goes on as if nothing had been."""

import errno
import random
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from nat_core.architecture.spaces import SPACES
from nat_core.learning.policies.checkpoint import load_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.support import files
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.learning.training.loop import train
from nat_core.paths import ASSETS
from nat_core.runs import worker
from nat_core.runs.artifacts import Checkpoints
from nat_core.runs.kinds import request_for
from nat_core.runs.launcher import launch, requeue
from nat_core.runs.processes import process
from nat_core.runs.run import State
from nat_core.runs.worker import errors_of, execute

TINY = TrainingConfig(
    policy=PolicyConfig(width=16, layers=2, embedding=8, key=16),
    steps=45,
    batch=16,
    samples=2,
    inputs=InputsConfig(100, 20),
)
LOG = """2026-01-01 00:00:00  process 7 on here: a
2026-01-01 00:00:01  step 1/3  number 0.5
2026-01-01 00:00:02  Traceback (most recent call last):
  File "x.py", line 1, in <module>
ValueError: numbers
2026-01-01 00:00:03  failed: numbers ran out
2026-01-01 00:00:04  step 2/3  number 1""".splitlines()


@pytest.fixture
def create(tracking, light_work, tmp_path):
    """Records a run that this process will do: of a training, or of counting."""

    def create(config: TrainingConfig | None = None, **counting):
        kind = "train" if config else "count"
        config = config or light_work.Counting(**counting)
        return tracking.create(request_for(kind, config, preset=tmp_path.name, output=tmp_path / "out"), process())

    return create


def stop_after(monkeypatch, questions: int) -> None:
    """Whoever asks whether to stop hears yes after so many times no."""

    @contextmanager
    def signals():
        asked = iter(range(10**9))
        yield lambda: next(asked) >= questions

    monkeypatch.setattr(worker, "stop_signals", signals)


@pytest.fixture(scope="module")
def in_one_go() -> tuple[dict, dict]:
    """Weights and metrics of the tiny training without a stop: {name: tensor}, {name: [(step, value)]}."""
    metrics: dict[str, list] = {}

    def note(step, values):
        for name, value in values.items():
            metrics.setdefault(name, []).append((step, value))

    return train(TINY, hooks=Hooks(progress=note)).policy.state_dict(), metrics


def test_a_run_to_the_end(tracking, create):
    run, heard = create(steps=4), []
    assert execute(tracking, run.id, lambda step, metrics: heard.append((step, metrics))) is State.FINISHED
    done = tracking.get(run.id)
    assert (done.state, done.step, done.best, done.last) == (State.FINISHED, 4, 2.0, 2.0)
    assert heard == [(step, {"number": step / 2}) for step in (1, 2, 3, 4)]
    assert not tracking.folders.checkpoints(run.id).exists()  # nothing is left to continue
    assert "step 4/4  number 2" in "\n".join(tracking.log_lines(run.id))
    stored = [item.path for item in tracking.client.list_artifacts(run.id)]
    assert stored == [f"{run.id}.log", "request.json"]
    assert tracking.client.get_run(run.id).info.status == "FINISHED"


def test_a_failure_is_recorded_in_one_sentence_and_can_be_resumed(tracking, create, light_work):
    run = create(steps=4, fail_at=3)
    with pytest.raises(ValueError, match="numbers"):
        execute(tracking, run.id)
    failed = tracking.get(run.id)
    assert (failed.state, failed.error, failed.step) == (State.FAILED, "numbers ran out", 3)
    assert "Traceback" in "\n".join(tracking.log_lines(run.id))
    requeue(tracking, run.id, process())
    assert tracking.get(run.id).error == ""
    with pytest.raises(ValueError, match="numbers"):
        execute(tracking, run.id)
    assert tracking.points(run.id)["number"] == [(1, 0.5), (2, 1.0), (3, 1.5)]


def test_a_configuration_that_no_longer_fits_fails_clearly(tracking, create, monkeypatch, light_work):
    run = create()
    refuse = classmethod(lambda cls, value: (_ for _ in ()).throw(ValueError("unknown field 'speed'")))
    monkeypatch.setattr(light_work.Counting, "from_dict", refuse)
    with pytest.raises(ValueError, match="unknown field"):
        execute(tracking, run.id)
    assert (tracking.get(run.id).state, tracking.get(run.id).error) == (State.FAILED, "unknown field 'speed'")


def test_errors_of_other_types_carry_their_type():
    assert worker.sentence(RuntimeError("size\nmismatch")) == "RuntimeError: size mismatch"
    assert worker.sentence(KeyError()) == "KeyError"


def test_only_a_queued_run_is_done(tracking, create):
    run = create(steps=1)
    execute(tracking, run.id)
    with pytest.raises(ValueError, match="is finished and does not wait for this process"):
        execute(tracking, run.id)
    with pytest.raises(ValueError, match="is finished: there is nothing left to do; resumable are: failed, lost"):
        requeue(tracking, run.id)
    with pytest.raises(ValueError, match="is queued: it is at work already"):
        requeue(tracking, create().id)


def test_a_process_that_was_long_in_coming_still_does_its_run(tracking, light_work):
    run = tracking.create(request_for("count", light_work.Counting(), device="late"))
    tracking.note(run.id, {"heartbeat": time.time() - 60})
    assert tracking.get(run.id).state is State.LOST
    assert execute(tracking, run.id) is State.FINISHED
    assert tracking.get(run.id).state is State.FINISHED


def test_a_run_that_another_process_does_is_left_to_it(tracking, light_work):
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as other:
        run = tracking.create(request_for("count", light_work.Counting()), process(other.pid))
        with pytest.raises(ValueError, match="is queued and does not wait for this process"):
            execute(tracking, run.id)
        assert tracking.get(run.id).process.pid == other.pid
        other.kill()


@pytest.mark.parametrize("questions", [[1], [14, 9]])  # the first one is asked while waiting for the device
def test_stopped_and_resumed_equals_one_go(tracking, create, monkeypatch, questions, tmp_path, in_one_go):
    run = create(TINY)
    for count in questions:
        with monkeypatch.context() as patch:
            stop_after(patch, count)
            assert execute(tracking, run.id) is State.STOPPED
        assert tracking.client.get_run(run.id).info.status == "KILLED"
        requeue(tracking, run.id, process())
    assert execute(tracking, run.id) is State.FINISHED
    policy, card = load_policy(tmp_path / "out")
    expected, metrics = in_one_go
    assert all(torch.equal(tensor, expected[name]) for name, tensor in policy.state_dict().items())
    assert card.training["steps_done"] == TINY.steps and "--steps 45" in card.command
    assert {name: tracking.points(run.id)[name] for name in tracking.get(run.id).metrics} == metrics
    assert [step for step, _ in tracking.points(run.id)["gain"]] == [10, 20, 30, 40, 45]
    assert [item.path for item in tracking.client.list_artifacts(run.id, "policy")] == [
        "policy/card.json", "policy/policy.safetensors",
    ]  # fmt: skip


def test_a_full_disk_ends_the_run_and_keeps_the_checkpoint_before(tracking, create, monkeypatch, tmp_path, in_one_go):
    run = create(TINY)
    with monkeypatch.context() as patch:
        stop_after(patch, 20)
        execute(tracking, run.id)
    saved = Checkpoints(tracking.folders.checkpoints(run.id)).path().read_bytes()
    requeue(tracking, run.id, process())

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(files.os, "fsync", full)
        execute(tracking, run.id)
    failed = tracking.get(run.id)
    assert failed.state is State.FAILED
    assert failed.error == (
        "a checkpoint could not be written (No space left on device); "
        "the previous one is kept, and the run can be resumed from it"
    )
    assert Checkpoints(tracking.folders.checkpoints(run.id)).path().read_bytes() == saved

    requeue(tracking, run.id, process())
    assert execute(tracking, run.id) is State.FINISHED
    policy, _ = load_policy(tmp_path / "out")
    assert all(torch.equal(tensor, in_one_go[0][name]) for name, tensor in policy.state_dict().items())


def test_an_unreadable_checkpoint_gives_way_to_the_one_before(tracking, create):
    run = create(steps=5, fail_at=4)
    with pytest.raises(ValueError, match="numbers"):
        execute(tracking, run.id)
    Checkpoints(tracking.folders.checkpoints(run.id)).path().write_bytes(b"no tensors")
    requeue(tracking, run.id, process())
    with pytest.raises(ValueError, match="numbers"):
        execute(tracking, run.id)
    assert "the previous one is used" in "\n".join(tracking.log_lines(run.id))
    assert tracking.points(run.id)["number"] == [(1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]


def test_relative_paths_start_where_the_run_was_asked_for(tracking, create, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, heard = create(steps=1), []
    monkeypatch.chdir("/")
    execute(tracking, run.id, lambda step, metrics: heard.append(Path.cwd()))
    assert heard == [tmp_path] and Path.cwd() == Path("/")


def test_a_launched_run_finds_images_by_a_relative_path(tracking, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    shutil.copy(ASSETS / "cifar10_sample.parquet", tmp_path / "photos" / "sample.parquet")
    monkeypatch.chdir(tmp_path)
    cell = SPACES["nasbench201"].sample(random.Random(0))
    budget = preset_budget("smoke", cell, data="photos", channels=2, epochs=1)
    request = request_for("evaluate", EvaluationConfig((NamedArchitecture.of(cell),), budget))
    run_id = launch(tracking, request)
    deadline = time.monotonic() + 60
    while tracking.get(run_id).active and time.monotonic() < deadline:
        time.sleep(0.1)
    found = tracking.get(run_id)
    assert (found.state, found.error) == (State.FINISHED, "")


def test_errors_are_whole_tracebacks_and_sentences():
    assert errors_of(LOG) == LOG[2:6]


def test_a_log_without_errors_has_none():
    assert errors_of(LOG[:2]) == errors_of([]) == []

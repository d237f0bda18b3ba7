"""Runs on a Ray cluster: two real nodes on loopback, an MLflow server of its own, and nodes that die."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from nat_core.cli import main
from nat_core.learning.image_training.loop import train_on_images
from nat_core.learning.scratch.config import EvaluationConfig
from nat_core.learning.scratch.measured import read_measured
from nat_core.learning.scratch.queue import evaluate
from nat_core.learning.support.hooks import Hooks
from nat_core.paths import PROJECT
from nat_core.runs import ray_launcher
from nat_core.runs.kinds import request_for
from nat_core.runs.kinds.evaluation import results_of
from nat_core.runs.launcher import delete, launch, launcher_of, resume, stop, why_not_stopped
from nat_core.runs.ray_launcher import on_cluster
from nat_core.runs.results import stored_results
from nat_core.runs.run import State
from nat_core.runs.tracking import open_tracking
from tests.learning.image_training.cases import tiny
from tests.runs.conftest import LIGHT_WORK

ray = pytest.importorskip("ray", reason="it is not needed by those without a cluster; see requirements-cluster.txt")
from tests.support.cluster import Cluster, two_nodes  # noqa: E402
from tests.support.object_store import object_store  # noqa: E402

pytestmark = pytest.mark.journey
ARCHITECTURES = ("DARTS", "ENAS", "PDARTS")
OF_THE_TRAINING = ("elapsed_seconds", "date", "machine")  # the rest of a result is the same wherever it was measured


@pytest.fixture(scope="module")
def bucket():
    """Of an S3 server, which nodes that start later know how to reach."""
    with object_store() as address:
        yield address


@pytest.fixture(scope="module")
def cluster(bucket, new_mlflow_server, tmp_path_factory):
    """The cluster; the environment says where its record and storage are, as a user's does."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        found = stack.enter_context(two_nodes(folder))
        patch.setenv("MLFLOW_TRACKING_URI", stack.enter_context(new_mlflow_server(folder)))
        patch.setenv("NAT_LAB_STORAGE", str(found.storage))
        patch.setenv("NAT_LAB_RUNS", str(folder / "here"))
        patch.delenv("RAY_ADDRESS", raising=False)
        yield found
        print(f"\nthe cluster took {found.processor_seconds():.0f} s of the processor")


@pytest.fixture(scope="module")
def tracking(cluster):
    return open_tracking()


def until(holds, seconds=240.0, pause=1.0):
    """Waits for what `holds` gives, and gives it."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(pause)
    return found


@pytest.mark.parametrize("place", ["this machine", "a cluster"])
def test_both_launchers_keep_one_contract(cluster, tracking, light_work, monkeypatch, place):
    monkeypatch.setattr(ray_launcher, "PROGRAM", f"{sys.executable} {LIGHT_WORK}")
    asked = request_for("count", light_work.Counting(steps=40, seconds=0.1), name="counts")
    run_id = launch(tracking, on_cluster(asked, cluster.on, tracking) if place == "a cluster" else asked)
    run = tracking.get(run_id)
    assert run.state is State.QUEUED and (run.job is not None) == (place == "a cluster")
    until(lambda: tracking.get(run_id).step > 3)
    run = tracking.get(run_id)
    assert run.state is State.RUNNING and launcher_of(run).is_at_work(run) and not why_not_stopped(run)
    assert run.usage["memory_bytes"] > 0
    assert any("step 1/40" in line for line in tracking.log_lines(run_id))

    assert stop(tracking, run_id) is State.STOPPED
    stopped = tracking.get(run_id)
    assert 3 < stopped.step < 40 and not launcher_of(stopped).is_at_work(stopped)
    with pytest.raises(ValueError, match="only a run at work can be stopped"):
        stop(tracking, run_id)
    resume(tracking, run_id)
    with pytest.raises(ValueError, match="it is at work already"):
        resume(tracking, run_id)
    until(lambda: tracking.get(run_id).step > stopped.step)
    os.kill(tracking.get(run_id).process.pid, signal.SIGKILL)
    until(lambda: tracking.get(run_id).state is State.LOST)
    resume(tracking, run_id)
    until(lambda: tracking.get(run_id).state is State.FINISHED)
    assert tracking.points(run_id)["number"] == [(step, step / 2) for step in range(1, 41)]
    assert not (cluster.storage / "checkpoints" / run_id).exists()
    delete(tracking, run_id)
    assert tracking.runs() == []


def test_processes_on_both_nodes_share_a_training_from_images(cluster, tracking):
    asked = request_for("train-images", tiny(), name="shared", workers=2)
    shared = launch(tracking, on_cluster(asked, cluster.on, tracking))
    until(lambda: not tracking.get(shared).active)
    said = stored_log(tracking, shared)
    assert tracking.get(shared).state is State.FINISHED, said
    assert "2 processes of the cluster share the work" in said  # a node has one core, so they are on both
    alone: dict[int, float] = {}

    def heard(step: int, metrics: Mapping[str, float]) -> None:
        if "weight_loss" in metrics:
            alone[step] = metrics["weight_loss"]

    train_on_images(tiny(), hooks=Hooks(heard))
    losses = dict(tracking.points(shared)["weight_loss"])
    assert losses == pytest.approx(alone, abs=0.001) and len(losses) > 1, "the same draws and steps as of one process"


def test_evaluations_and_a_training_survive_whatever_happens(bucket, cluster, tracking, monkeypatch, capsys):
    """The last that needs both nodes: one of them dies. Evaluations are stored on S3, the training in a folder."""
    asked = ["evaluate", *ARCHITECTURES, "--seed", "0", "--seed", "1", "--preset", "smoke", "--epochs", "1"]
    with monkeypatch.context() as patch:
        patch.setenv("NAT_LAB_STORAGE", f"{bucket}/shared")
        assert main([*asked, "--on", cluster.on, "--detach"]) == 0
    evaluation = capsys.readouterr().out.strip()
    until(lambda: stored_results(tracking, evaluation), pause=0.3)
    assert stop(tracking, evaluation) is State.STOPPED
    before = stored_results(tracking, evaluation)
    assert 0 < len(before) < 6
    config = EvaluationConfig.from_dict(tracking.get(evaluation).config)

    training = launched_from_the_page(cluster)
    resume(tracking, evaluation)
    until(lambda: cluster.has_a_task(1), pause=0.2)
    cluster.kill_raylet(1)
    until(lambda: tracking.get(evaluation).state is State.FINISHED)

    after = stored_results(tracking, evaluation)
    assert after.keys() == set(range(6)) and all(after[position] == before[position] for position in before)
    alone = evaluate(config).results
    assert [measured(after[position]) for position in range(6)] == [measured(result) for result in alone]
    points = tracking.points(evaluation)
    assert [step for step, _ in points["accuracy"]] == [20, 40, 60, 80, 100, 120]
    assert all(len(dict(found)) == len(found) for found in points.values())
    said = stored_log(tracking, evaluation)
    assert "from its checkpoint" in said
    assert len({line.partition(", node ")[2][:8] for line in said.splitlines() if " trains on " in line}) == 2
    until(lambda: not tracking.get(training).active)
    if tracking.get(training).state is not State.FINISHED:  # it was on the node that died
        resume(tracking, training)
        until(lambda: tracking.get(training).state is State.FINISHED)
    assert "was not kept" not in stored_log(tracking, training)
    assert any((folder / "logs" / f"{evaluation}.log").exists() for folder in cluster.folders)
    assert not (tracking.folders.root / "logs" / f"{evaluation}.log").exists(), "nodes have folders of their own"

    again = f"from tests.runs.test_cluster import files_of; print(files_of({evaluation!r}), files_of({training!r}))"
    server = subprocess.run([sys.executable, "-c", again], cwd=PROJECT, capture_output=True, text=True)
    assert "6 of 6 trainings" in server.stdout and "its record has a copy" in server.stdout, server.stderr
    here = read_measured(tracking.folders.measured)
    assert results_of(config, here) == after and len(here) == 6


def measured(result):
    return {name: value for name, value in result.to_dict().items() if name not in OF_THE_TRAINING}


def stored_log(tracking, run_id) -> str:
    """All of it: what can be read while a run works are its last lines."""
    with tempfile.TemporaryDirectory() as folder:
        return Path(tracking.client.download_artifacts(run_id, f"{run_id}.log", folder)).read_text(encoding="utf-8")


def page(**query) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/train.py").run()
    assert not app.exception
    return app


def files_of(run_id: str) -> list[str]:
    """What a web server that knows nothing yet says of a run's files."""
    app = page(runs=run_id[:8])
    app.segmented_control(key="train_view").set_value("Files").run()
    assert not app.exception
    return [item.value for item in app.caption]


def launched_from_the_page(cluster: Cluster) -> str:
    known = {run.id for run in open_tracking().runs()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster.on)
        app = page()
        app.session_state["train_open"] = True
        app.run()
        app.segmented_control(key="train_where").set_value("Ray cluster").run()
        app.text_input(key="train_steps").set_value("20").run()
        assert any("2 nodes" in str(item.options) for item in app.segmented_control)
        assert app.code[0].value.endswith(f"--on {cluster.on}")
        next(item for item in app.button if item.label == "Launch").click().run()
        assert not app.error and not app.exception
    (found,) = {run.id for run in open_tracking().runs()} - known
    return found


def test_only_a_training_from_images_is_shared(cluster, capsys):
    assert main(["train", "--space", "nasbench201", "--on", cluster.on, "--workers", "2"]) == 2
    assert "workers is 2; only a training from images is shared by several" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("on", "variable", "value", "message"),
    [
        ("ray://127.0.0.1:9", "", "", r"the Ray cluster at http://127\.0\.0\.1:9 does not answer .*`ray start --head`"),
        ("here", "", "", r"'here' is not the address of a Ray cluster; accepted: ray://HOST:PORT"),
        ("ray", "", "", r"RAY_ADDRESS is not set; accepted: ray://HOST:PORT"),
        ("", "NAT_LAB_STORAGE", "", r"needs storage .* set NAT_LAB_STORAGE; accepted: .*s3://BUCKET"),
        ("", "NAT_LAB_STORAGE", "shared", r"NAT_LAB_STORAGE is 'shared'; accepted: an absolute path"),
        ("", "NAT_LAB_STORAGE", "/proc/none", r"the storage /proc/none cannot be used .* set NAT_LAB_STORAGE"),
        ("", "NAT_LAB_STORAGE", "nowhere://x", r"NAT_LAB_STORAGE is 'nowhere://x': .*; accepted"),
        ("", "MLFLOW_TRACKING_URI", "", r"is a file here; set MLFLOW_TRACKING_URI to the address of an MLflow server"),
    ],
)  # fmt: skip
def test_what_is_missing_is_one_sentence(cluster, monkeypatch, capsys, tmp_path, on, variable, value, message):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path))
    if variable:
        monkeypatch.setenv(variable, value)
    known = open_tracking().runs()
    assert main(["evaluate", "DARTS", "--preset", "smoke", "--on", on or cluster.on]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(message, said), said
    assert len(open_tracking().runs()) == len(known)


def test_another_version_of_ray_is_one_sentence(cluster, monkeypatch, capsys):
    monkeypatch.setattr(ray, "__version__", "2.59.0")
    assert main(["train", "--space", "nasbench201", "--on", cluster.on]) == 2
    assert "has Ray 2.60.0, and this machine 2.59.0; install the same here" in capsys.readouterr().err

"""A training that is killed again and again at random moments ends as if nothing had been.

`NAT_LAB_KILLS=10` kills more often.
"""

import json
import multiprocessing
import os
import random
import sys
import time
import types

import pytest
import torch

from nat_core.learning.policies.checkpoint import load_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.support.files import load_tensors
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.learning.training.loop import train
from nat_core.runs.artifacts import Checkpoints
from nat_core.runs.folders import Folders
from nat_core.runs.kinds import request_for
from nat_core.runs.launcher import requeue
from nat_core.runs.run import State
from nat_core.runs.tracking import open_tracking
from nat_core.runs.worker import execute

KILLS = int(os.environ.get("NAT_LAB_KILLS", 4))
SAVED_EVERY = 250  # steps, see Schedule
CONFIG = TrainingConfig(
    policy=PolicyConfig(width=8, layers=1, embedding=8, key=8),
    steps=200 * (KILLS + 1), batch=4, samples=2, inputs=InputsConfig(60, 10),
)  # fmt: skip


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nat_core.runs.kinds.training", "mlflow.store.tracking.sqlalchemy_store"])
    with pytest.MonkeyPatch.context() as patch:  # a page's test leaves its script there, which children would run
        patch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
        yield context


def _work(uri: str, folders: Folders, run_id: str) -> None:
    torch.set_num_threads(1)
    execute(open_tracking(uri, folders), run_id)


def saved_step(tracking, run_id: str) -> int:
    """Of the newest checkpoint."""
    path = Checkpoints(tracking.folders.checkpoints(run_id)).path()
    return json.loads(load_tensors(path)[1]["training"])["step"] if path.exists() else 0


def steps_in_log(tracking, run_id: str) -> list[int]:
    """Of every report so far, repeated ones included; the log has them at once."""
    lines = tracking.log_lines(run_id, 10**5)
    return [int(line.split("  step ")[1].split("/")[0]) for line in lines if "  step " in line]


def wait_for_step(tracking, worker, run_id: str, reports_before: int, step: int) -> None:
    deadline = time.monotonic() + 100
    while not any(found >= step for found in steps_in_log(tracking, run_id)[reports_before:]):
        assert worker.is_alive() and time.monotonic() < deadline, "\n".join(tracking.log_lines(run_id, 20))
        time.sleep(0.02)


def test_killed_at_random_moments(tracking, processes, tmp_path):
    draw = random.Random(20)
    run = tracking.create(request_for("train", CONFIG, output=tmp_path / "policy"))
    for kill in range(KILLS + 1):
        saved, reports = saved_step(tracking, run.id), len(steps_in_log(tracking, run.id))
        worker = processes.Process(target=_work, args=(tracking.uri, tracking.folders, run.id))
        worker.start()
        if kill < KILLS:
            wait_for_step(tracking, worker, run.id, reports, min(saved + draw.randrange(300), CONFIG.steps - 150))
            time.sleep(draw.uniform(0, 0.1))
            worker.kill()
        worker.join()
        assert saved < steps_in_log(tracking, run.id)[reports] <= saved + 10  # on from the checkpoint, not from before
        if kill < KILLS:
            assert tracking.get(run.id).state is State.LOST
            assert steps_in_log(tracking, run.id)[-1] - saved_step(tracking, run.id) <= SAVED_EVERY
            requeue(tracking, run.id)
    assert tracking.get(run.id).state is State.FINISHED
    assert len(steps_in_log(tracking, run.id)) > CONFIG.steps // 10  # some of the work was indeed done twice

    expected = {}
    whole = train(CONFIG, hooks=Hooks(progress=expected.__setitem__))
    policy, _ = load_policy(tmp_path / "policy")
    for name, tensor in whole.policy.state_dict().items():
        assert torch.equal(tensor, policy.state_dict()[name])
    for name in expected[10]:
        assert tracking.points(run.id)[name] == [(step, metrics[name]) for step, metrics in expected.items()]

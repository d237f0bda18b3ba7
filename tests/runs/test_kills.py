"""A training that is killed again and again at random moments ends as if nothing had been.

`NAT_LAB_KILLS=10` kills more often.
"""

import multiprocessing
import os
import random
import time

import pytest
import torch

from nat_core.learning.checkpoint import load_policy
from nat_core.learning.config import TrainingConfig
from nat_core.learning.policy import PolicyConfig
from nat_core.learning.training import train
from nat_core.runs.checkpoints import Checkpoints
from nat_core.runs.folders import Folders
from nat_core.runs.kinds import request_for
from nat_core.runs.launching import requeue
from nat_core.runs.running import execute
from nat_core.runs.states import State
from nat_core.runs.tracking import open_tracking

KILLS = int(os.environ.get("NAT_LAB_KILLS", 4))
SAVED_EVERY = 250  # steps, see Schedule
CONFIG = TrainingConfig(
    policy=PolicyConfig(width=8, layers=1, embedding=8, key=8),
    steps=400 * (KILLS + 1), batch=4, samples=2, inputs=60, held_out=10,
)  # fmt: skip


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nat_core.runs.table_training", "mlflow.store.tracking.sqlalchemy_store"])
    return context


def _work(uri: str, folders: Folders, run_id: str) -> None:
    torch.set_num_threads(1)
    execute(open_tracking(uri, folders), run_id)


def saved_step(tracking, run_id: str) -> int:
    """Of the newest checkpoint."""
    import json

    from nat_core.learning.files import load_tensors

    path = Checkpoints(tracking.folders.checkpoints(run_id)).path()
    return json.loads(load_tensors(path)[1]["training"])["step"] if path.exists() else 0


def first_step_after(tracking, run_id: str, lines_before: int) -> int | None:
    steps = [
        line.split("step ")[1].split("/")[0]
        for line in tracking.log_lines(run_id, 10**5)[lines_before:]
        if "  step " in line
    ]
    return int(steps[0]) if steps else None


def test_killed_at_random_moments(tracking, processes, tmp_path, wait_until):
    draw = random.Random(20)
    run = tracking.create(request_for("train", CONFIG, output=tmp_path / "policy"))
    for kill in range(KILLS + 1):
        saved, lines = saved_step(tracking, run.id), len(tracking.log_lines(run.id, 10**5))
        worker = processes.Process(target=_work, args=(tracking.uri, tracking.folders, run.id))
        worker.start()
        if kill < KILLS:
            wait_until(run.id, lambda run: run.state is State.RUNNING or run.state is State.FINISHED)
            time.sleep(draw.uniform(0, 2.5))
            worker.kill()
        worker.join()
        first = first_step_after(tracking, run.id, lines)
        assert first is None or saved < first <= saved + 10  # goes on from the checkpoint, not from before it
        if kill < KILLS:
            assert tracking.get(run.id).state is State.LOST
            requeue(tracking, run.id)
    assert tracking.get(run.id).state is State.FINISHED

    expected = {}
    whole = train(CONFIG, progress=expected.__setitem__)
    policy, _ = load_policy(tmp_path / "policy")
    for name, tensor in whole.policy.state_dict().items():
        assert torch.equal(tensor, policy.state_dict()[name])
    for name in expected[10]:
        assert tracking.history(run.id, name) == [(step, metrics[name]) for step, metrics in expected.items()]

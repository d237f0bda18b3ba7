"""A training from images as a run: it stops, goes on as if nothing had been, and leaves a policy."""

import json
from dataclasses import replace

import pytest

from nat_core.learning.forms import with_options
from nat_core.learning.image_training.presets import PRESETS, preset
from nat_core.learning.policies.checkpoint import load_policy
from nat_core.runs.kinds import request_for, training, work_of
from nat_core.runs.launcher import requeue
from nat_core.runs.processes import process
from nat_core.runs.run import State
from nat_core.runs.worker import execute
from tests.learning.image_training.cases import tiny


@pytest.fixture
def create(tracking, tmp_path):
    def create(name):
        request = request_for("train-images", tiny(), preset="smoke", output=tmp_path / name)
        return tracking.create(request, process())

    return create


def test_a_run_that_is_stopped_ends_as_one_that_is_not(tracking, create, monkeypatch, tmp_path):
    whole = create("whole")
    assert execute(tracking, whole.id) is State.FINISHED
    stopped = create("stopped")
    answers = iter([False] * 9 + [True])
    with monkeypatch.context() as patch:
        work = training.train_on_images
        patch.setattr(
            training,
            "train_on_images",
            lambda *arguments, hooks, **options: work(
                *arguments, hooks=replace(hooks, should_stop=lambda: next(answers)), **options
            ),
        )
        assert execute(tracking, stopped.id) is State.STOPPED
    assert tracking.get(stopped.id).step == 8
    requeue(tracking, stopped.id, process())
    assert execute(tracking, stopped.id) is State.FINISHED
    for metric in ("held_out_gain", "weight_loss", "modelled_gain", "accepted", "test/held_out_gain"):
        assert tracking.points(whole.id)[metric] == tracking.points(stopped.id)[metric] != []
    first, second = (load_policy(tmp_path / name)[0].state_dict() for name in ("whole", "stopped"))
    assert all((first[name] == second[name]).all() for name in first)
    run = tracking.get(whole.id)
    assert (run.step, run.steps, run.last) == (31, 31, run.metrics["held_out_gain"])


def test_requests_of_every_preset_are_accepted_and_name_their_command():
    for name in PRESETS:
        config = preset(name, "loose_end")
        request = request_for("train-images", config, preset=name)
        assert request.command == f"python -m nat_core train --space loose_end --preset {name}"
        assert work_of("train-images").config.from_dict(json.loads(request.to_json())["config"]) == config


def test_the_equivalent_command_says_what_differs():
    standard = preset("smoke", "fully_concat", "alternate")
    config = with_options(standard, {"data": "folder", "epochs": 3, "cost_weight": 0.1, "policy_network": "gcn"})
    assert training.image_arguments(config, "smoke") == [
        "train", "--space", "fully_concat", "--preset", "smoke", "--schedule", "alternate", "--data", "folder",
        "--epochs", "3", "--policy-network", "gcn", "--cost-weight", "0.1",
    ]  # fmt: skip
    assert "--seed" in training.image_arguments(replace(config, policy=replace(config.policy, seed=3)), "smoke")

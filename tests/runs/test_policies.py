"""Policies belong to runs by id: names that only look alike, twins, long ones, and folders of earlier versions."""

import json
import random
import shutil
from dataclasses import replace

import pytest
import torch

from nat_core.architecture import notation
from nat_core.cli import main
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import CARD, list_policies, load_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.learning.training.loop import train
from nat_core.learning.training.publish import publish
from nat_core.runs.artifacts import Snapshots
from nat_core.runs.folders import adopt_policies
from nat_core.runs.kinds import request_for
from nat_core.runs.launcher import delete
from nat_core.runs.processes import process
from nat_core.runs.request import MAX_NAME
from nat_core.runs.run import State
from nat_core.runs.tracking import open_tracking
from nat_core.runs.worker import execute

SMALL = PolicyConfig(width=8, layers=1, embedding=8, key=8)
CONFIG = TrainingConfig(policy=SMALL, steps=2, batch=4, samples=2, inputs=InputsConfig(60, 10))
CELL = CONFIG.target_space.sample(random.Random(1))


def trained(tracking, name: str, seed: int = 0, **settings):
    run = tracking.create(request_for("train", replace(CONFIG, seed=seed), name=name, **settings), process())
    assert execute(tracking, run.id) is State.FINISHED
    return tracking.get(run.id)


def policy_called(tracking, name: str) -> torch.Tensor:
    policy, card = catalogue.load_for(tracking.folders.policy_roots, CELL, name)
    return card.seed, torch.cat([parameter.flatten() for parameter in policy.parameters()])


def test_runs_whose_names_make_one_folder_name_have_a_policy_each(tracking):
    names = ["a/b", "a-b", " a b", "a b…", "..", "x" * MAX_NAME]
    runs = [trained(tracking, name, seed) for seed, name in enumerate(names)]
    for seed, run in enumerate(runs):
        assert policy_called(tracking, run.name)[0] == seed
    delete(tracking, runs[0].id)
    assert "a/b" not in catalogue.cards(tracking.folders.policy_roots)
    assert policy_called(tracking, "a-b")[0] == 1
    tracking.rename(runs[1].id, "a/b")
    assert policy_called(tracking, "a/b")[0] == 1
    for run in runs[1:]:
        delete(tracking, run.id)
    assert not list_policies(tracking.folders.policy_roots)


def test_no_door_lets_a_name_be_taken_twice(tracking, monkeypatch, capsys):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tracking.folders.root))
    kept = trained(tracking, "mine")
    before = policy_called(tracking, "mine")[1]
    for command in (
        ["train", "--space", "nasbench201", "--steps", "1", "--name", "mine"],
        ["train", "--space", "nasbench201", "--steps", "1", "--name", " mine ", "--detach"],
        ["evaluate", notation.shortest(CELL), "--preset", "smoke", "--name", "mine"],
    ):
        assert main(command) == 2
        assert capsys.readouterr().err == "error: a run is called 'mine' already; choose another name\n"
    assert torch.equal(policy_called(tracking, "mine")[1], before)
    assert main(["transform", notation.shortest(CELL), "--policy", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["output"]["genotype"]
    delete(tracking, kept.id)


def test_one_output_for_two_runs_leaves_both_policies_selectable(tracking, tmp_path):
    runs = [trained(tracking, name, seed, output=tmp_path / "out") for seed, name in enumerate(["first", "second"])]
    assert [policy_called(tracking, run.name)[0] for run in runs] == [0, 1]
    assert load_policy(tmp_path / "out")[1].seed == 1
    for run in runs:
        delete(tracking, run.id)
    assert load_policy(tmp_path / "out")[1].seed == 1


def test_an_output_that_cannot_be_a_folder_is_refused_before_the_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path / "runs"))
    (tmp_path / "file").write_text("")
    for extra in ([], ["--no-record"]):
        command = ["train", "--space", "nasbench201", "--steps", "1", "--output", str(tmp_path / "file" / "p")]
        assert main([*command, *extra]) == 2
        assert "cannot be a folder, since" in capsys.readouterr().err


def of_an_earlier_version(tracking, name: str, seed: int, state: State = State.FINISHED):
    """A run as it was recorded before, with the whole request in a tag, and nothing under its id."""
    request = request_for("train", replace(CONFIG, seed=seed), name=name, command=f"python -m nat_core train {seed}")
    run = tracking.create(request, process())
    tracking.note(run.id, {"request": request.to_json(), "state": state})
    return tracking.get(run.id)


@pytest.fixture
def older(tracking):
    """Saves a policy as an earlier version did."""

    def save(folder, run):
        return publish(folder, train(replace(CONFIG, seed=run.config["seed"])), run.request.command)

    yield save
    for run in tracking.runs():
        delete(tracking, run.id)
    for root in tracking.folders.policy_roots:
        shutil.rmtree(root, ignore_errors=True)


def test_a_run_of_an_earlier_version_is_read_and_its_policy_goes_with_it(tracking, older):
    run = of_an_earlier_version(tracking, "old/one", 3)
    assert run.config["seed"] == 3 and run.request.whole.command == "python -m nat_core train 3"
    older(tracking.folders.policies / "old-one", run)
    assert policy_called(tracking, "old-one")[0] == 3  # found before anything is moved
    open_tracking(f"{tracking.uri}?timeout=21", tracking.folders)  # as another process does
    assert list(catalogue.cards(tracking.folders.policy_roots)) == ["old/one"]
    assert tracking.output_of(run) == tracking.folders.policies / run.id
    stopped = of_an_earlier_version(tracking, "old stopped", 4, State.STOPPED)
    older(tracking.folders.latest / "old stopped (checkpoint)", stopped)
    adopt_policies(tracking.folders, tracking.runs)
    assert policy_called(tracking, "old stopped (checkpoint)")[0] == 4
    assert Snapshots.of(tracking.folders, stopped).latest.is_dir()
    for item in (run, stopped):
        delete(tracking, item.id)
    assert not list_policies(tracking.folders.policy_roots)


def test_a_folder_of_an_earlier_version_that_is_no_runs_for_sure_stays_and_is_found(tracking, older):
    first, second = (of_an_earlier_version(tracking, name, 5) for name in ("a/b", "a-b"))
    older(tracking.folders.policies / "a-b", second)
    older(tracking.folders.policies / "copied here", second)
    adopt_policies(tracking.folders, tracking.runs)
    assert list(catalogue.cards(tracking.folders.policy_roots)) == ["a-b", "copied here"]
    for run in (first, second):
        delete(tracking, run.id)
    assert list(catalogue.cards(tracking.folders.policy_roots)) == ["a-b", "copied here"]


def test_a_link_of_an_earlier_version_is_kept_only_if_it_still_leads_to_the_runs_policy(tracking, older, tmp_path):
    right, wrong = (of_an_earlier_version(tracking, name, seed) for seed, name in enumerate(("right", "wrong")))
    older(tmp_path / "out", right)
    tracking.folders.policies.mkdir(exist_ok=True)
    for run in (right, wrong):
        (tracking.folders.policies / run.name).symlink_to(tmp_path / "out")
    adopt_policies(tracking.folders, tracking.runs)
    assert list(catalogue.cards(tracking.folders.policy_roots)) == ["right"]
    assert not any(path.is_symlink() for path in tracking.folders.policies.iterdir())
    assert (tmp_path / "out" / CARD).is_file()

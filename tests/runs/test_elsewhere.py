"""Runs of another folder: what cannot be done from here is said, and their policies come from the record."""

from dataclasses import replace

import pytest

from nat_core.learning.policies import catalogue
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.runs.artifacts import (
    Snapshots,
    fetch_policy,
    fetch_snapshots,
    is_known,
)
from nat_core.runs.folders import Folders
from nat_core.runs.kinds import request_for, trains_a_policy
from nat_core.runs.launcher import requeue, resume, why_not_resumed, why_not_stopped
from nat_core.runs.processes import process
from nat_core.runs.run import State
from nat_core.runs.tracking import open_tracking
from nat_core.runs.worker import execute

SMALL = PolicyConfig(width=8, layers=1, embedding=8, key=8)
CONFIG = TrainingConfig(policy=SMALL, steps=40, batch=4, samples=2, inputs=InputsConfig(60, 10))


@pytest.fixture(scope="module")
def elsewhere(tracking, tmp_path_factory):
    """The same record, seen from another folder of runs."""
    return open_tracking(tracking.uri, Folders(tmp_path_factory.mktemp("another folder")))


@pytest.fixture(scope="module")
def finished(tracking, tmp_path_factory):
    output = tmp_path_factory.mktemp("asked for") / "out"
    run = tracking.create(request_for("train", CONFIG, name="theirs", output=output), process())
    assert execute(tracking, run.id) is State.FINISHED
    return tracking.get(run.id)


def test_what_cannot_be_done_is_said(tracking, elsewhere):
    run = tracking.create(request_for("train", CONFIG, name="stopped"), process())
    assert run.folder == str(tracking.folders.root) == run.place
    tracking.folders.log(run.id).write_text("a line\n")
    tracking.note(run.id, {"state": State.STOPPED})
    run = tracking.get(run.id)
    assert not tracking.is_elsewhere(run) and elsewhere.is_elsewhere(run)
    assert why_not_resumed(tracking, run) == ""
    for act in (requeue, resume):
        with pytest.raises(
            ValueError, match=r"is stopped, but its checkpoint is in .* and it can be resumed only there"
        ):
            act(elsewhere, run.id)
    requeue(tracking, run.id)
    assert tracking.get(run.id).state is State.QUEUED
    far = replace(run, recorded=State.RUNNING, process=replace(process(), host="far-away"))
    assert far.place == f"{tracking.folders.root} on far-away"
    assert why_not_stopped(far) == "it works on far-away and can be stopped only there"
    assert why_not_stopped(replace(far, process=process())) == why_not_stopped(run) == ""


def test_a_finished_policy_is_fetched_from_the_record(tracking, elsewhere, finished):
    assert is_known(tracking, finished) and not is_known(elsewhere, finished)
    fetch_policy(elsewhere, finished)
    fetch_policy(elsewhere, finished)  # it is there
    assert is_known(elsewhere, finished)
    assert list(catalogue.cards(elsewhere.folders.policies)) == ["theirs"]
    assert not list(elsewhere.folders.root.glob("fetching-*"))


def test_the_policies_of_checkpoints_are_fetched(tracking, elsewhere, finished):
    here, there = Snapshots.of(tracking.folders, finished), Snapshots.of(elsewhere.folders, finished)
    assert here.kept() and not there.kept()
    for _ in range(2):  # those that are here already stay
        fetch_snapshots(elsewhere, finished)
        assert list(there.kept()) == list(here.kept())


def test_what_was_never_stored_is_one_sentence(tracking, elsewhere):
    run = tracking.create(request_for("train", CONFIG, name="begun"), process())
    with pytest.raises(ValueError, match=r"no checkpoint's policy is stored with the run \w+ \(begun\)"):
        fetch_snapshots(elsewhere, run)
    with pytest.raises(ValueError, match="is queued; its policy can be fetched when finished"):
        fetch_policy(elsewhere, run)
    assert trains_a_policy(run)
    assert not trains_a_policy(replace(run, request=replace(run.request, kind="evaluate")))
    assert not trains_a_policy(replace(run, request=replace(run.request, kind="of tomorrow")))

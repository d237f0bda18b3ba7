"""Reading many runs and points: the file's reader says what MLflow's own client says."""

import math
import time

import pytest

from nat_core.runs import store
from nat_core.runs.kinds import request_for
from nat_core.runs.run import State
from nat_core.runs.store import FileReader, Point, ServerReader


@pytest.fixture(params=[FileReader, ServerReader])
def reader(request, tracking):
    place = tracking.folders.database if request.param is FileReader else tracking.client
    return request.param(place, tracking._experiment_id)


@pytest.fixture
def run(tracking, light_work):
    made = tracking.create(request_for("count", light_work.Counting()))
    points = [Point(name, step, step * factor, time.time()) for name, factor in (("a", 1.0), ("b/c", -2.0))
              for step in (0, 5, 10)]  # fmt: skip
    tracking.note(made.id, {"step": 10}, [*points, Point("odd", 1, math.nan, time.time())])
    return made


def test_records_are_the_runs_with_their_last_values(reader, run):
    record = next(item for item in reader.records() if item.id == run.id)
    assert (record.name, record.tags["nat.step"]) == (run.name, "10")
    assert (record.metrics["a"], record.metrics["b/c"]) == (10.0, -20.0) and math.isnan(record.metrics["odd"])
    assert record.created == pytest.approx(run.created)


def test_points_by_name_and_step_also_only_the_later_ones(reader, run):
    assert reader.points(run.id)["b/c"] == [(0, 0.0), (5, -10.0), (10, -20.0)]
    assert reader.points(run.id, after=5) == {"a": [(10, 10.0)], "b/c": [(10, -20.0)]}
    assert reader.points("0" * 32) == {}


def test_deleted_runs_keep_their_names_and_are_listed_no_more(reader, run, tracking):
    tracking.delete(run.id)
    assert run.name in reader.names()
    assert run.id not in [item.id for item in reader.records()]


def test_newest_first(reader, tracking, light_work):
    made = [tracking.create(request_for("count", light_work.Counting())) for _ in range(3)]
    ids = [item.id for item in reader.records()]
    assert [item for item in ids if item in {run.id for run in made}] == [run.id for run in reversed(made)]


class Counted:
    """A client that counts its searches for runs, by condition."""

    def __init__(self, client):
        self._client, self.searches = client, []

    def __getattr__(self, name):
        return getattr(self._client, name)

    def search_runs(self, experiments, condition, **options):
        self.searches.append(condition)
        return self._client.search_runs(experiments, condition, **options)


@pytest.fixture
def counted(tracking):
    client = Counted(tracking.client)
    return client, ServerReader(client, tracking._experiment_id)


def of(reader, run):
    return next((item for item in reader.records() if item.id == run.id), None)


def test_a_server_is_asked_for_all_runs_once_then_for_those_at_work(counted, run, tracking):
    client, reader = counted
    assert of(reader, run).tags["nat.state"] == State.QUEUED
    tracking.transition(run.id, State.RUNNING)
    tracking.note(run.id, {"step": 11}, [Point("a", 11, 7.0, time.time())])
    assert (of(reader, run).tags["nat.step"], of(reader, run).metrics["a"]) == ("11", 7.0)
    tracking.transition(run.id, State.FINISHED)
    assert of(reader, run).tags["nat.state"] == State.FINISHED
    before = len(client.searches)
    assert of(reader, run).tags["nat.state"] == State.FINISHED
    assert client.searches.count("") == 1 and len(client.searches) - before == 3


def test_a_run_that_is_deleted_at_work_or_begun_later_is_noticed_at_once(counted, run, tracking, light_work):
    _, reader = counted
    assert of(reader, run)
    tracking.delete(run.id)
    later = tracking.create(request_for("count", light_work.Counting()))
    assert of(reader, run) is None and of(reader, later)
    brief = tracking.create(request_for("count", light_work.Counting()))
    tracking.transition(brief.id, State.RUNNING)
    tracking.transition(brief.id, State.FINISHED)
    assert of(reader, brief).tags["nat.state"] == State.FINISHED


def test_what_others_did_to_ended_runs_is_noticed_in_the_background(counted, run, tracking, monkeypatch):
    _, reader = counted
    tracking.transition(run.id, State.RUNNING)
    tracking.transition(run.id, State.FINISHED)
    assert of(reader, run).name == run.name
    tracking.rename(run.id, "by another")
    assert of(reader, run).name == run.name  # remembered
    monkeypatch.setattr(store, "WHOLE_SECONDS", 0.0)
    deadline = time.monotonic() + 20
    while of(reader, run).name != "by another" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert of(reader, run).name == "by another"
    monkeypatch.setattr(store, "WHOLE_SECONDS", 1000.0)
    tracking.delete(run.id)
    assert of(reader, run)
    reader.forget()
    assert of(reader, run) is None

"""Reports reach the record once each, also when it is away for a while."""

import itertools

import pytest

from nat_core.runs.tracking import open_tracking
from nat_core.runs.worker import Reporter


@pytest.fixture
def run(tracking, light_work):
    from nat_core.runs.kinds import request_for

    return tracking.create(request_for("count", light_work.Counting(steps=10)))


def reporter(tracking, run, complaints=None, higher_is_better=True) -> Reporter:
    complain = [].append if complaints is None else complaints.append
    return Reporter(tracking, run, "number", higher_is_better, complain, interval_seconds=60)


def test_best_last_and_step_are_kept_beside_the_run(tracking, run):
    with reporter(tracking, run) as reports:
        for step, value in ((1, 3.0), (2, 5.0), (3, 4.0)):
            reports.progress(step, {"number": value, "other": -value})
    found = tracking.get(run.id)
    assert (found.step, found.best, found.last, found.metrics) == (3, 5.0, 4.0, {"number": 4.0, "other": -4.0})
    assert tracking.points(run.id)["number"] == [(1, 3.0), (2, 5.0), (3, 4.0)]


def test_lower_may_be_better(tracking, run):
    with reporter(tracking, run, higher_is_better=False) as reports:
        reports.progress(1, {"number": 3.0})
        reports.progress(2, {"number": 5.0})
    assert tracking.get(run.id).best == 3.0


def test_steps_that_were_written_are_left_out_after_a_resume(tracking, run):
    with reporter(tracking, run) as reports:
        for step in (1, 2, 3):
            reports.progress(step, {"number": step})
    with reporter(tracking, tracking.get(run.id)) as reports:
        for step in (2, 3, 4):
            reports.progress(step, {"number": step, "new": step})
    assert tracking.points(run.id)["number"] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert tracking.points(run.id)["new"] == [(2, 2), (3, 3), (4, 4)]
    assert tracking.get(run.id).best == 4


def test_a_record_that_is_away_gets_everything_once_it_is_back(tracking, run, monkeypatch):
    complaints, note = [], tracking.note
    tries = itertools.count()

    def away(run_id, facts, points=()):
        if next(tries) < 2:
            note(run_id, {}, list(points)[:1])  # it even arrived in part
            raise ConnectionError("nobody\nthere")
        note(run_id, facts, points)

    monkeypatch.setattr(tracking, "note", away)
    with reporter(tracking, run, complaints) as reports:
        reports.progress(1, {"number": 1.0})
        reports.flush()
        reports.progress(2, {"number": 2.0})
        reports.flush()
    assert complaints == ["the record could not be reached and is tried again (nobody there)"] * 2
    assert tracking.points(run.id)["number"] == [(1, 1.0), (2, 2.0)]


def test_time_left_follows_the_pace(tracking, run, monkeypatch):
    clock = iter([100.0, 102.0, 106.0, 107.0])
    monkeypatch.setattr("nat_core.runs.worker.time.monotonic", lambda: next(clock, 107.0))
    reports = reporter(tracking, run)
    reports.working()
    reports.progress(2, {})
    reports.progress(4, {})
    reports.flush()
    found = tracking.get(run.id)
    assert found.eta_seconds == 12.0  # 2 s per step, 6 steps left
    assert found.elapsed_seconds == 7.0


def test_a_store_is_opened_once(tracking):
    assert open_tracking(folders=tracking.folders) is tracking

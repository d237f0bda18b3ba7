"""Evaluations as runs: what was measured is in the table at once, and a stopped run goes on where it was."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from nat_core.learning.scratch.measured import read_measured
from nat_core.runs import worker
from nat_core.runs.kinds import evaluation, request_for
from nat_core.runs.kinds.evaluation import arguments, outcome, results_of
from nat_core.runs.launcher import requeue
from nat_core.runs.processes import process
from nat_core.runs.run import State
from nat_core.runs.worker import execute
from tests.learning.scratch.cases import TINY, coloured_images, config


@pytest.fixture
def images(monkeypatch):
    """Every budget's images are a few small ones."""
    monkeypatch.setattr(evaluation, "images_of", lambda budget: coloured_images())


def stop_after(monkeypatch, questions):
    @contextmanager
    def signals():
        asked = iter(range(10**9))
        yield lambda: next(asked) >= questions

    monkeypatch.setattr(worker, "stop_signals", signals)


def test_a_stopped_queue_is_resumed_and_every_result_is_in_the_table_at_once(tracking, images, monkeypatch):
    queue = config("NAT_DARTS", "NATv2_DARTS")
    run = tracking.create(request_for("evaluate", queue), process())
    stop_after(monkeypatch, 14)
    assert execute(tracking, run.id) is State.STOPPED
    table = tracking.folders.measured
    first = read_measured(table)
    assert [item.architecture for item in first] == ["NAT_DARTS"]
    assert [*results_of(queue, first)] == [0]
    requeue(tracking, run.id, owner=process())
    stop_after(monkeypatch, 10**9)
    assert execute(tracking, run.id) is State.FINISHED
    both = read_measured(table)
    assert both[0] == first[0] and [item.architecture for item in both] == ["NAT_DARTS", "NATv2_DARTS"]
    assert results_of(queue, both) == {0: both[0], 1: both[1]}
    assert [line.split()[0] for line in outcome(tracking, tracking.get(run.id)).splitlines()] == [
        "NAT_DARTS", "NATv2_DARTS",
    ]  # fmt: skip
    now = tracking.get(run.id)
    assert (now.step, now.last, now.best) == (80, both[1].accuracy, max(item.accuracy for item in both))
    steps = [step for step, _ in tracking.points(run.id)["2 NATv2_DARTS/loss"]]
    assert steps == sorted(set(steps)) == [40 + 5 * step for step in range(1, 9)]


def test_images_that_cannot_be_had_fail_with_a_way_out(tracking):
    run = tracking.create(request_for("evaluate", config(budget=replace(TINY, data="/nowhere/at/all"))), process())
    with pytest.raises(ValueError, match="choose other images with --data"):
        execute(tracking, run.id)
    assert "--data" in tracking.get(run.id).error


def test_the_newest_result_of_another_budget_is_none_of_ours(tracking, images):
    queue = config("DARTS")
    run = tracking.create(request_for("evaluate", queue), process())
    execute(tracking, run.id)
    measured = read_measured(tracking.folders.measured)
    assert [*results_of(queue, measured)] == [0]
    assert results_of(config("DARTS", budget=replace(TINY, epochs=3)), measured) == {}
    assert results_of(config("DARTS", seeds=(1,)), measured) == {}


def test_the_command_line_that_does_the_same():
    assert arguments(config("DARTS", budget=evaluation.PRESETS["smoke"].budget("cifar", epochs=1)), "smoke") == [
        "evaluate", "DARTS", "--preset", "smoke", "--epochs", "1",
    ]  # fmt: skip
    queue = config("DARTS", "ENAS", seeds=(1, 2), budget=evaluation.PRESETS["short"].budget("cifar"))
    assert arguments(queue, "short") == [
        "evaluate", "DARTS", "ENAS", "--preset", "short", "--seed", "1", "--seed", "2",
    ]  # fmt: skip

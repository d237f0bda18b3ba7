"""Reading many runs and points: the file's reader says what MLflow's own client says."""

import math
import random
import time

import pytest

from nat_core.runs.kinds import request_for
from nat_core.runs.reading import ClientReader, FileReader, thinned
from nat_core.runs.tracking import Point


@pytest.fixture(params=[FileReader, ClientReader])
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
    assert reader.points("0" * 32) == {} if isinstance(reader, FileReader) else True


def test_deleted_runs_keep_their_names_and_are_listed_no_more(reader, run, tracking):
    tracking.delete(run.id)
    assert run.name in reader.names()
    assert run.id not in [item.id for item in reader.records()]


def test_newest_first(reader, tracking, light_work):
    made = [tracking.create(request_for("count", light_work.Counting())) for _ in range(3)]
    ids = [item.id for item in reader.records()]
    assert [item for item in ids if item in {run.id for run in made}] == [run.id for run in reversed(made)]


@pytest.mark.parametrize("count", [0, 1, 50, 100, 101, 5000])
def test_thinned_curves_keep_ends_peaks_and_order(count):
    draw = random.Random(count)
    points = [(step, draw.random()) for step in range(count)]
    kept = thinned(points, 100)
    assert len(kept) <= max(100, min(count, 100)) and kept == sorted(kept) and set(kept) <= set(points)
    if count:
        assert (kept[0], kept[-1]) == (points[0], points[-1])
        assert max(kept, key=lambda p: p[1]) == max(points, key=lambda p: p[1])
        assert min(kept, key=lambda p: p[1]) == min(points, key=lambda p: p[1])

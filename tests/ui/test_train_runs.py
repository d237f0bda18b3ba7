"""What the table and the charts say of runs."""

import random
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from nat_core.architecture.spaces import SPACES
from nat_core.learning.forms import with_options
from nat_core.learning.image_training.presets import preset
from nat_core.learning.training.config import TrainingConfig
from nat_core.naming import resolve, resolve_in
from nat_core.runs.kinds import request_for
from nat_core.runs.processes import process
from nat_core.runs.run import Run, State
from ui.train import parallel
from ui.train.board import thinned
from ui.train.curves import CHARTS, differing, figure, legend, legend_rows, series, smoothed
from ui.train.live import ahead_of
from ui.train.table import matching, run_frame


def run_of(name: str, config=None, state: State = State.FINISHED, **facts) -> Run:
    kind = "train" if isinstance(config, TrainingConfig) else "train-images"
    request = request_for(kind, config or preset("smoke", "fully_concat"), preset="smoke")
    facts = {"created": 1.0, "process": process(), **facts}
    return Run(id=name * 8, name=name, request=request, recorded=state, heartbeat=time.time(), **facts)


def test_the_table_has_a_row_per_run_with_its_figures():
    run = run_of("a", state=State.RUNNING, step=62, eta_seconds=30, best=1.5, last=-0.5, metrics={"macs_ratio": 0.8})
    run = replace(run, request=replace(run.request, steps=124))
    row = run_frame([run]).iloc[0].to_dict()
    assert row["Status"] == "● running" and row["Progress"] == 50 and row["Left"] == timedelta(seconds=30)
    assert (row["Best gain"], row["Last gain"], row["MACs ratio"], row["Device"]) == (1.5, -0.5, 0.8, "cpu")
    assert run_frame([]).empty
    far = replace(run, process=replace(run.process, host="far-away"))
    assert run_frame([far]).iloc[0]["Device"] == "far-away · cpu"


def test_the_table_sorts_times_by_length_and_shows_no_accuracy_as_a_gain():
    runs = [run_of(name, elapsed_seconds=took) for name, took in (("a", 45.4), ("b", 720), ("c", 11_520))]
    frame = run_frame([*reversed(runs), replace(runs[0], request=replace(runs[0].request, kind="evaluate"), best=31.4)])
    assert list(frame.sort_values("Elapsed")["Run"])[-2:] == ["b", "c"]
    assert frame["Elapsed"].max() == timedelta(hours=3.2) and frame["Left"].isna().all()
    assert frame["Best gain"].isna().all()


def test_runs_are_found_by_every_word_state_and_space():
    runs = [run_of("alpha"), run_of("beta", TrainingConfig(), State.STOPPED)]
    assert matching(runs, "ALPHA smoke", [], []) == runs[:1]
    assert matching(runs, "", [State.STOPPED], []) == matching(runs, "", [], ["nasbench201"]) == runs[1:]
    assert matching(runs, "nasbench201", [], []) == runs[1:]
    assert matching(runs, "alpha beta", [], []) == []


def test_legends_name_what_differs_and_nothing_else():
    base = preset("smoke", "fully_concat")
    runs = [run_of("a", base), run_of("b", with_options(base, {"seed": 3, "epochs": 9}))]
    first, second = differing(runs)
    assert first == {"seed": "0", "weights.epochs": "6"} and second == {"seed": "3", "weights.epochs": "9"}
    assert legend(runs[1], second) == "b (weights.epochs 9, seed 3)"
    assert legend(runs[1], second, most=1) == "b (weights.epochs 9, 1 more)"
    assert differing(runs[:1]) == [{}] and legend(runs[0], {}) == "a"
    assert differing([]) == []


def test_charts_show_the_points_of_every_run():
    curves = [{"gain": [(1, 0.5), (2, 0.75)], "probe_gain/DARTS": [(2, 1.0)]}, {"held_out_gain": [(3, 1.0)]}]
    gains = next(chart for chart in CHARTS if chart.title.startswith("Mean gain"))
    drawn = figure(gains, ["a", "b"], curves, 200, 1)
    assert tuple(drawn.layout.xaxis.range) == (0, 206)
    assert [(line.name, list(line.x), list(line.y)) for line in drawn.data] == [
        ("a · training", [1, 2], [0.5, 0.75]), ("b · held out", [3], [1.0]),
    ]  # fmt: skip
    assert drawn.data[0].line.color != drawn.data[1].line.color
    probes = next(chart for chart in CHARTS if "published" in chart.title)
    assert series(probes, curves[0]) == {"DARTS": [(2, 1.0)]} and series(probes, curves[1]) == {}


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_a_queued_run_waits_for_those_before_it_on_its_device(state):
    first, second, third = (
        run_of(name, state=found, created=number)
        for number, (name, found) in enumerate([("a", state), ("b", State.QUEUED), ("c", State.QUEUED)])
    )
    other = replace(first, id="x", request=replace(first.request, device="cuda:0"))
    assert ahead_of(second, [third, second, first, other]) == [first]
    assert len(ahead_of(third, [third, second, first])) == 2


def test_a_legend_of_several_runs_has_room_below_the_title():
    gains = next(chart for chart in CHARTS if chart.title.startswith("Mean gain"))
    curves = [{name: [(1, 0.5)] for name in gains.metrics}] * 2
    assert legend_rows(gains, ["a"], curves[:1]) == legend_rows(gains, ["a", "b"], [{"gain": [(1, 0.5)]}] * 2) == 1
    names = ["a run with a long name (seed 1, cost_weight 0.05)", "another"]
    rows = legend_rows(gains, names, curves)
    one, two = figure(gains, ["a"], curves[:1], 1, 1), figure(gains, names, curves, 1, rows)
    assert rows == len(two.data)  # each as wide as the chart
    assert two.layout.margin.t - one.layout.margin.t >= 18 * (len(two.data) - 1)
    assert two.layout.height - two.layout.margin.t == one.layout.height - one.layout.margin.t  # of the plot itself


def test_a_curve_is_averaged_over_steps_however_far_apart_its_points_are():
    assert smoothed([], 5.0) == [] and smoothed([(3, 1.0)], 5.0) == [(3, 1.0)]
    assert smoothed([(0, 1.0), (1, 3.0)], 0.0) == [(0, 1.0), (1, 3.0)]
    kept = 0.36787944  # 1/e, of a point that is one time constant away
    (_, first), (_, second), (_, third) = smoothed([(0, 1.0), (5, 3.0), (5000, 7.0)], 5.0)
    assert first == 1.0 and second == pytest.approx((kept + 3) / (kept + 1)) and third == pytest.approx(7.0)
    noise = random.Random(0)
    noisy = [(step, 2.0 + noise.gauss(0, 1)) for step in range(400)]
    spread = [max(value for _, value in part) - min(value for _, value in part)
              for part in (noisy[100:], smoothed(noisy, 8)[100:], smoothed(noisy, 40)[100:])]  # fmt: skip
    assert spread[0] > 2 * spread[1] > 2 * spread[2]


def test_what_was_measured_stays_faint_behind_a_smoothed_curve_and_is_in_no_legend():
    gains = next(chart for chart in CHARTS if chart.title.startswith("Mean gain"))
    curves = [{"gain": [(step, step % 2.0) for step in range(50)]}] * 2
    plain, smooth = figure(gains, ["a", "b"], curves, 49, 1), figure(gains, ["a", "b"], curves, 49, 1, smoothing=0.1)
    behind, front = smooth.data[:2], smooth.data[2:]
    assert [line.y for line in behind] == [line.y for line in plain.data] and len(front) == 2
    assert all(line.hoverinfo == "skip" and line.showlegend is False for line in behind)
    assert {line.line.color for line in behind}.isdisjoint(line.line.color for line in front)
    assert smooth.layout.title.text == plain.layout.title.text == gains.title
    assert max(front[0].y[20:]) < 0.7 < max(behind[0].y) and smooth.layout.hovermode == "x unified"


def test_runs_are_lines_across_the_settings_that_differ_up_to_their_result():
    base = preset("smoke", "fully_concat")
    runs = [
        run_of(name, with_options(base, {"seed": seed, "epochs": epochs}), best=best)
        for name, seed, epochs, best in (("a", 0, 6, 1.25), ("b", 3, 9, 0.5), ("7", 4, 9, None))
    ]
    chart = parallel.figure(runs)
    axes = {axis.label: axis for axis in chart.data[0].dimensions}
    assert next(iter(axes)) == "Run" and list(axes)[-1] == "Best gain" and len(axes) == 4
    assert axes["Run"].ticktext == ("a", "b") and axes["seed"].values == (0, 3)
    assert chart.data[0].dimensions[-1].values == (1.25, 0.5)
    assert parallel.figure(runs[1:]) is None and parallel.figure([runs[0]] * 2) is None and parallel.figure([]) is None
    mixed = replace(runs[1], request=replace(runs[1].request, kind="evaluate"))
    assert parallel.figure([runs[0], mixed]) is None


def test_an_axis_has_numbers_only_where_all_values_are():
    assert parallel.axis("x", ["1", "2.5"])["values"] == [1.0, 2.5]
    assert parallel.axis("x", ["1", "nan"])["ticktext"] == parallel.axis("x", ["1", "nan", "1"])["ticktext"]
    assert parallel.axis("x", ["True", "False", "True"])["values"] == [0, 1, 0]
    assert parallel.axis("Run", ["1", "2"], is_text=True)["ticktext"] == ["1", "2"]
    assert parallel.axis("x", ["a" * 40, "b"])["ticktext"][0] == "a" * 13 + "…"


def test_the_timeline_takes_any_architecture_of_the_space():
    space, text = SPACES["nasbench201"], "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
    assert resolve_in(space, text) == resolve(text)
    assert resolve_in(space, "nasbench201:3") != resolve_in(space, text)
    with pytest.raises(ValueError, match="'DARTS' is not in the space NAS-Bench-201: "):
        resolve_in(space, "DARTS")
    with pytest.raises(ValueError, match="nothing"):
        resolve_in(space, "nothing like it")


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

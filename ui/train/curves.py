"""Live curves of a training's metrics; several runs share a chart and are labelled by their differing settings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import plotly.graph_objects as go
import streamlit as st

from nat_core.drawing.palette import THEMES
from nat_core.runs.run import Run
from nat_core.runs.store import Points
from ui import linked
from ui.segments import segments
from ui.theme import look, theme
from ui.train.board import Board

# One colour per run, distinguishable for colour-blind readers.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#8C6BB1")
DASHES = ("solid", "dot", "dash", "longdash", "dashdot", "longdashdot")
# Time constants of the moving average, as shares of the steps shown.
SMOOTHING = {"none": 0.0, "light": 0.02, "strong": 0.1}
_HEIGHT = 260  # pixels of a chart with a legend of one row
_LEGEND_ROW, _LEGEND_WIDTH, _LEGEND_LINE, _LEGEND_LETTER = 20, 400, 44, 6  # pixels: the legend and its entries


@dataclass(frozen=True)
class Chart:
    """One chart: its title with the unit, and a label for each metric, given by name or prefix."""

    title: str
    metrics: Mapping[str, str]


CHARTS = (
    Chart("Mean gain, points", {"held_out_gain": "held out", "gain": "training", "modelled_gain": "modelled"}),
    Chart("Reward, points", {"held_out_reward": "held out", "reward": "training", "modelled_reward": "modelled"}),
    Chart("Gain on published cells, points", {"probe_gain/": ""}),
    Chart("Area under fronts, points", {"held_out_hypervolume": "held out"}),
    Chart("Entropy, nats", {"entropy": ""}),
    Chart("Share made worse", {"share_worse": "at all", "held_out_worse": "at all",
                               "share_worse_by_half_a_point": "by ½ point"}),
    Chart("MACs of outputs ÷ inputs", {"macs_ratio": ""}),
    Chart("Shared weights: loss", {"weight_loss": ""}),
    Chart("Shared weights: training accuracy, %", {"weight_accuracy_percent": ""}),
    Chart("Reward model: rank correlation", {"reward_model_rank_correlation": "left-out data",
                                             "outputs_rank_correlation": "policy's outputs"}),
    Chart("Loss, nats", {"loss": ""}),
    Chart("Accuracy, %", {"accuracy": "measured", "top5_accuracy": "top-5", "training_accuracy": "training"}),
    Chart("Images per second", {"images_per_second": ""}),
    Chart("Time spent waiting for images, %", {"waiting_percent": ""}),
)  # fmt: skip


def show(board: Board, runs: Sequence[Run]) -> None:
    """Draw all charts that have data, two in a row."""
    curves = [board.curves(run) for run in runs]
    names = [legend(run, differing(runs)[number]) for number, run in enumerate(runs)]
    charts = [chart for chart in CHARTS if any(series(chart, found) for found in curves)]
    if not charts:
        st.caption("Nothing has been measured yet.")
        return
    smoothing = segments(
        "Smoothing", list(SMOOTHING), "none", "smoothing", format_func=str.capitalize,
        help="An exponential moving average; measured values stay faint behind it.",
        persist_state="session",
    )  # fmt: skip
    last = max(step for found in curves for points in found.values() for step, _ in points)
    with linked.charts("train_curves"):
        for pair in (charts[first : first + 2] for first in range(0, len(charts), 2)):
            rows = max(legend_rows(chart, names, curves) for chart in pair)  # so that curves begin at one height
            for column, chart in zip(st.columns(2), pair, strict=False):
                column.plotly_chart(
                    figure(chart, names, curves, last, rows, theme().name, SMOOTHING[smoothing]),
                    key=f"train-chart-{chart.title}",
                    config={"displayModeBar": False},
                    alt=chart.title,
                )


def series(chart: Chart, curves: Mapping[str, Points]) -> dict[str, Points]:
    """Return a run's points in a chart, by label."""
    found: dict[str, Points] = {}
    for name, label in chart.metrics.items():
        if name.endswith("/"):
            found |= {key.removeprefix(name): points for key, points in curves.items() if key.startswith(name)}
        elif name in curves:
            found[label] = curves[name]
    return found


def legend_rows(chart: Chart, names: Sequence[str], curves: Sequence[Mapping[str, Points]]) -> int:
    """Estimate the number of rows of a chart's legend in a narrow window; its columns are as wide as the longest
    entry.
    """
    entries = [
        _entry(name, label, len(names) > 1)
        for name, found in zip(names, curves, strict=True)
        for label in series(chart, found)
    ]
    widths = [_LEGEND_LINE + _LEGEND_LETTER * len(entry) for entry in entries]
    if sum(widths) <= _LEGEND_WIDTH:
        return 1
    return math.ceil(len(widths) / max(1, _LEGEND_WIDTH // max(widths)))


def _entry(name: str, label: str, several: bool) -> str:
    """Return a line's legend: the run if there are several, and the metric if the chart has several."""
    return " · ".join(part for part in (name if several else "", label) if part) or name


def figure(
    chart: Chart,
    names: Sequence[str],
    curves: Sequence[Mapping[str, Points]],
    last: int,
    rows: int,
    theme_name: str = "light",
    smoothing: float = 0.0,
) -> go.Figure:
    """Return the chart of the runs' metrics over steps 0 to `last`: one colour per run, one dash style per metric.

    Args:
        chart: the metrics to show.
        names: the runs' names.
        curves: all metrics of each run.
        last: step at the right end.
        rows: rows of the legend, above the curves.
        theme_name: the visitor's theme.
        smoothing: the average's time constant as a share of `last`; 0 for the measured curves.
    """
    shown = tuple(tuple((label, tuple(points)) for label, points in series(chart, found).items()) for found in curves)
    return _figure(chart.title, tuple(names), shown, last, rows, theme_name, smoothing)


def smoothed(points: Sequence[tuple[int, float]], constant: float) -> Points:
    """Return the exponential moving average of a curve with points at any distances; the first point is unchanged.

    Args:
        points: step and value, by rising step.
        constant: steps after which a point counts 1/e of what it did; 0 for no average.
    """
    if constant <= 0:
        return list(points)
    averaged: Points = []
    total = weight = 0.0
    before = points[0][0] if points else 0
    for step, value in points:
        kept = math.exp((before - step) / constant)
        total, weight, before = kept * total + value, kept * weight + 1, step
        averaged.append((step, total / weight))
    return averaged


@lru_cache(maxsize=128)
def _figure(
    title: str, names: tuple[str, ...], curves: tuple[tuple[tuple[str, tuple[tuple[int, float], ...]], ...], ...],
    last: int, rows: int, theme_name: str, smoothing: float,
) -> go.Figure:  # fmt: skip
    several, colors = len(names) > 1, THEMES[theme_name]
    behind, lines = [], []
    for run, (name, found) in enumerate(zip(names, curves, strict=True)):
        color = COLORS[run % len(COLORS)]
        for number, (label, points) in enumerate(found):
            entry = _entry(name, label, several)
            style = {"color": color, "dash": DASHES[number % len(DASHES)], "width": 1.8}
            if smoothing:
                behind.append(_line(points, entry, {"color": colors.tint(color, 0.3), "width": 1}, False) | _UNTOLD)
            shown = smoothed(points, smoothing * last)
            lines.append(_line(shown, entry, style, several or len(found) > 1))
    layout = look(_HEIGHT + _LEGEND_ROW * (rows - 1))
    layout["margin"]["t"] = 58 + _LEGEND_ROW * (rows - 1)
    layout["xaxis"] |= {"range": [0, 1.03 * (last or 1)], "title": {"text": "steps", "font": {"size": 12}},
                        "showspikes": True, "spikemode": "across", "spikesnap": "cursor", "spikethickness": 1,
                        "spikedash": "dot", "spikecolor": colors.muted}  # fmt: skip
    heading = {"text": title, "font": {"size": 14, "color": colors.text}}
    layout["title"] = {**heading, "x": 0, "y": 0.98, "yanchor": "top"}
    layout["hovermode"] = "x unified"
    layout["hoverlabel"] |= {"bgcolor": colors.ground, "font": {"color": colors.text, "size": 12}}
    return go.Figure([*behind, *lines], layout)


_UNTOLD = {"hoverinfo": "skip", "hovertemplate": None}


def _line(
    points: Sequence[tuple[int, float]], name: str, line: Mapping[str, object], legend: bool
) -> dict[str, object]:
    return {
        "type": "scatter",
        "x": [step for step, _ in points],
        "y": [value for _, value in points],
        "name": name,
        "mode": "lines+markers" if len(points) < 12 else "lines",
        "line": line,
        "marker": {"size": 5},
        "showlegend": legend,
        "hovertemplate": "%{y:.4g}<extra></extra>",  # with its colour and dashes, as in the legend
    }


def differing(runs: Sequence[Run]) -> list[dict[str, str]]:
    """Return for each run the settings that differ between the runs, the most important first."""
    flat = [
        {"space": run.request.space, "preset": run.request.preset, **run.request.parameters()} for run in runs
    ]  # fmt: skip
    names = [name for name in flat[0] if all(name in item for item in flat)] if flat else []
    different = [name for name in names if len({item[name] for item in flat}) > 1]
    return [{name.removeprefix("policy."): item[name] for name in different} for item in flat]


def legend(run: Run, different: Mapping[str, str], most: int = 3) -> str:
    """Return the run's name with its differing settings."""
    parts = [f"{name} {value}" for name, value in different.items()][:most]
    rest = len(different) - len(parts)
    return f"{run.name} ({', '.join([*parts, *([f'{rest} more'] if rest else [])])})" if parts else run.name

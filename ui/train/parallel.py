"""Parallel coordinates: each run is a line across the settings that differ, ending at its results."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from nat_core.runs.kinds import trains_a_policy
from nat_core.runs.run import Run
from ui.theme import theme
from ui.train.curves import COLORS, differing

KEY = "train_parallel"  # key of the container, hidden in a narrow window
_MOST_AXES = 7  # more would be illegible
_LETTERS = 14  # characters of a name or value at an axis
_HEIGHT = 320


def show(runs: Sequence[Run]) -> None:
    """Draw the chart if runs can be compared; the table has the settings in any case."""
    if (chart := figure(runs)) is not None:
        with st.container(key=KEY):
            st.plotly_chart(
                chart, key="train-parallel", config={"displayModeBar": False}, alt="Settings that differ and results"
            )


def figure(runs: Sequence[Run]) -> go.Figure | None:
    """Return a chart with one line per run that has a result; None for fewer than two."""
    settings = {run.id: found for run, found in zip(runs, differing(runs), strict=True)}
    colors = {run.id: COLORS[number % len(COLORS)] for number, run in enumerate(runs)}  # the colours of its curves
    told = [run for run in runs if run.best is not None]
    if len(told) < 2 or len({trains_a_policy(run) for run in told}) > 1 or not settings[told[0].id]:
        return None
    columns = [(name, [settings[run.id][name] for run in told]) for name in settings[told[0].id]][:_MOST_AXES]
    result = "Best gain" if trains_a_policy(told[0]) else "Accuracy, %"
    axes = [
        axis("Run", [run.name for run in told], is_text=True),
        *(axis(name.rpartition(".")[2], values) for name, values in columns),
        axis(result, [f"{run.best:.6g}" for run in told]),
    ]
    return _drawn(axes, [colors[run.id] for run in told])


def axis(name: str, values: Sequence[str], is_text: bool = False) -> dict[str, Any]:
    """Return a numeric axis if all values are numbers, else a categorical one in order of appearance.

    Args:
        name: the axis title.
        values: one per run, as texts.
        is_text: whether they are names, even if they look like numbers.
    """
    numbers = None if is_text else _numbers(values)
    if numbers is not None and len(set(numbers)) > 1:
        ticks = sorted(set(numbers))
        few = {"tickvals": ticks, "ticktext": [f"{tick:.4g}" for tick in ticks]} if len(ticks) <= len(COLORS) else {}
        return {"label": _short(name), "values": numbers, **few}
    texts = list(dict.fromkeys(values))
    return {
        "label": _short(name),
        "values": [texts.index(value) for value in values],
        "tickvals": list(range(len(texts))),
        "ticktext": [_short(text) for text in texts],
        "range": [-0.1, len(texts) - 0.9],
    }


def _numbers(values: Sequence[str]) -> list[float] | None:
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return None
    return numbers if all(math.isfinite(number) for number in numbers) else None


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _drawn(axes: list[dict[str, Any]], lines: Sequence[str]) -> go.Figure:
    colors, last = theme(), len(lines) - 1
    figure = go.Figure()
    figure.add_parcoords(
        dimensions=axes,
        line={
            "color": list(range(len(lines))), "cmin": 0, "cmax": last, "showscale": False,
            "colorscale": [[number / last, color] for number, color in enumerate(lines)],
        },
        labelfont={"color": colors.text, "size": 13},
        tickfont={"color": colors.text, "size": 12},
        rangefont={"color": "rgba(0,0,0,0)", "size": 1},
    )  # fmt: skip
    return figure.update_layout(
        height=_HEIGHT, margin={"l": 90, "r": 60, "t": 48, "b": 20}, paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)", font={"color": colors.text},
    )  # fmt: skip

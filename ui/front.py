"""The front of an input: a chart of accuracy over cost, and a slider along it."""

import math
import zlib
from collections import Counter
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from nat_core.drawing.palette import THEMES, Theme
from nat_core.ranking import Candidate
from nat_core.transformation import Transformation
from ui import compute
from ui.along import Place, slider
from ui.callback import callback
from ui.compute import Published
from ui.once import once
from ui.settings import Settings
from ui.theme import look, theme
from ui.unit import Unit, unit
from ui.view import show

HEIGHT = 330
_REMEMBERED = 256
_MOST_POINTS = 30
_CHART = "front_chart"
_SYMBOLS = {"NAT": "square", "NAT++": "diamond-tall"}
Curve = Sequence[tuple[float, float]]


def panel(outcome: Transformation, shown: Candidate, chosen: Settings, published: tuple[Published, ...]) -> None:
    """Draw the chart, and the slider below it."""
    oracle = compute.oracle_front(outcome.input.architecture, chosen.data_set, chosen.rule)
    st.plotly_chart(
        _figure(outcome, shown.number, published, oracle, unit(), theme().name),
        key=_CHART,
        on_select=callback(_CHART, lambda: _pick(outcome)),
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"{unit().name} against accuracy: the front, the input, and what is shown",
    )
    _slider(outcome, shown)


def _slider(outcome: Transformation, shown: Candidate) -> None:
    """Draw the slider along the front, for pointer and arrow keys."""
    points = along(outcome, shown)
    if len(points) < 2:
        st.caption("No other candidate is on the front.")
        return
    titles = dict(zip((item.number for item in points), _titles(outcome.input, points), strict=True))
    slider("Share of the input's MACs", titles, place(outcome, shown), show)


def along(outcome: Transformation, shown: Candidate) -> list[Candidate]:
    """Return the slider's candidates, cheapest first: the front, and the shown candidate wherever it lies.

    A front with very many points is thinned evenly.
    """
    every = -(-len(outcome.front) // _MOST_POINTS) or 1
    points = {item.number: item for item in (*outcome.front[::-1][::every], shown)}
    return sorted(points.values(), key=lambda item: (item.cost.macs, item.accuracy_percent or 0.0))


def place(outcome: Transformation, shown: Candidate) -> Place:
    """Return the page's position on the front."""
    told = (outcome.input.architecture, outcome.evaluated, [item.number for item in along(outcome, shown)])
    return Place(f"{zlib.crc32(repr(told).encode()):08x}", shown.number)


def _titles(given: Candidate, items: Sequence[Candidate]) -> list[str]:
    """Return distinct labels such as ``79 %``; equal ones get decimals or, if still equal, a number."""
    shares = [100 * item.cost.macs / max(given.cost.macs, 1) for item in items]
    titles = [f"{share:.0f} %" for share in shares]
    for decimals in (1, 2):
        often = Counter(titles)
        titles = [
            title if often[title] == 1 else f"{share:.{decimals}f} %"
            for title, share in zip(titles, shares, strict=True)
        ]
    often = Counter(titles)
    return [title if often[title] == 1 else f"{title} ({place})" for place, title in enumerate(titles, start=1)]


def _pick(outcome: Transformation) -> None:
    """Choose the candidate of a clicked point."""
    for point in st.session_state[_CHART].selection.points[:1]:
        data = point.get("customdata")
        number = data[0] if isinstance(data, list) and data else None
        if number in {item.number for item in (outcome.input, *outcome.candidates)}:
            show(int(number))


@once(_REMEMBERED)
def _figure(
    outcome: Transformation,
    shown: int,
    published: tuple[Published, ...],
    oracle: Curve,
    counted: Unit,
    ground: str,
) -> go.Figure:
    """Return the chart of MACs or FLOPs (millions) against accuracy or, without an accuracy source, probability."""
    colors, front = THEMES[ground], outcome.front
    figure = go.Figure(layout=look(HEIGHT))
    _oracle(figure, oracle, counted, colors)
    _band(figure, front, counted, colors)
    on_front = {item.number for item in front}
    others = [item for item in outcome.candidates if item.number not in (0, shown, *on_front)]
    _points(figure, outcome, others, counted, colors.tint(colors.muted, 0.45), "circle", 5)
    known = [item for item in front if item.number not in (0, shown)]
    figure.add_scatter(
        x=[counted.in_millions(item.cost.macs) for item in front], y=[_height(item) for item in front],
        mode="lines", line={"color": colors.accent, "width": 1.5}, hoverinfo="skip",
    )  # fmt: skip
    _points(figure, outcome, known, counted, colors.accent, "circle", 9)
    for item in published:
        symbol, name = _SYMBOLS.get(item.method, "square"), f"{item.name}, as published; predicted like the others"
        _points(figure, outcome, [item.candidate], counted, colors.text, symbol, 9, item.method, name)
    _points(figure, outcome, [outcome.input], counted, colors.text, "circle-open", 11, "input")
    chosen = [item for item in (outcome.input, *outcome.candidates) if item.number == shown][:1]
    _points(figure, outcome, chosen, counted, colors.changes["changed"], "star", 15)
    figure.update_layout(showlegend=False, hovermode="closest", margin={"t": 12, "b": 0}, dragmode=False)
    figure.update_xaxes(title=f"{counted.name}, M", fixedrange=True)
    title = f"Accuracy ({outcome.accuracy_kind}), %" if outcome.accuracy_kind else "Log-probability"
    return figure.update_yaxes(title=title, fixedrange=True)


def _height(item: Candidate) -> float:
    return item.log_probability if item.accuracy_percent is None else item.accuracy_percent


def _oracle(figure: go.Figure, oracle: Curve, counted: Unit, colors: Theme) -> None:
    if not oracle:
        return
    figure.add_scatter(
        x=[counted.per_mac * macs for macs, _ in oracle], y=[accuracy for _, accuracy in oracle],
        mode="lines+text", text=[*[""] * (len(oracle) - 1), "best possible"], textposition="top left",
        textfont={"size": 12, "color": colors.muted}, cliponaxis=False,
        line={"color": colors.muted, "width": 1.2, "dash": "dot", "shape": "hv"}, hoverinfo="skip",
    )  # fmt: skip


def _band(figure: go.Figure, front: Sequence[Candidate], counted: Unit, colors: Theme) -> None:
    """Add a band of one standard error of the difference to the input on either side."""
    known = [item for item in front if item.gain_error_points is not None]
    if len(known) < 2:
        return
    across = [counted.in_millions(item.cost.macs) for item in known]
    high, low = ([_height(item) + sign * (item.gain_error_points or 0) for item in known] for sign in (1, -1))
    figure.add_scatter(
        x=[*across, *across[::-1]], y=[*high, *low[::-1]], fill="toself", mode="lines", line={"width": 0},
        fillcolor=colors.tint(colors.accent, 0.14), hoverinfo="skip",
    )  # fmt: skip


def _points(
    figure: go.Figure,
    outcome: Transformation,
    items: Sequence[Candidate],
    counted: Unit,
    color: str,
    symbol: str,
    size: int,
    label: str = "",
    name: str = "",
) -> None:
    """Return markers with hover texts; each carries its candidate's number for clicks, −1 if it is no candidate."""
    if outcome.accuracy_kind is not None:
        items = [item for item in items if item.accuracy_percent is not None]
    figure.add_scatter(
        x=[counted.in_millions(item.cost.macs) for item in items],
        y=[_height(item) for item in items],
        mode="markers+text" if label else "markers",
        text=[label if name else f"{label}  "] * len(items),
        # Others that cost as much as the input stand above and below it.
        textposition="bottom center" if name else "middle left",
        textfont={"size": 12},
        cliponaxis=False,
        customdata=[[-1 if name else item.number, name or _title(outcome, item), _merit(item)] for item in items],
        marker={
            "symbol": [symbol if (item.is_believable and item.is_final) or symbol == "star" else f"{symbol}-open"
                       for item in items] if not symbol.endswith("-open") else symbol,
            "color": color, "size": size, "line": {"width": 2 if symbol.endswith("-open") else 1},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        hovertemplate="%{customdata[1]}<br>%{x:.1f} M " + counted.name + "<br>%{customdata[2]}<extra></extra>",
    )  # fmt: skip


def _title(outcome: Transformation, item: Candidate) -> str:
    return "the input" if item.number == outcome.input.number else f"candidate {item.number}"


def _merit(item: Candidate) -> str:
    if item.accuracy_percent is None:
        return f"probability {math.exp(item.log_probability):.3g}"
    error = "" if item.standard_error_points is None else f" ± {item.standard_error_points:.2f}"
    doubt = "" if item.is_believable else "<br>few cells like it have been trained"
    return f"{item.accuracy_percent:.2f} %{error}{doubt}"

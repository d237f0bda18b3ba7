"""Input → NAT → NAT++ → ours as arrows: what each step costs, and how accurate it is where that is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import plotly.graph_objects as go

from nat_core.learning.comparison import Item, Row, chains
from nat_core.network.config import NetworkConfig
from ui.theme import style, theme

HEIGHT = 520
_METHODS = {None: "Input", "NAT": "NAT", "NAT++": "NAT++", "ours": "Ours"}
_SYMBOLS = {None: "circle", "NAT": "square", "NAT++": "diamond", "ours": "star"}


@dataclass(frozen=True)
class Height:
    """What a chart of pairs may show upwards; one kind of number only.

    Attributes:
        title: of the choice and the axis.
        of: a row's number, or the name of the input that it belongs to, or None.
        unit: of a number.
    """

    title: str
    of: Callable[[Row], float | str | None]
    unit: str = ""


HEIGHTS: Mapping[str, Height] = MappingProxyType(
    {
        "input": Height("By input", lambda row: row.item.derived_from or row.item.name),
        "parameters": Height("Parameters", lambda row: row.cost and row.cost.parameters / 1e6, "M"),
        "published": Height("Accuracy (published)", lambda row: row.published_accuracy_percent, "%"),
        "measured": Height("Accuracy (measured)", lambda row: row.measured_accuracy_percent, "%"),
        "top5": Height("Top-5 (measured)", lambda row: row.measured_top5_percent, "%"),
    }
)


def shown(rows: Sequence[Row], height: Height) -> list[Row]:
    """The rows that such a chart has a point for; by input only those that were transformed, or made so."""
    known = [row for row in rows if row.cost is not None and height.of(row) is not None]
    if height.unit:
        return known
    inputs = {row.item.derived_from for row in rows}
    return [row for row in known if row.item.derived_from or row.item.name in inputs]


def figure(rows: Sequence[Row], height: Height, network: NetworkConfig) -> go.Figure:
    """MACs across, `height` upwards; arrows along each chain through the points that there are."""
    points, colors, chart = shown(rows, height), theme(), go.Figure()
    places = _places(points, height)
    names = _names({row.item.name: places[row.item.name] for row in points if row.item.method is None})
    for method, title in _METHODS.items():
        members = [row for row in points if row.item.method == method]
        chart.add_scatter(
            x=[row.cost.macs / 1e6 for row in members],
            y=[height.of(row) for row in members],
            mode="markers+text" if method is None and height.unit else "markers",
            text=[names.get(row.item.name, "") for row in members],
            customdata=[[row.item.name, _flag(row)] for row in members],
            textposition="top center",
            textfont={"size": 11, "color": colors.muted},
            name=title,
            marker={
                "symbol": [_SYMBOLS[method] + ("-open" if row.outside_rule else "") for row in members],
                "size": 14 if method == "ours" else 10,
                "color": _color(method),
                "line": {"width": [2.5 if row.outside_rule else 0 for row in members]},
            },
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            hovertemplate="%{customdata[0]}<br>%{x:.1f} M MACs<br>"
            f"{_hovered(height)}%{{customdata[1]}}<extra></extra>",
        )
    for chain in chains(row.item for row in rows):
        _arrows(chart, [item for item in chain if item.name in places], places)
    style(chart, HEIGHT).update_layout(hovermode="closest", paper_bgcolor=colors.ground)
    chart.update_layout(legend={"y": -0.16, "yanchor": "top"}, margin={"t": 36})
    chart.update_xaxes(title=f"MACs, M ({network.description})")
    if height.unit:
        return chart.update_yaxes(title=f"{height.title}, {height.unit}")
    inputs = sorted({height.of(row) for row in points}, key=lambda name: places[name][0] if name in places else 0)
    return chart.update_yaxes(type="category", categoryorder="array", categoryarray=inputs)


def _places(points: Sequence[Row], height: Height) -> dict[str, tuple[float, float]]:
    return {row.item.name: (row.cost.macs / 1e6, height.of(row)) for row in points}


def _names(places: Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """What is written beside points: those at one place share one text, which the first of them carries."""
    together: dict[tuple[float, float], list[str]] = {}
    for name, place in places.items():
        together.setdefault(place, []).append(name)
    return {names[0]: ", ".join(names) for names in together.values()}


def _flag(row: Row) -> str:
    return f"<br>outside the rule: {', '.join(row.outside_rule)}" if row.outside_rule else ""


def _hovered(height: Height) -> str:
    return f"%{{y:.2f}} {height.unit}" if height.unit else "from %{y}"


def _color(method: str | None) -> str:
    colors = theme()
    shades = {None: colors.muted, "NAT": colors.tint(colors.accent, 0.55), "NAT++": colors.accent}
    return shades.get(method, colors.changes["changed"])


def _arrows(chart: go.Figure, items: Sequence[Item], places: Mapping[str, tuple[float, float]]) -> None:
    for start, end in pairwise(items):
        (ax, ay), (x, y) = places[start.name], places[end.name]
        if (ax, ay) != (x, y):
            chart.add_annotation(
                x=x, y=y, ax=ax, ay=ay, xref="x", yref="y", axref="x", ayref="y", text="", showarrow=True,
                arrowhead=2, arrowsize=1, arrowwidth=1.4, arrowcolor=_color(end.method), opacity=0.8,
                standoff=5, startstandoff=5,
            )  # fmt: skip

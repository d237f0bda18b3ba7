"""A chart with arrows from inputs to the outputs of NAT, NAT++ and our policies, by cost and known accuracy."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import plotly.graph_objects as go

from nat_core.learning.comparison import Item, Row, chains
from nat_core.network.config import NetworkConfig
from ui.compare.labels import Places, sides
from ui.theme import style, theme

HEIGHT = 520
_ROW = 36  # pixels of an input's row
OWN = "own"
# Drawing order; later items cover earlier ones.
_KINDS = {"ours": "Ours", "NAT": "NAT", "NAT++": "NAT++", OWN: "Your own", None: "Input"}
_SYMBOLS = {None: "circle-open", OWN: "cross", "NAT": "square", "NAT++": "diamond", "ours": "star"}
_SIZES = {"ours": 14, OWN: 13, None: 13}
# Offsets within an input's row, so that outputs with equal costs do not overlap.
_ABOVE = {"NAT": 0.28, "ours": -0.28}


@dataclass(frozen=True)
class Height:
    """A quantity for the vertical axis of a chart of pairs; one kind of number only.

    Attributes:
        title: label of the option and the axis.
        of: returns a row's number or its input's name, or None.
        unit: unit of the number.
        is_log: whether both axes are logarithmic.
    """

    title: str
    of: Callable[[Row], float | str | None]
    unit: str = ""
    is_log: bool = False


HEIGHTS: Mapping[str, Height] = MappingProxyType(
    {
        "input": Height("By input", lambda row: row.item.derived_from or row.item.name),
        "parameters": Height("Parameters", lambda row: row.cost and row.cost.parameters / 1e6, "M", True),
        "published": Height("Accuracy (published)", lambda row: row.published_accuracy_percent, "%"),
        "measured": Height("Accuracy (measured)", lambda row: row.measured_accuracy_percent, "%"),
        "top5": Height("Top-5 (measured)", lambda row: row.measured_top5_percent, "%"),
    }
)


def shown(rows: Sequence[Row], height: Height) -> list[Row]:
    """Return the rows with a point in the chart; by input, only transformed inputs and their outputs."""
    known = [row for row in rows if row.cost is not None and height.of(row) is not None]
    if height.unit:
        return known
    inputs = {row.item.derived_from for row in rows}
    return [row for row in known if row.item.derived_from or row.item.name in inputs]


def figure(rows: Sequence[Row], height: Height, network: NetworkConfig) -> go.Figure:
    """Return the chart of MACs against `height`, with arrows from every input to each output that has a point."""
    points, colors, chart = shown(rows, height), theme(), go.Figure()
    inputs = _inputs(points)
    places = _places(points, height, inputs)
    texts, sides = _texts(points, places, height)
    for kind, title in _KINDS.items():
        members = [row for row in points if _kind(row) == kind]
        names = [row.item.name for row in members]
        chart.add_scatter(
            x=[places[name][0] for name in names],
            y=[places[name][1] for name in names],
            mode="markers+text" if height.unit else "markers",
            text=[texts.get(name, "") for name in names],
            customdata=[[row.item.name, _flag(row), _hovered(row, height)] for row in members],
            textposition=[sides.get(name, "top center") for name in names],
            textfont={"size": 11, "color": colors.muted},
            cliponaxis=False,
            name=title,
            legendrank=1 if kind is None else 2 if kind == OWN else 3,
            marker={
                "symbol": [_SYMBOLS[kind] + ("-open" if row.outside_rule else "") for row in members],
                "size": _SIZES.get(kind, 10),
                "color": _color(kind),
                "line": {"width": [2.5 if row.outside_rule or kind is None else 1 for row in members],
                         "color": colors.ground},
            },
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            hovertemplate="%{customdata[0]}<br>%{x:.1f} M MACs<br>%{customdata[2]}%{customdata[1]}<extra></extra>",
        )  # fmt: skip
    for given, *made in chains(row.item for row in rows):
        _arrows(chart, given, [item for item in made if item.name in places], places, height)
    rows_high = 0 if height.unit else _ROW * len(inputs) + 120
    style(chart, max(HEIGHT, rows_high)).update_layout(hovermode="closest", paper_bgcolor=colors.ground)
    chart.update_layout(legend={"y": -80 / max(HEIGHT, rows_high), "yanchor": "top"}, margin={"t": 36})
    chart.update_xaxes(title=f"MACs, M<br>({network.description})", **_axis(height, tick=3.0))
    if height.unit:
        return chart.update_yaxes(title=f"{height.title}, {height.unit}", **_axis(height))
    return chart.update_yaxes(tickvals=list(range(len(inputs))), ticktext=list(inputs), range=[-0.7, len(inputs) - 0.3])


def _axis(height: Height, tick: float = 0.0) -> dict[str, object]:
    """Return an axis; a logarithmic one has ticks at doublings, one of them at 10 to the power of `tick`."""
    return (
        {"type": "log", "tick0": tick, "dtick": math.log10(2), "exponentformat": "none"}
        if height.is_log
        else {"type": "linear"}
    )


def _kind(row: Row) -> str | None:
    return OWN if row.item.origin == OWN else row.item.method


def _inputs(points: Sequence[Row]) -> list[str]:
    """Return the inputs' names, cheapest first."""
    macs = {row.item.name: row.cost.macs for row in points if row.cost is not None}
    return sorted({row.item.derived_from or row.item.name for row in points}, key=lambda name: macs.get(name, 0))


def _places(points: Sequence[Row], height: Height, inputs: Sequence[str]) -> Places:
    if height.unit:
        return {row.item.name: (row.cost.macs / 1e6, height.of(row)) for row in points}
    rank = {name: number for number, name in enumerate(inputs)}
    return {
        row.item.name: (row.cost.macs / 1e6, rank[height.of(row)] + _ABOVE.get(row.item.method, 0.0)) for row in points
    }


def _texts(points: Sequence[Row], places: Places, height: Height) -> tuple[dict[str, str], dict[str, str]]:
    """Return the inputs' labels and their places; a label without room is left out, since hovering shows it too."""
    own = [row.item.name for row in points if _kind(row) == OWN]
    published = [row.item.name for row in points if row.item.method is None and row.item.name not in own]
    texts = names_of_places({name: places[name] for name in (*own, *published)})
    return texts, sides(texts, places, height.is_log)


def names_of_places(places: Places) -> dict[str, str]:
    """Return labels by point; points at the same place share one label, at the first of them."""
    together: dict[tuple[float, float], list[str]] = {}
    for name, place in places.items():
        together.setdefault(place, []).append(name)
    return {names[0]: ", ".join(names) for names in together.values()}


def _flag(row: Row) -> str:
    return f"<br>outside the rule: {', '.join(row.outside_rule)}" if row.outside_rule else ""


def _hovered(row: Row, height: Height) -> str:
    value = height.of(row)
    return f"{value:.2f} {height.unit}" if height.unit else f"from {value}"


def _color(kind: str | None) -> str:
    colors = theme()
    shades = {None: colors.text, OWN: colors.text, "NAT": colors.tint(colors.accent, 0.55), "NAT++": colors.accent}
    return shades.get(kind, colors.changes["changed"])


def _arrows(chart: go.Figure, given: Item, made: Sequence[Item], places: Places, height: Height) -> None:
    """Draw arrows from an input to each of its outputs; none if the input has no point."""
    for item in made if given.name in places else ():
        (ax, ay), (x, y) = (
            (math.log10(across), math.log10(up)) if height.is_log else (across, up)
            for across, up in (places[given.name], places[item.name])
        )
        if (ax, ay) != (x, y):
            chart.add_annotation(
                x=x, y=y, ax=ax, ay=ay, xref="x", yref="y", axref="x", ayref="y", text="", showarrow=True,
                arrowhead=2, arrowsize=1, arrowwidth=1.2, arrowcolor=_color(item.method), opacity=0.7,
                standoff=6, startstandoff=7,
            )  # fmt: skip

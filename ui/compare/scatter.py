"""All 15,625 cells of NAS-Bench-201 in one WebGL scatter, with an input, its output, the oracle, the Pareto front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.quantities import Quantity
from nat_core.learning.support.pareto import pareto_front
from ui.theme import style, theme

HEIGHT = 560
_TAIL = 0.1  # share of the least accurate cells outside the first view


@dataclass(frozen=True)
class Marked:
    """Highlighted cells, by code.

    Attributes:
        before: the input.
        after: the policy's output.
        best: the oracle's output.
        reachable: all legal transformations of the input.
        data_set: dataset by which policy and oracle select; never a test set.
        rule: the policy's transition rule.
        recovered_area: the policy front's area over the horizontal cost ÷ the oracle front's; None if unknown.
        fronts: by name, the Pareto fronts of the policy and of all legal transitions; empty for
            other axes.
    """

    before: int
    after: int
    best: int
    reachable: np.ndarray
    data_set: str = "cifar10_valid"
    rule: str = "nat++"
    fronts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    recovered_area: float | None = None


def front_of(x: Quantity, y: Quantity) -> np.ndarray:
    """Return the codes on the Pareto front of two columns, each in its better direction, by increasing x."""
    costs, merits = (-1 if column.smaller_is_better else 1 for column in (x, y))
    return pareto_front(-costs * x.values, merits * y.values)


def scatter(x: Quantity, y: Quantity, marked: Marked, reach: bool) -> go.Figure:
    """Return the chart; a point's `customdata` is its code."""
    colors, figure = theme(), go.Figure()
    every = np.arange(table.SIZE)
    _points(figure, x, y, every, "All 15,625 cells", colors.muted, size=4, opacity=0.35)
    if reach:
        name = f"Reachable from the input ({len(marked.reachable):,})"
        _points(figure, x, y, marked.reachable, name, colors.accent, size=5, opacity=0.75)
    _front(figure, x, y)
    shades = (colors.changes["changed"], colors.changes["added"])
    for (name, codes), color in zip(marked.fronts.items(), shades, strict=False):
        _curve(figure, x, y, codes, name, color)
    for name, code, symbol, color in (
        ("Oracle", marked.best, "star", colors.changes["added"]),
        ("Policy's output", marked.after, "circle", colors.changes["changed"]),
        ("Input", marked.before, "diamond", colors.text),
    ):
        _mark(figure, x, y, code, name, symbol, color)
    _arrow(figure, x, y, marked.before, marked.best, colors.changes["added"])
    _arrow(figure, x, y, marked.before, marked.after, colors.changes["changed"])
    style(figure, height=HEIGHT)
    figure.update_layout(uirevision=f"{x.name}-{y.name}", hovermode="closest", paper_bgcolor=colors.ground)
    figure.update_layout(legend={"y": -0.17, "yanchor": "top"}, margin={"t": 36})
    figure.update_xaxes(title=x.label, range=in_view(x, marked))
    return figure.update_yaxes(title=y.label, range=in_view(y, marked))


def in_view(column: Quantity, marked: Marked) -> list[float]:
    """Return the initial axis range: all marked cells, but not the long tail of poor accuracies."""
    values = column.values
    low = values.min() if column.smaller_is_better else np.quantile(values, _TAIL)
    low = min(low, *(values[code] for code in (marked.before, marked.after, marked.best)))
    margin = 0.04 * (values.max() - low)
    return [float(low - margin), float(values.max() + margin)]


def _points(figure, x: Quantity, y: Quantity, codes, name: str, color: str, size: int, opacity: float) -> None:
    figure.add_scattergl(
        x=x.values[codes].astype(np.float32),
        y=y.values[codes].astype(np.float32),
        customdata=np.stack([codes, table.benchmark_indices()[codes]], axis=1).astype(np.int16),
        mode="markers",
        name=name,
        marker={"color": color, "size": size, "opacity": opacity},
        selected={"marker": {"opacity": opacity}},
        unselected={"marker": {"opacity": opacity}},
        hovertemplate=_hover(x, y),
    )


def _hover(x: Quantity, y: Quantity) -> str:
    return f"cell %{{customdata[1]}}<br>{x.title}: %{{x:.2f}} {x.unit}<br>{y.title}: %{{y:.2f}} {y.unit}<extra></extra>"


def _front(figure: go.Figure, x: Quantity, y: Quantity) -> None:
    codes = front_of(x, y)
    figure.add_scatter(
        x=x.values[codes],
        y=y.values[codes],
        mode="lines",
        name=f"Pareto front ({len(codes)})",
        line={"color": theme().accent, "width": 1.5, "shape": "hv" if x.smaller_is_better else "vh"},
        hoverinfo="skip",
    )


def _curve(figure: go.Figure, x: Quantity, y: Quantity, codes: Sequence[int], name: str, color: str) -> None:
    codes = list(codes)
    figure.add_scatter(
        x=x.values[codes], y=y.values[codes], mode="lines+markers", name=name, marker={"size": 6},
        line={"color": color, "width": 2, "shape": "hv"}, hoverinfo="skip",
    )  # fmt: skip


def _mark(figure: go.Figure, x: Quantity, y: Quantity, code: int, name: str, symbol: str, color: str) -> None:
    figure.add_scatter(
        x=[x.values[code]],
        y=[y.values[code]],
        customdata=[[code, int(table.benchmark_indices()[code])]],
        mode="markers",
        name=name,
        marker={"symbol": symbol, "color": color, "size": 14, "line": {"color": theme().ground, "width": 1.5}},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        hovertemplate=f"{name}<br>{_hover(x, y)}",
    )


def _arrow(figure: go.Figure, x: Quantity, y: Quantity, start: int, end: int, color: str) -> None:
    """Draw an arrow from one cell to another; none if they are the same."""
    if start != end:
        figure.add_annotation(
            x=x.values[end], y=y.values[end], ax=x.values[start], ay=y.values[start],
            xref="x", yref="y", axref="x", ayref="y", text="", showarrow=True,
            arrowhead=2, arrowsize=1.2, arrowwidth=2, arrowcolor=color, standoff=7, startstandoff=7,
        )  # fmt: skip

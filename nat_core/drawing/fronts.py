"""Draws a front as a plotly figure: accuracy over cost, with standard errors. Plotly is imported on first use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nat_core.drawing.palette import THEMES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Mark(NamedTuple):
    """A point of a figure: cost, accuracy in percent, standard error in points (if known), and label."""

    cost: float
    accuracy_percent: float
    error_points: float | None
    label: str


def front_figure(points: Sequence[Mark], given: Mark, cost: str, accuracy: str) -> "Figure":
    """Draw the points, joined from the cheapest to the most accurate, and the input.

    Args:
        points: the points of the front, cheapest first.
        given: the input.
        cost, accuracy: titles of the axes.
    """
    import plotly.graph_objects as go

    ink = THEMES["light"].text
    figure = go.Figure(layout={"template": "plotly_white", "height": 360, "margin": {"t": 20, "r": 20}})
    for marks, name, look in (
        (points, "front", {"mode": "lines+markers", "line": {"color": "#0067a3"}, "marker": {"size": 8}}),
        ([given], "input", {"mode": "markers", "marker": {"symbol": "diamond", "size": 11, "color": ink}}),
    ):
        figure.add_scatter(
            x=[mark.cost for mark in marks],
            y=[mark.accuracy_percent for mark in marks],
            error_y={"array": [mark.error_points or 0.0 for mark in marks], "thickness": 0.8, "width": 3},
            text=[mark.label for mark in marks],
            hovertemplate="%{text}<br>%{y:.2f} % at %{x:.4g}<extra></extra>",
            name=name,
            **look,
        )
    figure.update_xaxes(title=cost)
    figure.update_yaxes(title=accuracy)
    return figure

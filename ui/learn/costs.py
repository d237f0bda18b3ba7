"""Step 3: costs of operations, the paper's figure for any number of channels and image size."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from nat_core.architecture.operations import OPERATIONS
from nat_core.drawing.palette import operation_color
from nat_core.network.costs import FigureRow, operation_figure
from ui.theme import style, theme

_CHANNELS = (16, 32, 64, 128, 256)
_SIDES = (8, 16, 32, 64)
_PAPER = (128, 32)
_SCALES = {"linear": "Linear", "log": "Logarithmic"}


def draw() -> None:
    """Draw the controls, the two panels and the numbers."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        channels = st.select_slider(
            "C, channels", _CHANNELS, _PAPER[0], key="learn_channels", width=260, persist_state="session"
        )
        side = st.select_slider(
            "Image side, pixels", _SIDES, _PAPER[1], key="learn_side", width=260, persist_state="session"
        )
        scale = st.segmented_control(
            "Scale", _SCALES, format_func=_SCALES.get, default="linear", required=True, key="learn_scale",
            persist_state="session",
        )  # fmt: skip
    rows = sorted(operation_figure(channels, side), key=lambda row: row.multiply_adds)
    st.plotly_chart(
        _figure(rows, scale), config={"displayModeBar": False}, key="learn_costs", alt="Costs of operations"
    )
    most, least = rows[-1], next(row for row in rows if row.multiply_adds)
    same = " These are the paper's sizes, and its numbers." if (channels, side) == _PAPER else ""
    st.markdown(
        f"One **{_label(most)}** costs as much as **{most.multiply_adds / least.multiply_adds:,.0f}** of "
        f"**{_label(least)}**.{same}"
    )
    st.caption(
        f"Stride 1, C {channels}, {side}×{side} pixels. Multiply-adds of convolutions, k²·C·H·W for pooling, C·H·W for "
        "skip; parameters of convolutions only: the conventions of NAT++ (arXiv 2102.10301)."
    )
    with st.expander("Numbers"):
        st.dataframe(_frame(rows), hide_index=True, height="content")


def _label(row: FigureRow) -> str:
    return OPERATIONS[row.operation].short_label


def _figure(rows: list[FigureRow], scale: str) -> go.Figure:
    """Return bar charts of multiply-adds and parameters per operation, cheapest at the bottom."""
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.06)
    panels = (
        ("Multiply-adds, M", [row.multiply_adds / 1e6 for row in rows]),
        ("Parameters, thousand", [row.weights / 1e3 for row in rows]),
    )
    for column, (title, values) in enumerate(panels, start=1):
        figure.add_bar(
            x=[value or None for value in values] if scale == "log" else values,
            y=[_label(row) for row in rows],
            orientation="h",
            marker={"color": [operation_color(row.operation) for row in rows]},
            text=[f"{value:,.1f}" for value in values],
            textposition="outside",
            textfont={"color": theme().text},
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
            showlegend=False,
            row=1,
            col=column,
        )
        top = max(values) or 1
        limits = [None, None] if scale == "log" else [0, 1.16 * top]
        figure.update_xaxes(title=title, type=scale, range=limits, row=1, col=column)
    style(figure, 470)
    look = {
        "gridcolor": theme().tint(theme().line, 0.3),
        "linecolor": theme().line,
        "zeroline": False,
        "ticks": "outside",
    }
    figure.update_layout(xaxis2={**look, "automargin": True}, yaxis2=look, margin={"r": 48})
    return figure.update_yaxes(showgrid=False, ticks="")


def _frame(rows: list[FigureRow]) -> pd.DataFrame:
    return pd.DataFrame(
        {"Operation": _label(row), "Multiply-adds": row.multiply_adds, "Parameters": row.weights}
        for row in reversed(rows)
    )

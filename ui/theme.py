"""One look for Streamlit, Plotly and the drawings: the palette's, on the ground that the visitor chose."""

import plotly.graph_objects as go
import streamlit as st

from nat_core.architecture.palette import THEMES, Theme


def theme() -> Theme:
    """The palette's theme for the visitor's light or dark ground."""
    return THEMES["dark" if st.context.theme.type == "dark" else "light"]


def style(figure: go.Figure, height: int) -> go.Figure:
    """The quiet look that every chart shares; `height` in pixels."""
    colors = theme()
    axis = {"gridcolor": colors.tint(colors.line, 0.3), "linecolor": colors.line, "zeroline": False, "ticks": "outside"}
    return figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": colors.text, "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"color": colors.text}},
        hoverlabel={"align": "left"},
        xaxis={**axis, "automargin": True},
        yaxis={**axis, "automargin": True},
    )

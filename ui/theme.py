"""One theme for Streamlit, Plotly and the drawings: the palette, on the visitor's light or dark background."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from nat_core.drawing.palette import THEMES, Theme

# Streamlit leaves six rem above the page and sets metrics for dashboards; ours is an instrument.
_CSS = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 4.5rem; padding-bottom: 3rem; max-width: 1500px; }
h1 { font-size: 1.9rem !important; padding-top: 0 !important; }
[data-testid="stButtonGroup"] button { min-height: 2.5rem; }
[data-testid="stMetricValue"] { font-size: 1.7rem; font-variant-numeric: tabular-nums; }
[data-testid="stMetricDelta"] { font-variant-numeric: tabular-nums; }
[data-testid="stCaptionContainer"] { opacity: 0.75; }
[data-testid="stCaptionContainer"]:has(a) { opacity: 0.9; }
[data-testid="stCode"] .token.parameter { color: inherit; }
[data-testid="stButtonGroup"] [role="radiogroup"] { flex-wrap: wrap; row-gap: 0.25rem; overflow: visible; }
input[role="combobox"] { text-overflow: ellipsis; }
[data-testid="stMetric"] * { white-space: normal; overflow: visible; }
[data-testid="stMetricDelta"] { height: auto; max-width: 100%; }
.st-key-train_parallel .axis :is(path, line) { stroke: currentColor !important; stroke-opacity: 0.4; }
.st-key-train_parallel .parcoords text { text-shadow: none !important; }
@media (max-width: 640px) { .st-key-train_parallel { display: none; } }
@media (max-width: 480px) {
  [data-testid="stButtonGroup"] [role="radiogroup"] button { padding-left: 0.5rem; padding-right: 0.5rem; }
  .katex-display { font-size: 0.85em; }
}
/* Columns too narrow to be read, in a small window, a magnified one or with larger text, stand one below the other. */
[data-testid="stColumn"] { min-width: min(12rem, 100%); }
@media (min-width: 641px) and (max-width: 900px) {
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) { flex-wrap: wrap; }
  [data-testid="stColumn"] { min-width: min(20rem, 100%); }
}
[data-testid="stColumn"]:has(> [data-testid="stVerticalBlock"] > :first-child > [data-testid="stMetric"]) {
  min-width: 8.5rem;
}
@media (max-width: 1200px) {
  .st-key-side_by_side [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .st-key-side_by_side [data-testid="stColumn"] { min-width: 100%; }
}
@media (max-width: 900px) {
  .st-key-front > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .st-key-front > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] > [data-testid="stColumn"] {
    min-width: 100%;
  }
}
</style>
"""

# Key of containers whose columns are stacked in a narrow window.
SIDE_BY_SIDE = "side_by_side"
# Key of the container whose chart and figures are stacked.
FRONT = "front"


# Focus frames that Streamlit lacks.
_FOCUS_CSS = """
<style>
[data-testid="stTopNavLink"]:focus-visible, [data-testid="stBaseButton-elementToolbar"]:focus-visible,
.modebar-btn:focus-visible { outline: 2px solid COLOR !important; outline-offset: 1px; }
[data-testid="stMain"]:focus-visible { outline: 2px solid COLOR; outline-offset: -2px; }
</style>
"""

# White on the dark theme's light blue is hard to read.
_DARK_CSS = """
<style>
[data-testid="stBaseButton-primary"]:enabled, [data-testid="stBaseButton-primary"]:enabled p { color: #0e1117; }
</style>
"""


def apply_css() -> None:
    """Apply the CSS that Streamlit's configuration cannot express: spacing, and colours with enough contrast."""
    focus = _FOCUS_CSS.replace("COLOR", theme().accent)
    st.html(_CSS + focus + (_DARK_CSS if theme().name == "dark" else ""))


def wordmark() -> str:
    """Return the app's icon and name as SVG, readable on the visitor's background."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="108" height="24" viewBox="0 0 108 24" role="img">'
        "<title>NAT Lab</title>"
        '<path d="M8 6 L17 12" stroke="#56b4e9" stroke-width="2"/>'
        '<path d="M8 18 L17 12" stroke="#e69f00" stroke-width="2"/>'
        '<g stroke="#4a7d4a"><rect x="1" y="2.5" width="8" height="7" rx="2" fill="#b4ecb4"/>'
        '<rect x="1" y="14.5" width="8" height="7" rx="2" fill="#b4ecb4"/></g>'
        '<rect x="15" y="8.5" width="8" height="7" rx="2" fill="#ece7a9" stroke="#8a8550"/>'
        f'<text x="31" y="17.5" font-family="sans-serif" font-size="16" font-weight="700" fill="{theme().text}">'
        "NAT Lab</text></svg>"
    )


def theme() -> Theme:
    """Return the palette's theme for the visitor's light or dark background."""
    return THEMES["dark" if st.context.theme.type == "dark" else "light"]


def style(figure: go.Figure, height: int) -> go.Figure:
    """Apply the common style of all charts; `height` in pixels."""
    return figure.update_layout(look(height))


def look(height: int) -> dict[str, Any]:
    """Return the layout that `style` sets; building a figure with it is faster than updating the figure."""
    colors = theme()
    axis = {"gridcolor": colors.tint(colors.line, 0.3), "linecolor": colors.line, "zeroline": False, "ticks": "outside"}
    return {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colors.text, "size": 13},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"color": colors.text}},
        "hoverlabel": {"align": "left"},
        # Plotly's own is half of the ground's colour, and the ground's transparent black is black there.
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colors.tint(colors.text, 0.4), "activecolor": colors.text},
        "xaxis": {**axis, "automargin": True},
        "yaxis": {**axis, "automargin": True},
    }

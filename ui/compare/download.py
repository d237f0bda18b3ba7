"""Taking charts and tables away: the chart's own camera writes SVG or PNG in the browser, tables become CSV."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

FIGURE_FORMATS = {"svg": "SVG", "png": "PNG"}
_SCALE = 2  # PNG pixels per pixel on the screen


def figure_format(key: str) -> str:
    """A control for the format in which the camera at the chart's upper right corner saves."""
    return st.segmented_control(
        "Camera saves",
        FIGURE_FORMATS,
        format_func=FIGURE_FORMATS.get,
        default="svg",
        required=True,
        key=key,
        persist_state="session",
    )


def chart_config(name: str, format: str, height: int) -> dict:
    """Plotly's configuration of a chart that can be zoomed and saved as `name`."""
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
        "toImageButtonOptions": {
            "format": format,
            "filename": name,
            "width": 1200,
            "height": height,
            "scale": 1 if format == "svg" else _SCALE,
        },
    }


def csv_button(label: str, file_name: str, frame: Callable[[], pd.DataFrame]) -> None:
    """A download of a table that is made when it is asked for."""
    st.download_button(
        label,
        data=lambda: frame().to_csv(index=False).encode(),
        file_name=file_name,
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )

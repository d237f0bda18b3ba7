"""Downloads of charts and tables: a chart's camera button saves SVG or PNG in the browser, tables are saved as CSV."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

FIGURE_FORMATS = {"svg": "SVG", "png": "PNG"}
_FORMULA = tuple("=+-@\t\r\n")  # spreadsheets evaluate texts with these prefixes
_SCALE = 2  # PNG pixels per pixel on the screen


def figure_format(key: str) -> str:
    """Draw the control for the file format of the chart's camera button."""
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
    """Return Plotly's configuration of a chart that can be zoomed and saved as `name`."""
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


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV; texts that a spreadsheet would take for formulas get a leading quote."""

    def safe(cell: object) -> object:
        return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell

    return frame.map(safe).to_csv(index=False)


def csv_button(label: str, file_name: str, frame: Callable[[], pd.DataFrame]) -> None:
    """Draw a download button for a table, whose file is made on demand."""
    st.download_button(
        label,
        data=lambda: csv_text(frame()).encode(),
        file_name=file_name,
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )

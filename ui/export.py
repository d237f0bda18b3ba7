"""Taking the result away: every notation, JSON, DOT, SVG, PNG, PDF."""

import json

import streamlit as st

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.drawing import architecture_dot, draw_architecture
from nat_core.transform import Candidate, Transformation

_MIME = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf", "dot": "text/vnd.graphviz"}


def transformation(outcome: Transformation, shown: Candidate) -> None:
    """Text in any notation to copy, files to download, and the whole result as JSON."""
    sides = {"Output": shown.architecture, "Input": outcome.input.architecture}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side = st.segmented_control("Export", sides, default="Output", required=True, key="export_side")
        architecture = sides[side]
        names = notation.expressible(architecture)
        name = st.selectbox("Notation", names, format_func=lambda n: notation.NOTATIONS[n].title, width=340)
    st.code(notation.write(architecture, name), language=None, wrap_lines=True)
    with st.container(horizontal=True):
        for format, mime in _MIME.items():
            st.download_button(
                format.upper(),
                data=lambda f=format: _drawing(architecture, f),
                file_name=f"{side.lower()}.{format}",
                mime=mime,
                on_click="ignore",
                icon=":material/download:",
            )
        st.download_button(
            "Whole result as JSON",
            data=lambda: json.dumps(outcome.to_dict(), indent=2),
            file_name="transformation.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
        )


def _drawing(architecture: Architecture, format: str) -> bytes:
    return architecture_dot(architecture).encode() if format == "dot" else draw_architecture(architecture, format)

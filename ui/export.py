"""Taking the result away: every notation, JSON, DOT, SVG, PNG, PDF, and the network as PyTorch or ONNX file."""

import json
from collections.abc import Callable
from functools import partial

import streamlit as st

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.drawing import draw_architecture, draw_difference
from nat_core.network.config import NetworkConfig
from nat_core.network.export_onnx import onnx_file, why_no_onnx
from nat_core.network.export_torch import torch_source
from nat_core.transform import Candidate, Transformation

_MIME = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf", "dot": "text/vnd.graphviz"}
_JSON = "application/json"
_CHANGES = "Changes"


def transformation(outcome: Transformation, shown: Candidate) -> None:
    """Text in any notation to copy, files to download, and the whole result as JSON."""
    sides = {"Output": shown.architecture, "Input": outcome.input.architecture}
    side = st.segmented_control("Export", [*sides, _CHANGES], default="Output", required=True, key="export_side")
    if side == _CHANGES:
        st.caption("Every change in one drawing, old → new:")
        changes(outcome.input.architecture, shown.architecture)
        return
    _text(sides[side])
    with st.container(horizontal=True):
        _drawings(partial(draw_architecture, sides[side]), side.lower())
        _file("Whole result as JSON", lambda: json.dumps(outcome.to_dict(), indent=2), "transformation.json", _JSON)
    _network(sides[side], outcome.network, side.lower())


def changes(before: Architecture, after: Architecture) -> None:
    """What became of an architecture, as files with both cells in one drawing."""
    with st.container(horizontal=True):
        _drawings(partial(draw_difference, before, after), "changes")


def one(architecture: Architecture, network: NetworkConfig | None) -> None:
    """The same for an input without output; `network`: what its costs are counted on, if anything."""
    _text(architecture)
    with st.container(horizontal=True):
        _drawings(partial(draw_architecture, architecture), "input")
    if network is not None:
        _network(architecture, network, "input")


def _network(architecture: Architecture, network: NetworkConfig, name: str) -> None:
    """The whole network to run elsewhere."""
    st.caption(f"The network whose costs are shown ({network.description}), to run elsewhere, with fresh weights:")
    with st.container(horizontal=True, vertical_alignment="center"):
        _file("PyTorch module", lambda: torch_source(architecture, network), f"{name}.py", "text/x-python")
        if problem := why_no_onnx():
            st.caption(problem)
        else:
            _file("ONNX", lambda: onnx_file(architecture, network), f"{name}.onnx", "application/octet-stream")


def _text(architecture: Architecture) -> None:
    names = notation.expressible(architecture)
    name = st.selectbox("Notation", names, format_func=lambda n: notation.TITLES[n], width=340)
    st.code(notation.write(architecture, name), language=None, wrap_lines=True)


def _drawings(draw: Callable[[str], bytes], name: str) -> None:
    """A button per format. `draw`: gives the file's content for a format."""
    for format, mime in _MIME.items():
        _file(format.upper(), partial(draw, format), f"{name}.{format}", mime)


def _file(label: str, data: Callable[[], bytes | str], name: str, mime: str) -> None:
    st.download_button(label, data=data, file_name=name, mime=mime, on_click="ignore", icon=":material/download:")

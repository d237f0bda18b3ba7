"""Exports of a result: every notation, JSON, DOT, SVG, PNG, PDF, and the network as a PyTorch or ONNX file."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.demo import is_public
from nat_core.drawing.cells import draw_architecture, draw_difference
from nat_core.network.config import FAMILIES, MAX_CHANNELS, MAX_CLASSES, MAX_LAYERS, NETWORKS, NetworkConfig
from nat_core.network.export_onnx import onnx_file, why_no_onnx
from nat_core.network.export_torch import state_file, torch_source
from nat_core.transformation import Candidate, Transformation
from ui import notices
from ui.text import plain
from ui.view import input_name, notation_read

_MIME = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf", "dot": "text/vnd.graphviz"}
_JSON = "application/json"
_BINARY = "application/octet-stream"
_CHANGES = "Changes"
_WEIGHT_TYPES = ("pt", "pth", "tar", "safetensors")
_MAX_WEIGHTS_MEGABYTES = 128


def transformation(outcome: Transformation, shown: Candidate) -> None:
    """Draw the exports: text in any notation to copy, files to download, and the whole result as JSON."""
    sides = {"Output": shown.architecture, "Input": outcome.input.architecture}
    side = st.segmented_control("Export", [*sides, _CHANGES], default="Output", required=True, key="export_side")
    if side == _CHANGES:
        st.caption("Every change in one drawing, old → new:")
        changes(outcome.input.architecture, shown.architecture, input_name())
        return
    _text(sides[side])
    with st.container(horizontal=True):
        _drawings(partial(draw_architecture, sides[side]), f"{input_name()}-{side.lower()}")
        whole = f"{input_name()}-transformed.json"
        _file("Whole result as JSON", lambda: json.dumps(outcome.to_dict(), indent=2), whole, _JSON)
    _network(sides[side], outcome.network, side.lower())


def changes(before: Architecture, after: Architecture, name: str) -> None:
    """Draw downloads of a difference, with both cells in one drawing; file names begin with `name`."""
    with st.container(horizontal=True):
        _drawings(partial(draw_difference, before, after), f"{name}-changes")


def one(architecture: Architecture, network: NetworkConfig | None) -> None:
    """Draw the exports of an input without output; `network` is where its costs are counted, if known."""
    _text(architecture)
    with st.container(horizontal=True):
        _drawings(partial(draw_architecture, architecture), f"{input_name()}-input")
    if network is not None:
        _network(architecture, network, "input")


def _network(architecture: Architecture, usual: NetworkConfig, name: str) -> None:
    """Draw the export of the whole network, initially as large as `usual`, the network whose costs are shown."""
    sizes: dict[str, int | bool] = {}
    weights = None
    if not is_public():
        with st.popover("Sizes and weights of the network", icon=":material/tune:"):
            usual = _family(architecture, usual)
            sizes, weights = _sizes(usual), _weights()
    try:
        network = replace(usual, **sizes)
        state = None if weights is None else _state(architecture, network, weights.getvalue(), weights.name)
    except ValueError as error:
        notices.problem(error, "The network cannot be exported")
        return
    file = f"{input_name()}-{name}"
    own = "fresh weights" if weights is None else f"weights from {plain(weights.name)}"
    st.caption(f"The whole network ({network.description}), to run elsewhere, with {own}:")
    with st.container(horizontal=True, vertical_alignment="center"):
        _file("PyTorch module", lambda: torch_source(architecture, network), f"{file}.py", "text/x-python")
        if state is not None:
            _file("Its weights", lambda: state, f"{file}.pt", _BINARY)
        if is_public():
            return
        if problem := why_no_onnx():
            st.caption(problem)
        else:
            _file("ONNX", partial(_onnx, architecture, network, weights), f"{file}.onnx", _BINARY)


def _family(architecture: Architecture, usual: NetworkConfig) -> NetworkConfig:
    """Return the network that the visitor selects among those that accept the architecture."""
    fitting = [name for name, family in FAMILIES.items() if family.fits(architecture)]
    if len(fitting) < 2:
        return usual
    name = st.segmented_control(
        "Network", fitting, default=usual.family, format_func=lambda name: FAMILIES[name].title, required=True,
        key="export_network",
    )  # fmt: skip
    return usual if name == usual.family else NETWORKS[name]


def _sizes(usual: NetworkConfig) -> dict[str, int | bool]:
    """Draw and return the fields of the network that the visitor may change."""
    family = FAMILIES[usual.family]
    ranges = {
        "channels": ("C, channels", 2, MAX_CHANNELS, 2),
        "layers": ("L, cells", family.stages, MAX_LAYERS, family.stages),
        "classes": ("Classes", 2, MAX_CLASSES, 1),
        "resolution": ("Resolution, pixels", *family.resolutions, 1),
    }
    sizes: dict[str, int | bool] = {
        field: st.number_input(label, low, high, getattr(usual, field), step, key=f"export_{field}-{usual.family}")
        for field, (label, low, high, step) in ranges.items()
    }
    if family.auxiliary_resolution is not None:
        help = "It works in training only, so an ONNX file leaves it out."
        sizes["auxiliary"] = st.toggle("Auxiliary head", key=f"export_auxiliary-{usual.family}", help=help)
    return sizes


def _weights() -> UploadedFile | None:
    return st.file_uploader(
        "Trained weights of this very network", type=_WEIGHT_TYPES, key="export_weights",
        max_upload_size=_MAX_WEIGHTS_MEGABYTES,
        help="A state dict of DARTS' code or of one that descends from it; nothing but tensors is read.",
    )  # fmt: skip


@lru_cache(maxsize=2)
def _state(architecture: Architecture, network: NetworkConfig, content: bytes, name: str) -> bytes:
    """Return uploaded weights under the names of the exported network. Raises ValueError if they do not fit."""
    return state_file(architecture, network, io.BytesIO(content), name)


def _onnx(architecture: Architecture, network: NetworkConfig, weights: UploadedFile | None) -> bytes:
    if weights is None:
        return onnx_file(architecture, network)
    return onnx_file(architecture, network, weights=io.BytesIO(weights.getvalue()), name=weights.name)


def _text(architecture: Architecture) -> None:
    names = notation.expressible(architecture)
    own = names.index(notation_read()) if notation_read() in names else 0
    name = st.selectbox("Notation", names, own, format_func=lambda n: notation.TITLES[n], width=560)
    st.code(notation.write(architecture, name), language=None, wrap_lines=True)


def _drawings(draw: Callable[[str], bytes], name: str) -> None:
    """Draw a download button per format for a file called `name`; `draw` returns the content in a format."""
    for format, mime in _MIME.items():
        _file(format.upper(), partial(draw, format), f"{name}.{format}", mime)


def _file(label: str, data: Callable[[], bytes | str], name: str, mime: str) -> None:
    st.download_button(label, data=data, file_name=name, mime=mime, on_click="ignore", icon=":material/download:")

"""Step 1: a cell, with clickable edges and nodes, and the network that repeats it."""

import plotly.graph_objects as go
import streamlit as st

from nat_core.architecture.cell import Cell
from nat_core.architecture.library import find
from nat_core.architecture.operations import Kind, Operation
from nat_core.drawing.cells import draw_cell
from nat_core.drawing.palette import NODE_FILLS
from nat_core.network.config import NETWORKS
from nat_core.network.plan import plan_network
from ui.picture import picture
from ui.text import edge_label, node_label
from ui.theme import style, theme

_MEANINGS = {
    Kind.CONV: "a convolution: it looks at a window of pixels and mixes all channels. Strong, and expensive.",
    Kind.THIN_CONV: "a wide and a tall convolution, one after the other: cheaper than the square one.",
    Kind.SEP_CONV: "a separable convolution: each channel on its own first, then a mix. Nearly as strong, far cheaper.",
    Kind.DIL_CONV: "a dilated convolution: a window with holes sees further for the same price.",
    Kind.MAX_POOL: "max pooling: the largest value of a window. It has nothing to learn and costs almost nothing.",
    Kind.AVG_POOL: "average pooling: the mean of a window. It has nothing to learn and costs almost nothing.",
    Kind.SKIP: "a skip: the input passes unchanged. It is free.",
    Kind.NULL: "null: no connection. It is free.",
}
_NAME = "DARTS"
_KEY = "learn_part"


def draw() -> None:
    """Draw the cell, the selected part and the network."""
    cell = find(_NAME).architecture.normal
    parts = _parts(cell)
    left, right = st.columns([3, 2], gap="large")
    with right:
        chosen = st.selectbox(
            "Part of the cell", list(parts), key=_KEY, format_func=lambda part: parts[part][0],
            index=list(parts).index("normal-edge-0"), help="Or click it in the drawing.", persist_state="session",
        )  # fmt: skip
        st.markdown(parts[chosen][1])
        st.caption(f"The normal cell of {_NAME}, as published. {len(cell.edges)} edges carry operations.")
    with left:
        svg = draw_cell(cell, "svg", "normal", theme().name).decode()
        picture(svg, "learn_cell", lambda part: _choose(part, parts), {chosen: "chosen"})
    st.markdown("**The network**: the same cell again and again, a reduction cell twice to halve the image")
    st.plotly_chart(_network(), config={"displayModeBar": False}, key="learn_network", alt="The cells of the network")


def _choose(part: str, parts: dict) -> None:
    if part in parts:
        st.session_state[_KEY] = part


def _parts(cell: Cell) -> dict[str, tuple[str, str]]:
    """Return the titles and explanations of clickable parts, by their ids in the drawing."""
    nodes = {
        f"normal-node-{node}": (f"node {node_label(cell, node)}", _node_text(cell, node)) for node in range(cell.nodes)
    }
    edges = {
        f"normal-edge-{place}": (
            f"edge {edge_label(cell, edge.source, edge.target)}: {edge.traits.short_label}",
            f"**{edge.traits.short_label}** is {_MEANINGS[edge.traits.kind]}{_kernel(edge.traits)}",
        )
        for place, edge in enumerate(cell.edges)
    }
    names = ", ".join(node_label(cell, node) for node in cell.output_nodes)
    output = f"The **output** of the cell joins nodes {names} channel by channel. The next two cells read it."
    return {**edges, **nodes, "normal-node-output": ("output cₖ", output)}


def _kernel(traits: Operation) -> str:
    return f" Its window is {traits.kernel} × {traits.kernel} pixels." if traits.kernel else ""


def _node_text(cell: Cell, node: int) -> str:
    if node < cell.inputs:
        return f"**{node_label(cell, node)}** is an input: what an earlier cell made of the image."
    entering = [edge.traits.short_label for edge in cell.incoming(node)]
    return f"**Node {node_label(cell, node)}** adds up what enters it: {' + '.join(entering)}."


def _network() -> go.Figure:
    """Return a chart of the image side per cell; reduction cells have another colour."""
    config = NETWORKS["cifar"]
    cells = plan_network(find(_NAME).architecture, config).cells
    figure = go.Figure()
    for name, fill in (("normal", NODE_FILLS["intermediate"]), ("reduction", NODE_FILLS["output"])):
        members = [(number, cell) for number, cell in enumerate(cells, start=1) if cell.name == name]
        figure.add_bar(
            x=[number for number, _ in members],
            y=[cell.out_resolution for _, cell in members],
            name=f"{name} cell",
            marker={"color": fill, "line": {"color": theme().line, "width": 1}},
            customdata=[cell.channels for _, cell in members],
            hovertemplate="cell %{x}: %{y}×%{y} pixels, C %{customdata}<extra></extra>",
        )
    style(figure, 230).update_layout(bargap=0.25)
    figure.update_xaxes(title=f"cell ({config.description})", dtick=1)
    return figure.update_yaxes(title="image side, pixels", tickvals=[8, 16, 32])

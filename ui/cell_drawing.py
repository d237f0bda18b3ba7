"""The clickable drawing of a cell: the core's SVG in a Streamlit component."""

from collections.abc import Callable

import streamlit as st

_CSS = """
.drawing { width: 100%; overflow-x: auto; }
.drawing svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
.drawing.clickable g.edge { cursor: pointer; }
.drawing g.edge:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""

# The SVG comes from this project's own drawing code; every text in it is from the table of operations.
_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  let holder = parentElement.querySelector(".drawing");
  if (!holder) {
    holder = document.createElement("div");
    parentElement.appendChild(holder);
  }
  holder.className = data.clickable ? "drawing clickable" : "drawing";
  if (holder.dataset.source !== data.svg) {
    holder.innerHTML = data.svg;
    holder.dataset.source = data.svg;
  }
  holder.onclick = (event) => {
    const edge = event.target.closest("g.edge[data-edge]");
    if (data.clickable && edge) setTriggerValue("edge", Number(edge.dataset.edge));
  };
}
"""

_component = st.components.v2.component("cell_drawing", css=_CSS, js=_JS)


def cell_drawing(svg: str, key: str, on_edge: Callable[[int], None] | None = None) -> None:
    """Shows `svg`; a click on an edge calls `on_edge` with its position in the cell's `edges`."""

    def clicked() -> None:
        edge = st.session_state[key].edge
        if on_edge and edge is not None:
            on_edge(int(edge))

    _component(key=key, data={"svg": svg, "clickable": on_edge is not None}, on_edge_change=clicked)

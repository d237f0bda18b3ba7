"""The clickable drawing of a cell: the core's SVG in a Streamlit component."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

import streamlit as st

from ui.along import POINT_JS, Place

_CSS = """
.drawing { width: 100%; overflow-x: auto; }
.drawing svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
.drawing .part { cursor: pointer; outline: none; }
.drawing .part.selected { filter: drop-shadow(0 0 2px var(--st-primary-color)) drop-shadow(0 0 3px var(--st-primary-color)); }
.drawing .part:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.drawing.only-changes g.edge[data-change="unchanged"] { opacity: 0.22; }
"""  # noqa: E501

# The SVG comes from this project's own drawing code; every text in it is from the table of operations.
_JS = (
    POINT_JS
    + """
const PARTS = "g.edge[data-edge], g.node[data-node]";
const nameOf = ({ dataset }) =>
  dataset.edge !== undefined ? "edge " + dataset.edge : dataset.node === "output" ? "output" : "node " + dataset.node;
const isPart = (part) => /^(edge [0-9]+|node [0-9]+|output)$/.test(nameOf(part));

// A thin line is hard to hit, so every line lies under a broad invisible one.
const widen = (part) => {
  for (const path of part.querySelectorAll("path:not(.hit)")) {
    if (path.getAttribute("fill") !== "none" || path.nextElementSibling?.classList.contains("hit")) continue;
    const hit = path.cloneNode();
    hit.removeAttribute("id");
    hit.setAttribute("class", "hit");
    hit.setAttribute("style", "stroke: transparent; stroke-width: 14px; pointer-events: stroke");
    hit.removeAttribute("stroke-dasharray");
    path.after(hit);
  }
};

export default function ({ parentElement, data, setTriggerValue }) {
  let holder = parentElement.querySelector(".drawing");
  if (!holder) {
    holder = document.createElement("div");
    parentElement.appendChild(holder);
  }
  holder.className = data.onlyChanges ? "drawing only-changes" : "drawing";
  follow(holder, () => {
    const svg = data.frames[pointOf(data, data.frames)];
    if (holder.source !== svg) {
      holder.innerHTML = svg;
      holder.source = svg;
    }
    holder.querySelector("svg").setAttribute("role", "group");
    for (const part of holder.querySelectorAll(PARTS)) {
      if (!isPart(part)) continue;
      part.classList.add("part");
      part.classList.toggle("selected", nameOf(part) === data.selected);
      part.setAttribute("tabindex", "0");
      part.setAttribute("role", "button");
      part.setAttribute("aria-label", part.querySelector("title").textContent);
      part.setAttribute("aria-pressed", String(nameOf(part) === data.selected));
      widen(part);
    }
  });
  const choose = (event) => {
    const part = event.target.closest(".part");
    if (part) setTriggerValue("part", nameOf(part));
    return part;
  };
  holder.onclick = choose;
  holder.onkeydown = (event) => {
    if ((event.key === "Enter" || event.key === " ") && choose(event)) event.preventDefault();
  };
}
"""
)

_component = st.components.v2.component("cell_drawing", css=_CSS, js=_JS)


def cell_drawing(
    svgs: Mapping[int, str],
    place: Place,
    key: str,
    on_part: Callable[[str], None],
    selected: str | None = None,
    only_changes: bool = False,
) -> None:
    """Shows one of `svgs`, whose edges and nodes can be clicked or reached with the keyboard.

    Args:
        svgs: by the number of the candidate whose they are; that of `place` among them.
        place: where on which front the page is.
        on_part: called with ``edge 3``, ``node 2``, numbered as in the cell, or ``output``.
        selected: the part that is marked, named likewise.
        only_changes: whether unchanged edges fade.
    """

    def clicked() -> None:
        if part := st.session_state[key].part:
            on_part(part)

    frames = {str(number): svg for number, svg in svgs.items()}
    data = {"frames": frames, **asdict(place), "selected": selected, "onlyChanges": only_changes}
    _component(key=key, data=data, on_part_change=clicked)

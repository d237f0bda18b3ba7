"""The clickable drawing of a cell: the core's SVG in a Streamlit component."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import streamlit as st

from ui.along import POINT_JS, Place
from ui.arrows import ARROWS_JS
from ui.component import draw
from ui.palette import PALETTE_CSS, PALETTE_JS, Item

_CSS = (
    PALETTE_CSS
    + """
.drawing { width: 100%; overflow-x: auto; }
.drawing svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
.drawing .part { cursor: pointer; outline: none; }
.drawing .part.selected { filter: drop-shadow(0 0 2px var(--st-primary-color)) drop-shadow(0 0 3px var(--st-primary-color)); }
.drawing .part:focus-visible .hit { stroke: var(--st-primary-color) !important; stroke-opacity: 0.35; }
.drawing .part:focus-visible :is(polygon, path:not(.hit)) { stroke: var(--st-primary-color); stroke-width: 2.5px; }
@media (max-width: 640px) { .drawing svg { min-width: 600px; } }
.palette.beside {
  position: fixed; z-index: 1000; width: min(540px, 100vw - 32px); padding: 8px; border-radius: 8px;
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  box-shadow: 0 4px 16px rgb(0 0 0 / 0.25);
}
.drawing.only-changes g.edge[data-change="unchanged"] { opacity: 0.22; }
"""  # noqa: E501
)

# The SVG comes from this project's own drawing code; every text in it is from the table of operations.
_JS = (
    POINT_JS
    + ARROWS_JS
    + PALETTE_JS
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

const shortcut = (event) => {
  const modified = event.ctrlKey || event.metaKey;
  if (event.key === "Delete" || event.key === "Backspace") return "delete";
  if (modified && event.key.toLowerCase() === "z") return event.shiftKey ? "redo" : "undo";
  return modified && event.key.toLowerCase() === "y" ? "redo" : null;
};

// An edit may replace the drawing that had the focus: the next one that shows the selected part takes it.
let edited = -Infinity;
const awaitsFocus = () => performance.now() - edited < 15000 && document.activeElement === document.body;

// The palette of an edge that was clicked stands beside it, until something else is chosen.
const close = (holder) => {
  holder.asked = null;
  holder.beside?.remove();
  holder.beside = null;
};
const open = (holder, part, items, choose) => {
  if (!holder.beside) {
    holder.beside = document.createElement("div");
    holder.beside.className = "palette beside";
    holder.parentNode.appendChild(holder.beside);
  }
  const beside = holder.beside;
  fillPalette(beside, items, choose);
  const at = (part.querySelector("text") ?? part).getBoundingClientRect();
  const within = (value, size, all) => Math.max(8, Math.min(value, all - size - 8));
  const below = at.bottom + 12, above = at.top - beside.offsetHeight - 12;
  const top = below + beside.offsetHeight + 8 <= innerHeight || above < 8 ? below : above;
  beside.style.left = `${within(at.left + at.width / 2 - beside.offsetWidth / 2, beside.offsetWidth, innerWidth)}px`;
  beside.style.top = `${within(top, beside.offsetHeight, innerHeight)}px`;
};

export default function ({ parentElement, data: [data], setTriggerValue }) {
  let holder = parentElement.querySelector(".drawing");
  if (!holder) {
    holder = document.createElement("div");
    parentElement.appendChild(holder);
  }
  holder.className = data.onlyChanges ? "drawing only-changes" : "drawing";
  follow(holder, () => {
    const svg = data.frames[pointOf(data, data.frames)];
    const active = holder.getRootNode().activeElement;
    const focused = holder.contains(active) ? nameOf(active) : null;
    if (holder.source !== svg) {
      holder.innerHTML = svg;
      holder.source = svg;
    }
    holder.querySelector("svg").setAttribute("role", "group");
    for (const part of holder.querySelectorAll(PARTS)) {
      if (!isPart(part)) continue;
      part.classList.add("part");
      part.classList.toggle("selected", nameOf(part) === data.selected);
      part.setAttribute("role", "button");
      part.setAttribute("aria-label", part.querySelector("title").textContent);
      part.setAttribute("aria-pressed", String(nameOf(part) === data.selected));
      widen(part);
    }
    const parts = [...holder.querySelectorAll(".part")];
    const named = (name) => parts.find((part) => nameOf(part) === name);
    const one = named(focused) ?? named(data.selected) ?? parts[0];
    reach(parts, one);
    if (focused !== null ? !holder.contains(holder.getRootNode().activeElement) : data.selected && awaitsFocus()) {
      one?.focus({ preventScroll: true });
    }
  });
  const chosen = [...holder.querySelectorAll(".part")].find((part) => nameOf(part) === data.selected);
  if (holder.asked && holder.asked === data.selected && data.items.length) {
    open(holder, chosen, data.items, (name) => {
      close(holder);
      setTriggerValue("operation", name);
    });
  } else if (holder.beside) close(holder);
  const choose = (event) => {
    const part = event.target.closest(".part");
    close(holder);
    if (part) {
      holder.asked = event.type === "click" ? nameOf(part) : null;
      setTriggerValue("part", nameOf(part));
    }
    return part;
  };
  holder.onclick = choose;
  if (!holder.leaves) {
    holder.leaves = (event) => {
      const path = event.composedPath();
      const elsewhere = !path.includes(holder) && !path.includes(holder.beside);
      if (holder.beside && (event.key ? event.key === "Escape" : elsewhere)) close(holder);
    };
    for (const name of ["pointerdown", "keydown", "scroll"]) document.addEventListener(name, holder.leaves, true);
  }
  holder.onkeydown = (event) => {
    const part = event.target.closest(".part");
    if (!part) return;
    const name = shortcut(event);
    if (name) {
      edited = performance.now();
      setTriggerValue("shortcut", `${name} ${nameOf(part)}`);
    } else if (event.key === "Enter" || event.key === " ") choose(event);
    else {
      walk(event, part, holder.querySelectorAll(".part"));
      return;
    }
    event.preventDefault();
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
    on_shortcut: Callable[[str, str], None],
    on_operation: Callable[[str], None],
    items: Sequence[Item] = (),
    selected: str | None = None,
    only_changes: bool = False,
) -> None:
    """Show one of `svgs`, whose edges and nodes can be clicked or reached with the keyboard.

    Args:
        svgs: drawings by candidate number, including that of `place`.
        place: the page's position on a front.
        on_part: called with ``edge 3``, ``node 2``, numbered as in the cell, or ``output``.
        on_shortcut: called with ``delete``, ``undo`` or ``redo``, and the part that had the focus.
        on_operation: called with the operation chosen for the selected edge.
        items: palette of the selected edge, shown beside a clicked edge; empty for other parts.
        selected: the marked part, named likewise.
        only_changes: whether unchanged edges fade.
    """

    def clicked() -> None:
        if part := st.session_state[key].part:
            on_part(part)

    def exchanged() -> None:
        if name := st.session_state[key].operation:
            on_operation(name)

    def pressed() -> None:
        if shortcut := st.session_state[key].shortcut:
            name, _, part = shortcut.partition(" ")
            on_shortcut(name, part)

    frames = {str(number): svg for number, svg in svgs.items()}
    data = {
        "frames": frames, **asdict(place), "selected": selected, "onlyChanges": only_changes,
        "items": [asdict(item) for item in items],
    }  # fmt: skip
    draw(
        _component, key, data,
        on_part_change=clicked, on_shortcut_change=pressed, on_operation_change=exchanged,
    )  # fmt: skip

"""An SVG whose parts can be clicked, selected and faded; every click has an equivalent control on the
page.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import streamlit as st

from ui.arrows import ARROWS_JS
from ui.component import draw

Mark = Literal["chosen", "faint"]

_CSS = """
.picture { width: 100%; overflow-x: auto; }
.picture svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
.picture g { transition: opacity 0.25s; }
.picture .faint { opacity: 0.18; }
.picture .chosen { filter: drop-shadow(0 0 3px var(--st-primary-color)) drop-shadow(0 0 3px var(--st-primary-color)); }
.picture [role=button] { cursor: pointer; }
.picture [role=button]:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
@media (max-width: 640px) { .picture svg { min-width: 600px; } }
"""

# The SVG comes from this project's own drawing code; every text in it is from the table of operations.
_JS = (
    ARROWS_JS
    + """
const PARTS = "g[data-choice], g[data-edge], g[data-node]";
export default function ({ parentElement, data: [data], setTriggerValue }) {
  let holder = parentElement.querySelector(".picture");
  if (!holder) {
    holder = document.createElement("div");
    holder.className = "picture";
    parentElement.appendChild(holder);
  }
  if (holder.dataset.source !== data.svg) {
    holder.innerHTML = data.svg;
    holder.dataset.source = data.svg;
  }
  for (const part of holder.querySelectorAll("g[id]")) {
    part.classList.toggle("chosen", data.marks[part.id] === "chosen");
    part.classList.toggle("faint", data.marks[part.id] === "faint");
  }
  const choose = (event) => {
    const part = event.target.closest(PARTS);
    if (data.clickable && part) setTriggerValue("choice", part.id);
    return part;
  };
  holder.onclick = choose;
  if (!data.clickable) return;
  const parts = [...holder.querySelectorAll(PARTS)];
  holder.querySelector("svg").setAttribute("role", "group");
  for (const part of parts) {
    part.setAttribute("role", "button");
    part.setAttribute("aria-pressed", String(data.marks[part.id] === "chosen"));
  }
  reach(parts, parts.find((part) => part === holder.getRootNode().activeElement)
    ?? parts.find((part) => data.marks[part.id] === "chosen") ?? parts[0]);
  holder.onkeydown = (event) => {
    const part = event.target.closest(PARTS);
    if (!part || walk(event, part, parts)) return;
    if ((event.key === "Enter" || event.key === " ") && choose(event)) event.preventDefault();
  };
}
"""
)

_component = st.components.v2.component("picture", css=_CSS, js=_JS)


def picture(
    svg: str, key: str, on_choice: Callable[[str], None] | None = None, marks: Mapping[str, Mark] | None = None
) -> None:
    """Show `svg`.

    Args:
        svg: SVG with ids on its groups.
        key: key of the component.
        on_choice: called with the id of a clicked group that has `data-choice`, `data-edge` or `data-node`.
        marks: highlighting or fading of groups, by id.
    """

    def clicked() -> None:
        choice = st.session_state[key].choice
        if on_choice and isinstance(choice, str):
            on_choice(choice)

    data = {"svg": svg, "clickable": on_choice is not None, "marks": dict(marks or {})}
    draw(_component, key, data, on_choice_change=clicked)

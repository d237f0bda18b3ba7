"""The palette of an edge: operations with colour, cost and the policy's probability; the current one is marked."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from ui.arrows import ARROWS_JS
from ui.component import draw

PALETTE_CSS = """
.palette { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 6px; }
.palette button {
  position: relative; overflow: hidden; text-align: left; padding: 5px 8px 8px 12px; cursor: pointer;
  font: inherit; font-size: 0.82rem; line-height: 1.3; color: var(--st-text-color);
  background: var(--st-background-color); border: 1px solid var(--st-border-color); border-radius: 6px;
}
.palette button:hover { border-color: var(--st-primary-color); }
.palette button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.palette button.current { border-color: var(--st-primary-color); box-shadow: inset 0 0 0 1px var(--st-primary-color); }
.palette .kind { position: absolute; left: 0; top: 0; bottom: 0; width: 5px; }
.palette .name { display: block; font-weight: 600; white-space: nowrap; }
.palette .detail { display: block; opacity: 0.75; font-size: 0.74rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.palette .bar { position: absolute; left: 5px; bottom: 0; height: 3px; background: var(--st-primary-color); }
.palette button.forbidden .name { font-weight: 400; opacity: 0.75; }
"""  # noqa: E501

# `fillPalette(holder, items, choose)`: draws a button per item and keeps the focus. It needs `ARROWS_JS`.
PALETTE_JS = """
const fillPalette = (holder, items, choose) => {
  holder.setAttribute("role", "group");
  holder.setAttribute("aria-label", "Operations");
  const focused = holder.getRootNode().activeElement?.dataset?.operation;
  holder.replaceChildren(...items.map((item) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = item.hint;
    button.dataset.operation = item.name;
    button.className = (item.current ? "current " : "") + (item.legal ? "" : "forbidden");
    button.setAttribute("aria-pressed", String(item.current));
    const add = (name, text) => {
      const span = document.createElement("span");
      span.className = name;
      span.textContent = text;
      button.appendChild(span);
      return span;
    };
    add("kind", "").style.background = item.color;
    add("name", item.label);
    add("detail", item.cost);
    add("detail", item.odds);
    if (item.probability !== null) add("bar", "").style.width = `calc(${(100 * item.probability).toFixed(2)}% - 5px)`;
    button.onclick = () => choose(item.name);
    return button;
  }));
  const buttons = [...holder.children];
  const kept = focused && buttons.find((button) => button.dataset.operation === focused);
  reach(buttons, kept || holder.querySelector(".current") || buttons[0]);
  if (kept) kept.focus();
  holder.onkeydown = (event) => { walk(event, event.target, buttons); };  // what it returns would cancel the key
};
"""

_JS = (
    ARROWS_JS
    + PALETTE_JS
    + """
export default function ({ parentElement, data: [data], setTriggerValue }) {
  let holder = parentElement.querySelector(".palette");
  if (!holder) {
    holder = document.createElement("div");
    holder.className = "palette";
    parentElement.appendChild(holder);
  }
  fillPalette(holder, data.items, (name) => setTriggerValue("operation", name));
}
"""
)

_component = st.components.v2.component("operation_palette", css=PALETTE_CSS, js=_JS)


@dataclass(frozen=True)
class Item:
    """One operation.

    Attributes:
        name: canonical name.
        label, cost, odds: three short lines.
        hint: tooltip.
        color: colour of its kind, ``#RRGGBB``.
        probability: the policy's probability, 0 to 1; None without a policy.
        legal: whether the transition rule allows it instead of the current operation.
        current: whether it is the edge's current operation.
    """

    name: str
    label: str
    cost: str
    odds: str
    hint: str
    color: str
    probability: float | None
    legal: bool
    current: bool


def palette(items: Sequence[Item], key: str, on_operation: Callable[[str], None]) -> None:
    """Show `items`; a click calls `on_operation` with a name."""

    def clicked() -> None:
        if name := st.session_state[key].operation:
            on_operation(name)

    draw(_component, key, {"items": [asdict(item) for item in items]}, on_operation_change=clicked)

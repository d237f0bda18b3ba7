"""Charts with a common x axis: hovering over one shows the values at the same x in all."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from ui.component import draw

# Plotly responds to a pointer over a chart; the other charts get an artificial hover event at the same x.
_JS = """
const PLOT = ".nsewdrag";
export default function ({ data: [data] }) {
  const others = (plot) => {
    const group = plot.closest(`.st-key-${data.group}`);
    return group ? [...group.querySelectorAll(PLOT)].filter((other) => other !== plot) : [];
  };
  const axisOf = (plot) => plot.closest(".js-plotly-plot")._fullLayout.xaxis;
  const tell = (plot, name, place) => plot.dispatchEvent(new MouseEvent(name, { bubbles: true, ...place }));
  const follow = (event) => {
    const plot = event.isTrusted && event.target.closest?.(PLOT);
    if (!plot) return;
    const x = axisOf(plot).p2d(event.clientX - plot.getBoundingClientRect().left);
    for (const other of others(plot)) {
      const { left, top, width, height } = other.getBoundingClientRect(), across = axisOf(other).d2p(x);
      if (event.type === "mousemove" && across >= 0 && across <= width)
        tell(other, "mousemove", { clientX: left + across, clientY: top + height / 2 });
      else tell(other, "mouseout", {});
    }
  };
  for (const name of ["mousemove", "mouseout"]) document.addEventListener(name, follow, true);
  return () => {
    for (const name of ["mousemove", "mouseout"]) document.removeEventListener(name, follow, true);
  };
}
"""

_component = st.components.v2.component("linked_charts", js=_JS)


@contextmanager
def charts(name: str) -> Iterator[None]:
    """Link the charts drawn in this block; `name` identifies the group on the page."""
    with st.container(key=name):
        yield
        draw(_component, f"{name}_link", {"group": name})

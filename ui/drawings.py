"""Input and output drawn in one frozen layout, side by side or one over the other; every part can be clicked."""

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.drawing.cells import CELL_TITLES, draw_cell, draw_overlay, draw_pair
from ui.cell_drawing import cell_drawing
from ui.editor import select
from ui.theme import SIDE_BY_SIDE, theme
from ui.view import go_to, history

_LAYOUTS = {"side": "Side by side", "overlay": "Overlay"}


def options(architecture: Architecture, with_output: bool) -> None:
    """Which cell is drawn and how; undo and redo."""
    names = [name for name, _ in architecture.cells]
    if st.session_state["cell_name"] not in names:
        st.session_state["cell_name"] = names[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(names) > 1:
            _segments("Cell", names, CELL_TITLES, "cell_name")
        if with_output:
            _segments("Layout", list(_LAYOUTS), _LAYOUTS, "layout")
        st.toggle("Hide null edges", key="hide_null")
        if with_output:
            st.toggle("Only changes", key="only_changes")
        st.toggle("FLOPs instead of MACs", key="flops", help="FLOPs = 2 × MACs")
        _undo_and_redo()


def pair(before: Architecture, after: Architecture) -> None:
    """Both drawings of the chosen cell."""
    name = st.session_state["cell_name"]
    old, new = dict(before.cells)[name], dict(after.cells)[name]
    show_null = not st.session_state["hide_null"]
    if st.session_state["layout"] == "overlay":
        st.markdown("**Input → output**, a click selects what to edit")
        _drawing(draw_overlay(old, new, "svg", name, theme().name, show_null).decode(), "overlay")
        return
    svgs = draw_pair(old, new, name, theme().name, show_null, responsive=False)
    titles = ("**Input**, a click selects what to edit", "**Output**")
    with st.container(key=SIDE_BY_SIDE):
        columns = st.columns(2)
    for column, title, svg, side in zip(columns, titles, svgs, ("before", "after"), strict=True):
        with column:
            st.markdown(title)
            _drawing(svg, side)


def single(architecture: Architecture) -> None:
    """The drawing of an input without output."""
    st.markdown("**Input**, a click selects what to edit")
    show_null = not st.session_state["hide_null"]
    name = st.session_state["cell_name"]
    cell = dict(architecture.cells)[name]
    _drawing(draw_cell(cell, "svg", name, theme().name, show_null).decode(), "single")


def _drawing(svg: str, key: str) -> None:
    cell_drawing(
        svg,
        key=f"drawing-{key}",
        on_part=select,
        selected=st.session_state["part"],
        only_changes=st.session_state["only_changes"],
    )


def _segments(label: str, names: list[str], titles: dict[str, str], key: str) -> None:
    st.segmented_control(label, names, format_func=titles.get, required=True, key=key, label_visibility="collapsed")


def _undo_and_redo() -> None:
    steps = history()
    for label, icon, step, possible in (
        ("Undo", ":material/undo:", -1, steps.can_undo),
        ("Redo", ":material/redo:", 1, steps.can_redo),
    ):
        st.button(label, icon=icon, disabled=not possible, on_click=lambda step=step: go_to(history().position + step))

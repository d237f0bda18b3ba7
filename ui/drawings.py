"""Input and output drawn in one frozen layout, beside each other or one over the other; every part can be clicked."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nat_core.architecture.cell import Architecture, CellName
from nat_core.architecture.difference import difference
from nat_core.drawing.cells import CELL_TITLES, draw_cell, draw_overlay, draw_pair
from ui.cell_drawing import cell_drawing
from ui.editor import EDITED, select
from ui.theme import SIDE_BY_SIDE, theme
from ui.view import go_to, history

_LAYOUTS = {"side": "Input and output", "overlay": "Changes"}
_CELLS = {"": "Both cells", **CELL_TITLES}


def order(before: Architecture, after: Architecture | None = None) -> tuple[CellName, ...]:
    """The cells that are drawn, the one with more changes first, unless the visitor asks for one of them."""
    names = [name for name, _ in before.cells]
    if st.session_state["cell_name"] in names:
        return (st.session_state["cell_name"],)
    changed = Counter(item.cell for item in difference(before, after)) if after is not None else Counter()
    return tuple(sorted(names, key=lambda name: -changed[name]))


def options(architecture: Architecture, with_output: bool) -> None:
    """Which cells are drawn and how; undo and redo."""
    names = [name for name, _ in architecture.cells]
    if st.session_state["cell_name"] not in ("", *names):
        st.session_state["cell_name"] = ""
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(names) > 1:
            _segments("Cells", list(_CELLS), _CELLS, "cell_name")
        if with_output:
            key = f"layout-{len(names)}"
            st.session_state[key] = _layout(architecture)
            _segments("Layout", list(_LAYOUTS), _LAYOUTS, key, lambda: _lay_out(st.session_state[key]))
        with st.popover("View", icon=":material/visibility:"):
            st.toggle("Hide null edges", key="hide_null")
            if with_output:
                st.toggle("Only changes", key="only_changes")
            st.toggle("FLOPs instead of MACs", key="flops", help="FLOPs = 2 × MACs")
        _undo_and_redo()


def _layout(architecture: Architecture) -> str:
    """As asked for; else both cells' changes beside each other, or the input and output of a single cell."""
    asked = st.session_state["layout"]
    return asked or ("side" if len(architecture.cells) == 1 or st.session_state["cell_name"] else "overlay")


def _lay_out(name: str) -> None:
    st.session_state["layout"] = name


def pair(before: Architecture, after: Architecture) -> None:
    """Both drawings of every cell that is drawn."""
    names, layout = order(before, after), _layout(before)
    cells = [(name, *picture(before, after, name, layout)) for name in names]
    with st.container(key=SIDE_BY_SIDE):
        if layout == "overlay":
            for column, (name, svg) in zip(_places(len(cells)), cells, strict=True):
                with column:
                    _title(before, name, "input → output")
                    _drawing(svg, f"overlay-{name}", name)
        else:
            for name, *svgs in cells:
                for column, svg, side in zip(st.columns(2), svgs, ("before", "after"), strict=True):
                    with column:
                        _title(before, name, {"before": "input", "after": "output"}[side])
                        _drawing(svg, f"{side}-{name}", name)


def picture(before: Architecture, after: Architecture, name: CellName, layout: str) -> tuple[str, ...]:
    """The SVGs of a cell: input and output, or one of both."""
    old, new, ground = dict(before.cells)[name], dict(after.cells)[name], theme().name
    show_null = not st.session_state["hide_null"]
    if layout == "overlay":
        return (draw_overlay(old, new, "svg", name, ground, show_null).decode(),)
    return draw_pair(old, new, name, ground, show_null, responsive=False)


def prepare(before: Architecture, outputs: Sequence[Architecture]) -> None:
    """Draws what the visitor may look at next, so that it is there at once."""
    layout = _layout(before)
    for after in outputs:
        for name in order(before, after):
            picture(before, after, name, layout)


def _places(count: int) -> Sequence[DeltaGenerator]:
    return st.columns(count) if count > 1 else [st.container()]


def _title(architecture: Architecture, name: CellName, side: str) -> None:
    cell = f"{CELL_TITLES[name]}, " if architecture.reduction else ""
    text = f"{cell}{side}"
    st.markdown(f"**{text[:1].upper()}{text[1:]}**")


def single(architecture: Architecture) -> None:
    """The drawings of an input without output."""
    names, show_null = order(architecture), not st.session_state["hide_null"]
    with st.container(key=SIDE_BY_SIDE):
        for column, name in zip(_places(len(names)), names, strict=True):
            cell = dict(architecture.cells)[name]
            with column:
                _title(architecture, name, "input")
                svg = draw_cell(cell, "svg", name, theme().name, show_null).decode()
                _drawing(svg, f"single-{name}", name)


def _drawing(svg: str, key: str, name: CellName) -> None:
    is_edited = name == st.session_state[EDITED]
    cell_drawing(
        svg,
        key=f"drawing-{key}",
        on_part=partial(select, name),
        selected=st.session_state["part"] if is_edited else None,
        only_changes=st.session_state["only_changes"],
    )


def _segments(
    label: str, names: list[str], titles: Mapping[str, str], key: str, act: Callable[[], None] | None = None
) -> None:
    st.segmented_control(
        label, names, format_func=titles.get, required=True, key=key, label_visibility="collapsed", on_change=act
    )


def _undo_and_redo() -> None:
    steps = history()
    for label, icon, step, possible in (
        ("Undo", ":material/undo:", -1, steps.can_undo),
        ("Redo", ":material/redo:", 1, steps.can_redo),
    ):
        st.button(label, icon=icon, disabled=not possible, on_click=lambda step=step: go_to(history().position + step))

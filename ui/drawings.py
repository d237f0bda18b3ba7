"""Drawings of input and output in one shared layout, side by side or overlaid; every part can be clicked."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nat_core.architecture.cell import Architecture, CellName
from nat_core.architecture.difference import difference
from nat_core.drawing.cells import CELL_TITLES, draw_cell, draw_overlay, draw_pair
from nat_core.transformation import Candidate, Transformation
from ui import front
from ui.along import Place
from ui.cell_drawing import cell_drawing
from ui.editor import Editor, delete, offered, select, set_operation
from ui.public import limits
from ui.theme import SIDE_BY_SIDE, theme
from ui.view import go_to, history

_LAYOUTS = {"side": "Input and output", "overlay": "Changes"}
_PREPARED = "prepared_drawings"
_CELLS = {"": "Both cells", **CELL_TITLES}


def order(before: Architecture, after: Architecture | None = None) -> tuple[CellName, ...]:
    """Return the cells to draw, the one with more changes first, unless the visitor has selected one."""
    names = [name for name, _ in before.cells]
    if st.session_state["cell_name"] in names:
        return (st.session_state["cell_name"],)
    changed = Counter(item.cell for item in difference(before, after)) if after is not None else Counter()
    return tuple(sorted(names, key=lambda name: -changed[name]))


def options(architecture: Architecture, with_output: bool) -> None:
    """Draw the controls: which cells are drawn and how; undo and redo."""
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
    """Return the selected mode; by default both cells' changes side by side, or the input and output of a single
    cell.
    """
    asked = st.session_state["layout"]
    return asked or ("side" if len(architecture.cells) == 1 or st.session_state["cell_name"] else "overlay")


def _lay_out(name: str) -> None:
    st.session_state["layout"] = name


def pair(outcome: Transformation, shown: Candidate, edited: Editor) -> None:
    """Draw input and output of every selected cell; drawings of the front's other points are sent too, once they
    exist.
    """
    before, layout = outcome.input.architecture, _layout(outcome.input.architecture)
    outputs = {item.number: item.architecture for item in _looked_at(outcome, shown)}
    place = front.place(outcome, shown)
    with st.container(key=SIDE_BY_SIDE):
        names = order(before, outcome.output.architecture)
        if layout == "overlay":
            for column, name in zip(_places(len(names)), names, strict=True):
                with column:
                    _title(before, name, "input → output")
                    svgs = {number: _overlay(before, output, name) for number, output in outputs.items()}
                    _drawing(edited, svgs, place, f"overlay-{name}", name)
            return
        for name in names:
            svgs = {number: _pair(before, output, name) for number, output in outputs.items()}
            for column, side, position in zip(st.columns(2), ("input", "output"), (0, 1), strict=True):
                with column:
                    _title(before, name, side)
                    own = {number: both[position] for number, both in svgs.items()}
                    _drawing(edited, own, place, f"{side}-{name}", name)


def _looked_at(outcome: Transformation, shown: Candidate) -> Sequence[Candidate]:
    """Return the candidates whose drawings are sent: at first only the shown one, so that the page appears sooner."""
    points = front.along(outcome, shown)
    return points if st.session_state.get(_PREPARED) == _wanted(outcome, shown) else [shown]


def prepare(outcome: Transformation, shown: Candidate) -> bool:
    """Draw the front's other points in advance. Returns whether the page has not received these drawings yet."""
    wanted = _wanted(outcome, shown)
    if st.session_state.get(_PREPARED) == wanted or not limits().draws_ahead:
        return False
    before = outcome.input.architecture
    draw = _overlay if _layout(before) == "overlay" else _pair
    for item in front.along(outcome, shown):
        for name in order(before):
            draw(before, item.architecture, name)
    st.session_state[_PREPARED] = wanted
    return True


def _wanted(outcome: Transformation, shown: Candidate) -> Hashable:
    """Return the values that the drawings of a front depend on."""
    state, before = st.session_state, outcome.input.architecture
    names = tuple(sorted(order(before)))
    return front.place(outcome, shown).front, names, _layout(before), theme().name, state["hide_null"]


def _overlay(before: Architecture, after: Architecture, name: CellName) -> str:
    old, new = dict(before.cells)[name], dict(after.cells)[name]
    return draw_overlay(old, new, "svg", name, theme().name, not st.session_state["hide_null"]).decode()


def _pair(before: Architecture, after: Architecture, name: CellName) -> tuple[str, str]:
    old, new = dict(before.cells)[name], dict(after.cells)[name]
    return draw_pair(old, new, name, theme().name, not st.session_state["hide_null"], responsive=False)


def _places(count: int) -> Sequence[DeltaGenerator]:
    return st.columns(count) if count > 1 else [st.container()]


def _title(architecture: Architecture, name: CellName, side: str) -> None:
    cell = f"{CELL_TITLES[name]}, " if architecture.reduction else ""
    text = f"{cell}{side}"
    st.markdown(f"**{text[:1].upper()}{text[1:]}**")


def single(edited: Editor) -> None:
    """Draw an input without output."""
    architecture = edited.architecture
    names, show_null = order(architecture), not st.session_state["hide_null"]
    with st.container(key=SIDE_BY_SIDE):
        for column, name in zip(_places(len(names)), names, strict=True):
            cell = dict(architecture.cells)[name]
            with column:
                _title(architecture, name, "input")
                svg = draw_cell(cell, "svg", name, theme().name, show_null).decode()
                _drawing(edited, {0: svg}, Place("", 0), f"single-{name}", name)


def _drawing(edited: Editor, svgs: Mapping[int, str], place: Place, key: str, name: CellName) -> None:
    is_edited = name == edited.name
    cell_drawing(
        svgs,
        place,
        key=f"drawing-{key}",
        on_part=partial(select, name),
        on_shortcut=partial(_shortcut, edited.architecture, name),
        on_operation=partial(set_operation, edited),
        items=offered(edited) if is_edited else (),
        selected=st.session_state["part"] if is_edited else None,
        only_changes=st.session_state["only_changes"],
    )


def _shortcut(architecture: Architecture, name: CellName, what: str, part: str) -> None:
    """Apply a key to the selected part of a cell."""
    steps = history()
    if what == "delete":
        select(name, part)
        delete(architecture, name, part)
    elif steps.can_undo if what == "undo" else steps.can_redo:
        go_to(steps.position + (-1 if what == "undo" else 1))


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

"""The visitor's own architectures, added by name or notation or used on Transform; kept for the session."""

from collections.abc import Collection, Mapping
from itertools import count

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.learning.comparison import Item, free_name, library_items
from nat_core.naming import resolve
from ui import notices
from ui.history import History
from ui.text import plain
from ui.view import history

MOST = 50
MOST_VISITED = 20
_KEY = "own_architectures"
_PROBLEM = "own_problem"


def items() -> tuple[Item, ...]:
    """Return the added architectures, and this visit's inputs on Transform that are not in the library."""
    kept: dict[str, Item] = st.session_state.get(_KEY, {})
    known = {item.architecture for item in (*library_items(), *kept.values())}
    return (*kept.values(), *visited(history(), known, kept))


def visited(steps: History, known: set[Architecture], taken: Collection[str] = ()) -> tuple[Item, ...]:
    """Return a visit's latest distinct inputs that are not `known`, under names that are not `taken`."""
    found: dict[Architecture, Item] = {}
    for number, step in enumerate(steps.steps, start=1):
        architecture = resolve(step.cell)
        if architecture not in known:
            name = free_name(f"Transform, step {number}", {*taken, *(item.name for item in found.values())})
            found[architecture] = Item(name, architecture, "own")
    return tuple(found.values())[-MOST_VISITED:]


def form() -> None:
    """Draw the controls that add and remove architectures, and an error for unreadable text."""
    with st.form("own_form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", key="own_name", max_chars=40, placeholder="my cell", width=180)
        st.text_input(
            "Your own architecture, in any notation",
            key="own_text",
            placeholder="Genotype(normal=[…], …), |nor_conv_3x3~0|+|…|, or nasbench201:77",
            width=560,
        )
        st.form_submit_button("Add", icon=":material/add:", on_click=_add)
    if problem := st.session_state.pop(_PROBLEM, None):
        notices.problem(problem, "Not added")
    kept = st.session_state.get(_KEY, {})
    if kept:
        with st.container(horizontal=True):
            for name in kept:
                st.button(
                    f"Remove {plain(name)}",
                    key=f"remove-{name}",
                    icon=":material/close:",
                    on_click=_remove,
                    args=[name],
                )


def _add() -> None:
    kept = dict(st.session_state.get(_KEY, {}))
    usual = next(name for number in count(1) if (name := f"own {number}") not in kept)
    name = st.session_state["own_name"].strip() or usual
    try:
        st.session_state[_KEY] = added(kept, name, st.session_state["own_text"])
    except ValueError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        st.session_state["own_name"] = st.session_state["own_text"] = ""


def added(kept: dict[str, Item], name: str, text: str) -> dict[str, Item]:
    """Return `kept` with one more. Raises ValueError for a taken name, unreadable text, or too many."""
    if name in _taken(kept):
        raise ValueError(f"the name {name!r} is taken; choose another")
    if len(kept) >= MOST:
        raise ValueError(f"there are {MOST} already; remove one first")
    return {**kept, name: Item(name, resolve(text), "own")}


def _taken(kept: Mapping[str, Item]) -> set[str]:
    """Return the names that are taken."""
    return {*(item.name for item in library_items()), *kept}


def _remove(name: str) -> None:
    st.session_state[_KEY] = {key: item for key, item in st.session_state[_KEY].items() if key != name}

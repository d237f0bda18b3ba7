"""The visitor's own architectures: added by name or notation, kept for the session."""

import streamlit as st

from nat_core.learning.comparison import Item, library_items
from nat_core.naming import resolve

MOST = 50
_KEY = "own_architectures"
_PROBLEM = "own_problem"


def items() -> tuple[Item, ...]:
    """What the visitor added, and the Transform page's cell if it is not in the library."""
    kept: dict[str, Item] = st.session_state.get(_KEY, {})
    current = _current()
    return (*kept.values(), *([current] if current else []))


def _current() -> Item | None:
    view = st.session_state.get("view")
    if view is None:
        return None
    architecture = resolve(view.cell)
    known = {item.architecture for item in library_items()}
    return None if architecture in known else Item("Input of Transform", architecture, "own")


def form() -> None:
    """Adds or removes architectures; what cannot be read is said in a sentence."""
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
        st.error(f"Not added: {problem}.", icon=":material/error:")
    kept = st.session_state.get(_KEY, {})
    if kept:
        with st.container(horizontal=True):
            for name in kept:
                st.button(
                    f"Remove {name}", key=f"remove-{name}", icon=":material/close:", on_click=_remove, args=[name]
                )


def _add() -> None:
    kept = dict(st.session_state.get(_KEY, {}))
    name = st.session_state["own_name"].strip() or f"own {len(kept) + 1}"
    try:
        st.session_state[_KEY] = added(kept, name, st.session_state["own_text"])
    except ValueError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        st.session_state["own_name"] = st.session_state["own_text"] = ""


def added(kept: dict[str, Item], name: str, text: str) -> dict[str, Item]:
    """`kept` with one more. Raises ValueError: a name that is taken, a text that cannot be read, or too many."""
    if name in {item.name for item in library_items()} | set(kept):
        raise ValueError(f"the name {name!r} is taken; choose another")
    if len(kept) >= MOST:
        raise ValueError(f"there are {MOST} already; remove one first")
    return {**kept, name: Item(name, resolve(text), "own")}


def _remove(name: str) -> None:
    st.session_state[_KEY] = {key: item for key, item in st.session_state[_KEY].items() if key != name}

"""Tabs of which only the open one is worked out."""

from collections.abc import Callable, Mapping

import streamlit as st


def tabs(views: Mapping[str, Callable[[], None]], key: str) -> None:
    """Draws a tab for each of `views` by its title, and what the open one shows.

    Args:
        key: under which the session keeps the title of the open one, also where `views` are others the next time.
    """
    state, own = st.session_state, f"{key}-{'-'.join(views)}"
    if state.get(key) in views:
        state[own] = state[key]

    def keep() -> None:
        state[key] = state[own]

    for tab, draw in zip(st.tabs(list(views), key=own, on_change=keep), views.values(), strict=True):
        if tab.open:
            with tab:
                draw()

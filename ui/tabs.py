"""Tabs that compute only what the open one shows."""

from collections.abc import Callable, Mapping

import streamlit as st


def tabs(views: Mapping[str, Callable[[], None]], key: str) -> None:
    """Draw a tab for each title in `views`, and call the function of the open tab.

    Args:
        key: key of the session state that keeps the open tab's title, even when the next run draws other tabs.
    """
    state, own = st.session_state, f"{key}-{'-'.join(views)}"
    if state.get(key) in views and state.get(own) != state[key]:  # setting it anew would undo a choice on its way
        state[own] = state[key]

    def keep() -> None:
        state[key] = state[own]

    for tab, draw in zip(st.tabs(list(views), key=own, on_change=keep), views.values(), strict=True):
        if tab.open:
            with tab:
                draw()

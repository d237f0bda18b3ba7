"""Callbacks of widgets that are recreated in every run: charts, and boxes whose options change.

Streamlit keeps the callbacks of every widget that a session ever had. So callbacks have names here, and only the latest
of each name is kept alive.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

_LATEST = "latest_callbacks"


def callback(name: str, act: Callable[..., None]) -> Callable[..., None]:
    """Return a callback that calls the session's latest `act` of this name."""
    st.session_state.setdefault(_LATEST, {})[name] = act
    return partial(_call, name)


def _call(name: str, *arguments: Any) -> None:
    st.session_state[_LATEST][name](*arguments)

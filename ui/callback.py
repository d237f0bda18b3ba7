"""Callbacks of widgets that are other widgets with every run: charts, and boxes whose options change.

Streamlit keeps the callbacks of every widget that a session ever had. So it is given a name here, and only the latest
of that name, with everything it refers to, is kept.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

_LATEST = "latest_callbacks"


def callback(name: str, act: Callable[..., None]) -> Callable[..., None]:
    """What calls the `act` that was given last under `name` in this session."""
    st.session_state.setdefault(_LATEST, {})[name] = act
    return partial(_call, name)


def _call(name: str, *arguments: Any) -> None:
    st.session_state[_LATEST][name](*arguments)

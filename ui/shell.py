"""Pages inside the app: Streamlit's own discovery of `pages/` opens a page's file alone if a link leads there first."""

import runpy
from pathlib import Path

import streamlit as st

_APP = Path(__file__).parent.parent / "app.py"
_INSIDE = "inside_app"


def enter() -> None:
    """Called by `app.py` before it runs a page."""
    st.session_state[_INSIDE] = True


def require_app() -> None:
    """Called by a page first of all: runs the app, which runs the page, if the server has not run it before."""
    if _INSIDE not in st.session_state:
        runpy.run_path(str(_APP))
        st.stop()

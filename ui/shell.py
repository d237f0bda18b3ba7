"""Pages inside the app: Streamlit's own discovery of `pages/` opens a page's file alone if a link leads there first."""

import logging
import runpy
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui import heap, notices

_APP = Path(__file__).parent.parent / "app.py"
_INSIDE = "inside_app"


def enter() -> None:
    """Called by `app.py` before it runs a page."""
    st.session_state[_INSIDE] = True


def show(page: StreamlitPage) -> None:
    """Called by `app.py`: runs the page; what it cannot do without, and is missing or broken, is said on it."""
    try:
        page.run()
    except OSError as error:
        logging.getLogger(__name__).exception("the page %r cannot be shown", page.title)
        notices.problem(error, "This page cannot be shown")
    finally:
        heap.settle()


def require_app() -> None:
    """Called by a page first of all: runs the app, which runs the page, if the server has not run it before."""
    if _INSIDE not in st.session_state:
        runpy.run_path(str(_APP))
        st.stop()

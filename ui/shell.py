"""The app around its pages: one look, one navigation, and one sentence where a page cannot be shown."""

import logging
from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui import heap, login, notices, processors, public
from ui.theme import apply_css, wordmark

_PROJECT = Path(__file__).parent.parent
# File in pages/ to title; the first opens first.
_PAGES = {"transform": "Transform", "compare": "Compare", "train": "Train", "learn": "Learn"}
# Whether the app is running a page's file.
_inside = ContextVar("inside", default=False)


def run() -> None:
    """Run the page named in the address."""
    st.set_page_config(page_title="NAT Lab", page_icon=str(_PROJECT / "ui" / "icon.png"), layout="wide")
    st.logo(wordmark())
    apply_css()
    login.require()
    public.admit()
    files = {title: _PROJECT / "pages" / f"{name}.py" for name, title in _PAGES.items()}
    _show(st.navigation([st.Page(file, title=title) for title, file in files.items()], position="top"))
    login.show()


def require_app() -> None:
    """Called first by every page: if Streamlit has opened the file alone, run the app, which runs the page.

    Streamlit does so for a link to a page before any other visit, and for `streamlit run` with a page's file.
    """
    if not _inside.get():
        run()
        st.stop()


def _show(page: StreamlitPage) -> None:
    """Run the page; if a file that it needs is missing or damaged, show one sentence instead."""
    processors.one()
    token = _inside.set(True)
    try:
        page.run()
    except OSError as error:
        logging.getLogger(__name__).exception("the page %r cannot be shown", page.title)
        notices.problem(error, "This page cannot be shown")
    finally:
        _inside.reset(token)
        heap.settle()

"""Error messages on a page, each one sentence."""

import streamlit as st

from ui.text import plain, sentence


def problem(error: Exception | str, what: str = "") -> None:
    """Show what failed, then the error's message; neither is interpreted as Markdown."""
    st.error(plain(sentence(f"{what}: {error}" if what else error)), icon=":material/error:")

"""What went wrong, said on the page in one sentence."""

import streamlit as st

from ui.text import plain, sentence


def problem(error: Exception | str, what: str = "") -> None:
    """An error's message, after what did not happen because of it; nothing in either is taken for Markdown."""
    st.error(plain(sentence(f"{what}: {error}" if what else error)), icon=":material/error:")

"""A select box whose value the page may change too, for example by a click in a drawing, an edit or a new measurement.

Streamlit identifies an option by its text, and a browser's text may be older than the page's. So a box is replaced by a
new one whenever its options, their texts or its value change.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from ui.callback import callback

T = TypeVar("T")


def choice(
    label: str,
    options: Sequence[T],
    value: T,
    name: str,
    title: Callable[[T], str],
    choose: Callable[[T], None],
    width: int,
    help: str | None = None,
) -> None:
    """Show `value`, and call `choose` with another value when the visitor selects it.

    Args:
        name: prefix of the widget's key, unique on the page.
        title: returns an option's text, which must be unique.
        width: width in pixels.
    """
    titles = [title(option) for option in options]
    key = f"{name}-{zlib.crc32(repr((titles, title(value))).encode()):08x}"

    def picked(key: str) -> None:
        """Handle a selection in the box `key`, which another box may just have replaced."""
        if st.session_state[key] in titles:
            choose(options[titles.index(st.session_state[key])])

    st.selectbox(
        label, titles, titles.index(title(value)), key=key, on_change=callback(name, picked), args=[key], width=width,
        help=help,
    )  # fmt: skip

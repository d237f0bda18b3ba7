"""The input's provenance: its origin, its publication, and whether it obeys the method's own rule."""

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library, name_of
from nat_core.architecture.notation import TITLES
from nat_core.learning.comparison import library_items, outside_rule
from ui.text import plain
from ui.view import input_title, notation_read


def note(cell: str, architecture: Architecture) -> None:
    """Draw a line about the input's origin and publication."""
    name = cell if cell in library() else name_of(architecture)
    st.caption(f"{_read(cell, name)} {about(name)}".strip() or "No paper in the library has a result of it.")


# Initially empty widgets of the chooser, by source of the input.
_FIELDS = {"nasbench201": "index", "paste": "pasted", "upload": "uploaded"}


def _read(cell: str, known: str) -> str:
    """Return a sentence on the text or edit behind the input, or that an empty field leaves the input unchanged.

    Args:
        cell: the input's text.
        known: the input's library name, regardless of edge order, or "".
    """
    name, chosen = notation_read(), _FIELDS.get(st.session_state.get("source", ""))
    if chosen and st.session_state.get(chosen) in (None, ""):
        return plain(f"Until you choose another, the input is {known or 'the cell below'}.")
    if not name:
        title = input_title()
        return "" if cell in library() else plain(f"{title[:1].upper()}{title[1:]}.")
    held = f"this is {known} of the library" if known else "a cell that is not in the library"
    held += "" if not known or cell in library() else ", with its edges in another order"
    return plain(f"{input_title()}: {held}; read as {TITLES.get(name, name)}.")


def about(name: str) -> str:
    """Return Markdown sentences about a library entry; "" for other names."""
    items = {item.name: item for item in library_items()}
    item = items.get(name)
    if item is None:
        return ""
    origin, sentences = items.get(item.derived_from or ""), []
    if item.method:
        sentences.append(f"What {item.method} made of {item.derived_from}, as published.")
    if item.published:
        result = item.published
        sentences.append(
            f"Accuracy {100 - result.test_error_percent:.2f} % on {result.dataset} test (published: {result.cited_in}; "
            f"{result.params_millions:g} M parameters, for the paper's own network and training)."
        )
    text = plain(" ".join(sentences))
    if illegal := outside_rule(item, origin):
        changes = plain(f"changes that {item.method} itself does not allow: {', '.join(illegal)}.")
        text += f" :orange[:material/flag: Outside the rule:] {changes}"
    return text

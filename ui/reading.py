"""Cells in a pasted or uploaded text: one, or several from which the visitor chooses."""

from dataclasses import dataclass

import streamlit as st

from nat_core.architecture.notation import Document, Found, shortest
from nat_core.naming import name_in
from ui.callback import callback
from ui.public import check_size, limits
from ui.text import plain
from ui.view import choose_cell, remember_notation

_KEY = "reading"


@dataclass(frozen=True)
class Reading:
    """A text with several cells, kept between reruns.

    Attributes:
        label: name of the text.
        cells: titles and cells, in the text's order.
        total: number of cells in the text.
        names: whether the text names its cells; otherwise it is a log, of which the last cell is the default.
    """

    label: str
    cells: tuple[tuple[str, str], ...]
    total: int
    names: bool


def take(content: str | bytes, title: str, label: str) -> None:
    """Make the cell in a text the input, or offer several; for unreadable text, only show why."""
    for name in (_KEY, "reading_notes", "reading_choice"):
        st.session_state.pop(name, None)
    try:
        check_size(content)
        found = _found(content)
    except ValueError as error:
        st.session_state["cell_error"] = str(error)
        return
    if isinstance(found, Found):
        choose_cell(_text(found), title)
        remember_notation(found.notation)
        st.session_state["reading_notes"] = found.notes
        return
    st.session_state[_KEY] = reading = _reading(found, label)
    if not reading.names and reading.cells:
        choose_cell(reading.cells[-1][1], f"{title}, {reading.cells[-1][0]}")
        st.session_state["reading_choice"] = reading.cells[-1][0]


def several() -> None:
    """Draw a select box if the last text has several cells, and what was skipped in it."""
    reading: Reading | None = st.session_state.get(_KEY)
    if reading:
        cells = dict(reading.cells)
        st.selectbox(
            f"{reading.total} cells in the {reading.label}",
            list(cells),
            index=None,
            key="reading_choice",
            placeholder=f"Choose one of {len(cells)}",
            persist_state="session",
            on_change=callback("reading_choice", lambda: _choose(cells)),
            width=420,
        )
    if notes := st.session_state.get("reading_notes"):
        st.caption(plain(f"{'; '.join(notes)}."))


def _choose(cells: dict[str, str]) -> None:
    if (title := st.session_state["reading_choice"]) in cells:
        choose_cell(cells[title], title)


def _found(content: str | bytes) -> Found | Document:
    """Return the one cell of a text, or the document if it has several."""
    document = Document(content)
    if found := name_in(document):
        return found
    return document if len(document.choices(2)) > 1 else document.one()


def _reading(document: Document, label: str) -> Reading:
    cells, names = [], bool(document.names)
    for choice in document.choices(limits().inputs):
        try:
            found = document.one(choice)
        except ValueError:
            continue
        cells.append((choice if names else f"no. {choice}, line {found.line:,}", _text(found)))
    return Reading(label, tuple(cells), len(document.names) or len(document), names)


def _text(found: Found) -> str:
    return found.name if found.notation in ("name", "index") else shortest(found.architecture)

"""Choosing the input architecture: library, NAS-Bench-201, random, pasted or uploaded text."""

import random
from collections.abc import Callable

import streamlit as st

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.learning.nasbench201 import table
from nat_core.naming import resolve
from ui import drop, notices, reading
from ui.public import limits
from ui.text import plain
from ui.view import canonical, choose_cell, unread

_SOURCES = {
    "library": "Library",
    "nasbench201": "NAS-Bench-201",
    "random": "Random",
    "paste": "Paste",
    "upload": "Upload",
}
_PLACEHOLDER = (
    "Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), …)  or  |nor_conv_3x3~0|+|none~0|…|"
)


def architecture() -> Architecture:
    """Draw the controls, and return the current input."""
    for item in unread():
        st.warning(plain(item.problem), icon=":material/link_off:")
    current = resolve(st.session_state["cell"])
    st.session_state.setdefault("source", _source_of(st.session_state["cell"], current))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Input", _SOURCES, format_func=_SOURCES.get, key="source", required=True, persist_state="session"
        )
        _CHOOSERS[st.session_state["source"]](current)
    reading.several()
    with st.container():  # always drawn, so that a message does not shift the elements below it
        drop.anywhere("Drop the file to read its cell", limits().upload_megabytes, _take, _refuse)
        if error := st.session_state.get("cell_error"):
            notices.problem(error, "The input stays as it was")
    return resolve(st.session_state["cell"])


def _source_of(cell: str, current: Architecture) -> str:
    if cell in library():
        return "library"
    return "nasbench201" if table.mismatch(current) is None else "paste"


def _library(current: Architecture) -> None:
    names = list(library())
    name = canonical(st.session_state["cell"])[0]
    st.session_state["library_name"] = name if name in names else None
    st.selectbox(
        "Published architecture",
        names,
        key="library_name",
        format_func=_library_label,
        placeholder="Choose one of 36",
        on_change=lambda: choose_cell(st.session_state["library_name"] or st.session_state["cell"]),
        width=420,
    )


def _library_label(name: str) -> str:
    entry = library()[name]
    return f"{name}  ({entry.method} of {entry.derived_from})" if entry.method else name


def _nasbench201(current: Architecture) -> None:
    in_table = table.mismatch(current) is None
    st.session_state["index"] = table.index_of(current) if in_table else None
    st.number_input(
        "Index",
        min_value=0,
        max_value=table.SIZE - 1,
        key="index",
        placeholder="0 … 15624",
        on_change=lambda: _choose_index(st.session_state["index"]),
        width=150,
        help="The benchmark's own number of the cell.",
    )
    draws: dict[str, tuple[str, Callable[[], int]]] = {
        "Any": ("A cell drawn uniformly from all 15,625", lambda: random.randrange(table.SIZE)),
        "Best": ("The most accurate cell on CIFAR-10 validation", lambda: int(_accuracies().argmax())),
        "Worst": ("The least accurate cell on CIFAR-10 validation", lambda: int(_accuracies().argmin())),
    }
    for label, (help_text, draw) in draws.items():
        st.button(label, help=help_text, on_click=lambda label=label, draw=draw: _choose_code(label, draw()))


def _accuracies():
    return table.accuracies_percent("cifar10_valid")


def _choose_index(index: int | None) -> None:
    if index is not None:
        choose_cell(f"nasbench201:{index}")


def _choose_code(label: str, code: int) -> None:
    choose_cell(notation.shortest(table.architecture_of_code(code)), f"NAS-Bench-201, {label.lower()}")


def _random(current: Architecture) -> None:
    own = space_of(current)
    st.session_state.setdefault("random_space", own.name if own else next(iter(SPACES)))
    name = st.selectbox(
        "Space",
        list(SPACES),
        key="random_space",
        format_func=lambda name: SPACES[name].title,
        persist_state="session",
        width=300,
    )
    st.button(
        "Draw a cell",
        icon=":material/casino:",
        help="Every edge's source and operation independently and uniformly.",
        on_click=lambda: choose_cell(
            notation.shortest(SPACES[name].sample(random.Random())), f"Random, {SPACES[name].title}"
        ),
    )


def _paste(current: Architecture) -> None:
    with st.form("paste", border=False, width="stretch"), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_area(
            "Any text that holds a cell",
            key="pasted",
            height=80,
            placeholder=_PLACEHOLDER,
            persist_state="session",
            help="A genotype in any notation, a log, a file of genotypes. Told apart automatically, never executed.",
        )
        st.form_submit_button(
            "Use this cell", on_click=lambda: reading.take(st.session_state["pasted"], "Pasted", "pasted text")
        )


def _upload(current: Architecture) -> None:
    st.file_uploader(
        f"A file of at most {limits().upload_megabytes} MiB: a log, source, JSON, YAML or text",
        key="uploaded",
        max_upload_size=limits().upload_megabytes,
        on_change=_take_upload,
        width=520,
        help="Read, never executed.",
    )


def _take_upload() -> None:
    file = st.session_state["uploaded"]
    if file is not None:
        _take(file.getvalue(), file.name)


def _take(content: bytes, name: str) -> None:
    """Read an uploaded or dropped file."""
    reading.take(content, f"File {name[:60]}", name[:60])


def _refuse(problem: str) -> None:
    """Show why a dropped file cannot be read."""
    st.session_state["cell_error"] = problem


_CHOOSERS: dict[str, Callable[[Architecture], None]] = {
    "library": _library,
    "nasbench201": _nasbench201,
    "random": _random,
    "paste": _paste,
    "upload": _upload,
}

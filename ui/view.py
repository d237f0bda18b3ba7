"""The Transform page's state as one value, stored in the address, so that a link reopens it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

import streamlit as st

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture, CellName
from nat_core.architecture.library import library, name_of
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.policies import catalogue
from nat_core.naming import resolve
from nat_core.transformation import MAX_SAMPLES, Method
from ui import compute
from ui.history import History
from ui.public import limits
from ui.text import sentence

BENCHMARK_CELL = "|nor_conv_3x3~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|avg_pool_3x3~2|"
# Default cell of each space.
USUAL_CELLS: Mapping[str, str] = MappingProxyType(
    {"fully_concat": "DARTS", "loose_end": "ENAS", "nasbench201": "nasbench201:5982"}
)
# The page's first input: the first of these that a shipped policy transforms.
FIRST_CELLS = ("DARTS", BENCHMARK_CELL)
MIN_BUDGET_PERCENT = 5
# Session key set by a visitor's action and removed after the following run of the script.
_ACTED = "acted"
_NOTATION = "notation_read"
BEST = -1  # stands for the candidate shown by default


@dataclass(frozen=True)
class View:
    """Inputs of the page.

    Attributes:
        cell: library name, NAS-Bench-201 index, or genotype.
        policy: its name; empty for the first that fits.
        method, samples, seed: how candidates are drawn.
        budget: the output's maximum percentage of the input's MACs, if no candidate is named.
        candidate: number of the candidate shown as the output, independent of its evaluation; 0 is the
            input, `BEST` the candidate shown by default.
        space: name of the space whose operations may be introduced; empty for the first that fits.
        cell_name: the drawn cell; empty for both, the one with more changes first.
        part: the selected part, ``edge 3``, ``node 2`` or ``output``.
        part_cell: the selected part's cell; empty for the first drawn one.
        layout: input and output side by side or overlaid; empty to choose by the cells' sizes.
        hide_null, only_changes, flops: display options of edges and costs.
    """

    cell: str = BENCHMARK_CELL
    policy: str = ""
    method: Method = "probable"
    samples: int = 10
    seed: int = 0
    budget: int = 100
    candidate: int = BEST
    space: str = ""
    cell_name: CellName | Literal[""] = ""
    part: str = "edge 0"
    part_cell: CellName | Literal[""] = ""
    layout: Literal["", "side", "overlay"] = ""
    hide_null: bool = False
    only_changes: bool = False
    flops: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str], cell: str = BENCHMARK_CELL) -> tuple["View", list[tuple[str, str]]]:
        """Return the view of an address; unreadable parameters keep their defaults and are returned with a sentence.

        Args:
            query: the address's parameters.
            cell: the default cell.
        """
        values: dict[str, Any] = {"cell": cell}
        problems = []
        for name, check in _CHECKS.items():
            if name in query:
                try:
                    values[name] = check(query[name])
                except ValueError as error:
                    problems.append((name, sentence(f"the address's {name} could not be read: {error}")))
        return cls(**values), problems

    def to_query(self) -> dict[str, str]:
        """Return the address's parameters, without defaults except the cell."""
        return {
            field.name: _text(getattr(self, field.name))
            for field in fields(self)
            if field.name == "cell" or getattr(self, field.name) != field.default
        }


@dataclass(frozen=True)
class Unread:
    """A parameter of the address that could not be read.

    Attributes:
        name, text: the parameter's name and text.
        value: the value used instead.
        problem: the error as a sentence.
    """

    name: str
    text: str
    value: Any
    problem: str


def _whole(low: int, high: int):
    def check(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:20]) <= high):
            raise ValueError(f"{text[:20]!r} is not a whole number from {low} to {high}")
        return int(text)

    return check


def _one_of(*accepted: str):
    def check(text: str) -> str:
        if text not in accepted:
            raise ValueError(f"{text[:20]!r} is neither {' nor '.join(accepted)}")
        return text

    return check


def _part(text: str) -> str:
    if not re.fullmatch(r"(edge|node) [0-9]{1,3}|output", text):
        raise ValueError(f"{text[:20]!r} is neither an edge nor a node, such as edge 3 or node 2, nor output")
    return text


def _switch(text: str) -> bool:
    return _one_of("on", "off")(text) == "on"


def _text(value: object) -> str:
    """Return a field's text in the address."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


_CHECKS = {
    "cell": lambda text: canonical(text)[0],
    "policy": str,
    "method": _one_of("probable", "sampled"),
    "samples": _whole(1, MAX_SAMPLES),
    "seed": _whole(0, 2**31),
    "budget": _whole(MIN_BUDGET_PERCENT, 100),
    "candidate": _whole(0, MAX_SAMPLES),
    "space": _one_of(*SPACES),
    "cell_name": _one_of("normal", "reduction"),
    "part": _part,
    "part_cell": _one_of("normal", "reduction"),
    "layout": _one_of("side", "overlay"),
    "hide_null": _switch,
    "only_changes": _switch,
    "flops": _switch,
}


def canonical(text: str) -> tuple[str, Architecture]:
    """Return the shortest text for the same architecture, edge by edge, and the architecture.

    Raises:
        ValueError: like `resolve`.
    """
    architecture = resolve(text)
    by_name = {name.casefold(): name for name in library()}
    name = by_name.get(text.strip().casefold()) or name_of(architecture)
    is_named = bool(name) and library()[name].architecture == architecture
    return (name if is_named else notation.shortest(architecture)), architecture


def fitting_cell(space: Space) -> str:
    """Return the Transform page's input if it is of that space, else the space's default cell."""
    shown: View | None = st.session_state.get("view")
    fits = shown is not None and space.mismatch(resolve(shown.cell)) is None
    return shown.cell if shown is not None and fits else USUAL_CELLS[space.name]


def open_in_transform(label: str, cell: str, **fields: str) -> None:
    """Draw a link that opens the Transform page with an input; `fields` are other fields of `View`."""
    st.page_link(
        "pages/transform.py", label=label, icon=":material/transform:", query_params={"cell": cell, **fields}
    )  # fmt: skip


def first_cell() -> str:
    """Return the default cell of an address."""
    fitting = (cell for cell in FIRST_CELLS if catalogue.fitting(compute.PRETRAINED, resolve(cell)))
    return next(fitting, FIRST_CELLS[0])


def restore() -> None:
    """Fill the session's widgets from the address, or from the last run if the address has not changed since.

    An address without parameters, as left by another page, changes nothing either. Nor does one that arrives with a
    visitor's action: the browser may have sent it before it received the last answer.
    """
    query = {name: text for name, text in st.query_params.to_dict().items() if name in _CHECKS}
    acted = st.session_state.pop(_ACTED, False)
    if "view" in st.session_state and (acted or query in ({}, st.session_state["query"])):
        view = st.session_state["view"]
        for name, value in asdict(view).items():
            st.session_state.setdefault(name, value)
        return
    view, problems = View.from_query(query, first_cell())
    st.session_state.update(asdict(view))
    st.session_state["unread"] = [Unread(name, query[name], getattr(view, name), text) for name, text in problems]
    _record("Opened", view.cell)


def remember() -> None:
    """Write the page's state to the address and the session; unreadable parameters stay in the address."""
    view = View(**{field.name: st.session_state[field.name] for field in fields(View)})
    query = view.to_query() | {item.name: item.text for item in unread()}
    st.session_state.update(view=view, query=query)
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def unread() -> list[Unread]:
    """Return the address's unreadable parameters that have not been changed since."""
    found: list[Unread] = st.session_state.get("unread", [])
    return [item for item in found if st.session_state[item.name] == item.value]


def show_first() -> None:
    """Show the default candidate again; the callback of every control that changes the candidates."""
    show(BEST)


def choose_policy(name: str) -> None:
    """Transform the input with another policy."""
    st.session_state["policy"] = name
    show_first()


def show(number: int) -> None:
    """Show the candidate with this number as the output."""
    st.session_state["candidate"], st.session_state["budget"], st.session_state[_ACTED] = number, 100, True


def choose_cell(text: str, title: str | None = None) -> None:
    """Make `text` the input and a step of the history called `title`; unreadable text changes nothing.

    The page then shows why.
    """
    try:
        cell, _ = canonical(text)
    except ValueError as error:
        st.session_state["cell_error"] = str(error)
        return
    _record(title or (cell if cell in library() else "Another cell"), cell)
    st.session_state.pop(_NOTATION, None)
    _show_cell(cell)


def remember_notation(name: str) -> None:
    """Store the input's notation until another input is chosen."""
    st.session_state[_NOTATION] = name


def notation_read() -> str:
    """Return the input's notation, or "" if it was not given as text."""
    return st.session_state.get(_NOTATION, "")


def input_name() -> str:
    """Return the input's name as the beginning of a file name."""
    cell = st.session_state["cell"]
    return in_file_name(cell if cell in library() else input_title())


def in_file_name(text: str) -> str:
    """Return a name with only letters, digits and dashes."""
    return "-".join(re.findall(r"[A-Za-z0-9]+", text))[:40] or "cell"


def input_title() -> str:
    """Return the input's origin, such as "Pasted", or its library name."""
    return history().title if history().steps else ""


def history() -> History:
    """Return the inputs of this visit."""
    return st.session_state.get("history", History())


def go_to(position: int) -> None:
    """Return to the input of another step of the history."""
    st.session_state["history"] = history().at(position)
    _show_cell(history().cell)


def _record(title: str, cell: str) -> None:
    st.session_state["history"] = history().recorded(title, cell, limits().steps)


def _show_cell(cell: str) -> None:
    st.session_state["cell"] = cell
    for name in ("cell_error", "edit_error"):
        st.session_state.pop(name, None)
    show_first()

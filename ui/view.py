"""What the Transform page shows, as one value that lives in the address bar, so that a link reopens it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import streamlit as st

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library
from nat_core.naming import resolve
from nat_core.transform import MAX_SAMPLES, Method

DEFAULT_CELL = "|nor_conv_3x3~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|avg_pool_3x3~2|"
MIN_BUDGET_PERCENT = 5


@dataclass(frozen=True)
class View:
    """Inputs of the page.

    Attributes:
        cell: library name, NAS-Bench-201 index, or genotype.
        policy: its name; empty for the first that fits.
        method, samples, seed: how candidates are drawn.
        budget: percent of the input's MACs that a candidate may have.
        candidate: rank of the candidate shown as the output; 0 is the best.
    """

    cell: str = DEFAULT_CELL
    policy: str = ""
    method: Method = "probable"
    samples: int = 10
    seed: int = 0
    budget: int = 100
    candidate: int = 0

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple["View", list[str]]:
        """The view that an address asks for; what cannot be read keeps its default and is told in a sentence."""
        values, problems = {}, []
        for name, check in _CHECKS.items():
            if name in query:
                try:
                    values[name] = check(query[name])
                except ValueError as error:
                    problems.append(f"The address's {name} was left out: {error}.")
        return cls(**values), problems

    def to_query(self) -> dict[str, str]:
        """The address's parameters; defaults, except the cell, are left out."""
        return {
            field.name: str(getattr(self, field.name))
            for field in fields(self)
            if field.name == "cell" or getattr(self, field.name) != field.default
        }


def _whole(low: int, high: int):
    def check(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:20]) <= high):
            raise ValueError(f"{text[:20]!r} is not a whole number from {low} to {high}")
        return int(text)

    return check


def _method(text: str) -> str:
    if text not in ("probable", "sampled"):
        raise ValueError(f"{text[:20]!r} is neither probable nor sampled")
    return text


_CHECKS = {
    "cell": lambda text: canonical(text)[0],
    "policy": lambda text: text[:80],
    "method": _method,
    "samples": _whole(1, MAX_SAMPLES),
    "seed": _whole(0, 2**31),
    "budget": _whole(MIN_BUDGET_PERCENT, 100),
    "candidate": _whole(0, MAX_SAMPLES),
}


def canonical(text: str) -> tuple[str, Architecture]:
    """The shortest text that names the same architecture, and the architecture. Raises ValueError like `resolve`."""
    architecture = resolve(text)
    by_name = {name.casefold(): name for name in library()}
    name = by_name.get(text.strip().casefold())
    return (name or notation.shortest(architecture)), architecture


def restore() -> None:
    """Fills the session's widgets from the address, or from the last run if the address has not changed since."""
    query = st.query_params.to_dict()
    if query == st.session_state.get("query") and "view" in st.session_state:
        view = st.session_state["view"]
        for name, value in asdict(view).items():
            st.session_state.setdefault(name, value)
        return
    view, problems = View.from_query(query)
    st.session_state.update(asdict(view))
    st.session_state["problems"] = problems


def remember() -> None:
    """Writes what the page shows into the address and the session."""
    view = View(**{field.name: st.session_state[field.name] for field in fields(View)})
    query = view.to_query()
    st.session_state.update(view=view, query=query)
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def show_best() -> None:
    """Callback of every input that draws new candidates: back to the best of them."""
    st.session_state["candidate"] = 0


def choose_cell(text: str) -> None:
    """Makes `text` the input; if it cannot be read, the page keeps its state and says why."""
    try:
        st.session_state["cell"], _ = canonical(text)
    except ValueError as error:
        st.session_state["cell_error"] = str(error)
        return
    st.session_state.pop("cell_error", None)
    show_best()

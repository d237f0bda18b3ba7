"""The history of inputs: the output becomes the next input, and earlier ones can be gone back to."""

from functools import lru_cache

import streamlit as st

from nat_core.architecture.notation import shortest
from nat_core.naming import resolve
from nat_core.transformation import Candidate
from ui import compute
from ui.choice import choice
from ui.history import Step
from ui.unit import unit
from ui.view import choose_cell, go_to, history

_architecture = lru_cache(maxsize=512)(resolve)  # every interaction reads the whole history


def use_output(shown: Candidate) -> None:
    """Draw the button that makes the output the next input."""
    st.button(
        "Use output as input",
        icon=":material/step_over:",
        disabled=shown.number == 0,
        help="Transforms the output again; the history keeps every step.",
        on_click=lambda: choose_cell(
            shortest(shown.architecture), f"Output of step {history().position + 1}, candidate {shown.number}"
        ),
    )


def table() -> None:
    """Draw a table of this visit's inputs with their costs, and a select box that returns to one."""
    visited = history()
    choice(
        "Input shown",
        range(len(visited.steps)),
        visited.position,
        "step",
        lambda i: f"{i + 1}: {visited.steps[i].title}",
        go_to,
        520,
    )
    st.dataframe(
        [_row(i, step, i == visited.position) for i, step in enumerate(visited.steps)],
        hide_index=True,
        height="content" if len(visited.steps) <= 20 else 600,
        column_config={
            unit().name: st.column_config.NumberColumn(format="%.2f M"),
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "Input": st.column_config.TextColumn(width="large"),
        },
    )


def _row(number: int, step: Step, is_shown: bool) -> dict:
    architecture = _architecture(step.cell)
    network = compute.default_network(architecture)
    cost = None if network is None else compute.costs(architecture, network)[0]
    return {
        "Step": number + 1,
        "": "shown" if is_shown else "",
        "What": step.title,
        unit().name: cost and unit().in_millions(cost.macs),
        "Parameters": cost and cost.parameters,
        "Network": network and network.description,
        "Input": step.cell,
    }

"""Launching a run from a form: a double click launches one run, and errors appear below the button."""

import time
from collections.abc import Callable

import streamlit as st

from ui import notices

_DOUBLE_CLICK_SECONDS = 1.5


def launched_by(form: str, start: Callable[[], str]) -> str | None:
    """Start a run, unless the form has just launched one.

    Args:
        form: the form's name, which begins its session keys.
        start: starts the run and returns its id; `problem_of` shows a ValueError or OSError.

    Returns:
        The run's id, or None if none was started.
    """
    state = st.session_state
    if time.monotonic() - state.get(f"{form}_launched", 0.0) < _DOUBLE_CLICK_SECONDS:
        return None
    try:
        run_id = start()
    except (ValueError, OSError) as error:
        note_problem(form, str(error))
        return None
    state[f"{form}_launched"] = time.monotonic()
    return run_id


def note_problem(form: str, sentence: str) -> None:
    """Store an error for `problem_of` to return."""
    st.session_state[f"{form}_problem"] = sentence


def problem_of(form: str, title: str = "") -> None:
    """Show the stored error once."""
    if problem := st.session_state.pop(f"{form}_problem", None):
        notices.problem(problem, title)

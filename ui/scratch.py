"""Training input and output from scratch, to measure what was predicted: a button, and the progress."""

import shlex
from collections.abc import Mapping, Sequence

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library
from nat_core.architecture.notation import shortest
from nat_core.demo import is_public
from nat_core.transformation import Candidate, Transformation
from ui import launching, notices
from ui.callback import callback
from ui.compute import Published
from ui.text import plain

_TITLES = {"smoke": "Smoke: seconds, to see that it works", "short": "Short: minutes on a CPU, all of CIFAR-10"}
_FORM, _LAUNCHED = "scratch", "scratch_runs"
_POLL_SECONDS = 2.0
Pair = tuple[Architecture, Architecture]


def button(outcome: Transformation, shown: Candidate, published: Sequence[Published]) -> None:
    """Launch a run that trains the input, the shown output and NAT++'s published output, all with one budget."""
    if is_public():
        return
    also = [item for item in published if item.method == "NAT++"][:1]
    known = shown.number == outcome.input.number
    with st.popover("Train both from scratch", icon=":material/model_training:", disabled=known):
        st.radio("Budget", list(_TITLES), format_func=_TITLES.get, key="scratch_preset", persist_state="session")
        names = ", ".join(["the input", "what is shown", *(plain(item.name) for item in also)])
        st.caption(f"Trains {names}; their accuracies appear here.")
        start = callback("scratch_start", lambda: _launch(outcome, shown, also))
        st.button("Start", type="primary", key="scratch_start", on_click=start)
    launching.problem_of(_FORM, "The training was not started")


def progress(outcome: Transformation, shown: Candidate) -> None:
    """Show the progress of training the shown architectures until their accuracies are known."""
    run_id = st.session_state.get(_LAUNCHED, {}).get(_pair(outcome, shown))
    if run_id is None:
        return

    @st.fragment(run_every=_POLL_SECONDS)
    def panel() -> None:
        from nat_core.runs.tracking import open_tracking

        try:
            run = open_tracking().get(run_id)
        except (ValueError, OSError) as error:
            notices.problem(error)
            return
        if not run.active:
            del st.session_state[_LAUNCHED][_pair(outcome, shown)]
            if run.state != "finished":
                launching.note_problem(_FORM, f"the run {run.name} is {run.state}; see Train")
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            share = min(run.step / run.steps, 1.0) if run.steps else 0.0
            st.progress(share, text=f"Training from scratch: {run.state}", width=260)
            st.page_link("pages/train.py", label="Train", icon=":material/open_in_new:")

    panel()


def _pair(outcome: Transformation, shown: Candidate) -> Pair:
    return outcome.input.architecture, shown.architecture


def _launch(outcome: Transformation, shown: Candidate, also: Sequence[Published]) -> None:
    """Start the run, and store which architectures it trains."""
    state = st.session_state
    own = {outcome.input.architecture: state["cell"]} if state["cell"] in library() else {}
    names = {shown.architecture: "", **{item.candidate.architecture: item.name for item in also}}
    named = {outcome.input.architecture: "", **names, **own}
    if run_id := launching.launched_by(_FORM, lambda: launched(named, state["scratch_preset"])):
        state.setdefault(_LAUNCHED, {})[_pair(outcome, shown)] = run_id


def launched(named: Mapping[Architecture, str], preset: str) -> str:
    """Return the id of a new run that trains these architectures; this loads MLflow. Raises ValueError or OSError.

    Args:
        named: architectures with their library names, or "".
        preset: name of the budget.
    """
    from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
    from nat_core.learning.scratch.presets import preset_budget
    from nat_core.learning.support.device import default_device
    from nat_core.runs.kinds import request_for
    from nat_core.runs.launcher import launch
    from nat_core.runs.tracking import open_tracking

    items = tuple(NamedArchitecture.of(item, name) for item, name in named.items())
    config = EvaluationConfig(items, preset_budget(preset, next(iter(named))), (0,), preset)
    texts = [name or shortest(item) for item, name in named.items()]
    command = shlex.join(["python", "-m", "nat_core", "evaluate", *texts, "--preset", preset])
    request = request_for(
        "evaluate", config, command=command, preset=preset, threads=1, name="", device=str(default_device())
    )
    return launch(open_tracking(), request)

"""The evaluation in progress: its state, a button that stops it, and updates of the page when accuracies arrive."""

import time

import streamlit as st

from nat_core.evaluation_queue import Progress
from ui import compute, notices
from ui.compute import Answer

_POLL_SECONDS = 1.0
_REDRAW_SECONDS = 3.0  # seconds between redraws if the best candidate is unchanged


def watch(answer: Answer) -> None:
    """Show the state of evaluating `answer`, and rerun the page when more accuracies are known."""
    if answer.key is None or answer.progress.state == "finished":
        return
    state, best, drawn_at = answer.progress.state, answer.progress.outcome.output.number, time.monotonic()

    @st.fragment(run_every=_POLL_SECONDS if state == "running" else None)
    def panel() -> None:
        now = answer.again().progress
        is_old = (
            now.outcome.evaluated != answer.progress.outcome.evaluated and time.monotonic() - drawn_at > _REDRAW_SECONDS
        )
        if is_old or (now.outcome.output.number, now.state) != (best, state):
            st.rerun()
        _state(answer, now)

    panel()


def _state(answer: Answer, now: Progress) -> None:
    (done, total), queue = now.outcome.evaluated, compute.evaluation_queue()
    counted = f"{done} of {total} evaluations" if total else "waiting for the first evaluation"
    with st.container(horizontal=True, vertical_alignment="center"):
        if now.state == "failed":
            notices.problem(now.problem, "Accuracies could not be measured")
        elif now.state == "stopped":
            st.markdown(f"Measuring stopped after {counted}.")
            st.button("Go on", icon=":material/play_arrow:", on_click=queue.go_on, args=(answer.key,))
        else:
            st.progress(done / total if total else 0.0, text=f"Measuring accuracies: {counted}", width=420)
            st.button("Stop", icon=":material/stop:", on_click=queue.stop, args=(answer.key,))

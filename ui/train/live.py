"""The part of the page that follows active runs: a fragment that reruns only while there are any."""

from collections.abc import Callable, Sequence

import streamlit as st

from nat_core.runs.processes import this_host
from nat_core.runs.run import ACTIVE, Run, State
from ui import notices
from ui.text import plain
from ui.train import curves, detail, files, table, timeline
from ui.train.board import Board

POLL = "4s"
_VIEWS: dict[str, Callable[[Board, Sequence[Run]], None]] = {
    "Curves": curves.show,
    "Timeline": lambda board, runs: timeline.show(board.tracking, runs[0]),
    "Log": lambda board, runs: detail.log(board.tracking, runs[0]),
    "Settings": lambda board, runs: detail.settings(runs),
    "Files": lambda board, runs: files.show(board.tracking, runs[0]),
}


def follow(board: Board, runs: Sequence[Run], chosen: Sequence[Run]) -> None:
    """Draw the table and the selected runs, repeatedly while a run is active."""
    drawn = {run.id: run.state for run in board.runs()}
    order, ids = [run.id for run in runs], [run.id for run in chosen]

    def draw() -> None:
        if st.session_state.pop("train_picked", False):
            st.rerun()
        try:
            now = {run.id: run for run in board.runs()}
        except OSError as error:
            notices.problem(error)
            return
        if {key: run.state for key, run in now.items()} != drawn:
            st.rerun()  # a full rerun updates buttons and filters outside the fragment
        table.show([now[item] for item in order if item in now], ids)
        _chosen(board, list(now.values()), [now[item] for item in ids if item in now])

    polling = any(state in ACTIVE for state in drawn.values())
    st.fragment(draw, run_every=POLL if polling else None)()


def _chosen(board: Board, runs: Sequence[Run], chosen: Sequence[Run]) -> None:
    if not chosen:
        st.caption("Choose a run to see its curves, log and files.")
        return
    for run in chosen:
        detail.status(board.tracking, run, ahead_of(run, runs))
    view = st.segmented_control(
        "View", list(_VIEWS), default="Curves", required=True, key="train_view", label_visibility="collapsed",
        persist_state="session",
    )  # fmt: skip
    if len(chosen) > 1 and view in ("Timeline", "Log", "Files"):
        st.caption(f"Of {plain(chosen[0].name)}, the first of the chosen runs.")
    try:
        _VIEWS[view](board, chosen)
    except OSError as error:
        notices.problem(error)


def _queue(run: Run) -> tuple[str, str, str]:
    """Return the queue's key: device, folder of runs and machine; on a cluster, Ray has the queue."""
    host = run.process.host if run.process is not None else this_host()
    return run.request.device, run.folder, run.id if run.request.cluster else host


def ahead_of(run: Run, runs: Sequence[Run]) -> list[Run]:
    """Return the runs that a queued run waits for: those that hold its device, then those queued before it."""
    same = [item for item in runs if _queue(item) == _queue(run) and item.id != run.id]
    working = [item for item in same if item.state in (State.RUNNING, State.STOPPING)]
    return working + [item for item in same if item.state is State.QUEUED and item.created < run.created]

"""The table of runs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from nat_core.runs.kinds import trains_a_policy
from nat_core.runs.run import Run, State

SYMBOLS = {
    State.QUEUED: "◌", State.RUNNING: "●", State.STOPPING: "◐", State.STOPPED: "■", State.FINISHED: "✓",
    State.FAILED: "✕", State.LOST: "?",
}  # fmt: skip
_ROW_PIXELS = 35
_MOST_ROWS = 10


def matching(runs: Sequence[Run], text: str, states: Sequence[str], spaces: Sequence[str]) -> list[Run]:
    """Return the runs in these states and spaces whose name, id, preset, kind or command contain all words of `text`.

    An empty `states` or `spaces` accepts every run.
    """
    words = text.casefold().split()
    return [
        run
        for run in runs
        if (not states or run.state in states)
        and (not spaces or run.request.space in spaces)
        and all(word in _searched(run) for word in words)
    ]


def _searched(run: Run) -> str:
    request = run.request
    return " ".join((run.name, run.id, request.kind, request.preset, request.space, request.command)).casefold()


def run_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row per run: percentages 0–100, gains in points, durations in whole seconds."""
    frame = pd.DataFrame([_row(run) for run in runs], columns=_COLUMNS)
    for name in ("Left", "Elapsed"):  # durations sort by length, texts would not
        frame[name] = pd.to_timedelta(frame[name].astype(float).round(), unit="s")
    return frame


_COLUMNS = (
    "Run", "Status", "Space", "Preset", "Progress", "Left", "Best gain", "Last gain", "MACs ratio", "Elapsed", "Device",
)  # fmt: skip


def _row(run: Run) -> tuple[object, ...]:
    state, request = run.state, run.request
    trains = trains_a_policy(run)
    return (
        run.name,
        f"{SYMBOLS[state]} {state}",
        request.space,
        request.preset,
        100 * run.step / run.steps if run.steps else 0.0,
        run.eta_seconds if state is State.RUNNING else None,
        run.best if trains else None,
        run.last if trains else None,
        (run.metrics or {}).get("macs_ratio"),
        run.elapsed_seconds,
        " · ".join(
            filter(None, ("Ray" if request.cluster else "", run.process.host if run.is_far else "", request.device))
        ),
    )


def show(runs: Sequence[Run], shown: Sequence[str]) -> None:
    """Draw the table; a click on rows selects the runs shown below."""
    rows = [number for number, run in enumerate(runs) if run.id in shown]
    key = _key(runs, rows)

    def pick() -> None:
        chosen = st.session_state[key].selection.rows
        st.session_state["train_shown"] = [runs[row].id for row in chosen if row < len(runs)]
        st.session_state["train_picked"] = True

    st.dataframe(
        run_frame(runs),
        key=key,
        on_select=pick,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        hide_index=True,
        height="content" if len(runs) <= _MOST_ROWS else _ROW_PIXELS * (_MOST_ROWS + 1),
        placeholder="",
        alt="Runs: state, progress, gains",
        column_config={
            "Run": st.column_config.TextColumn(width=180),
            "Status": st.column_config.TextColumn(width=85),
            "Space": st.column_config.TextColumn(width=90),
            "Preset": st.column_config.TextColumn(width=60),
            "Progress": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100, width=90),
            "Left": _clock("Estimated from its pace; hours, minutes, seconds."),
            "Best gain": st.column_config.NumberColumn(
                format="%+.2f", width=75, help="Best mean gain on held-out architectures so far, points."
            ),
            "Last gain": st.column_config.NumberColumn(format="%+.2f", width=75, help="The same when last measured."),
            "MACs ratio": st.column_config.NumberColumn(
                format="%.3f", width=75, help="MACs of outputs ÷ MACs of inputs, mean over held-out architectures."
            ),
            "Elapsed": _clock("Time worked, all parts of it; hours, minutes, seconds."),
            "Device": st.column_config.TextColumn(
                width=120 if any(run.is_far or run.request.cluster for run in runs) else 60,
                help="With the machine's name where that is another one, and Ray where a cluster does it.",
            ),
        },
    )


def _key(runs: Sequence[Run], rows: Sequence[int]) -> str:
    """Return the table's key; it changes if the selected rows differ from the shown runs, because a widget keeps its
    own selection.
    """
    state = st.session_state
    whole = hash(tuple(run.id for run in runs))
    drawn = state.get(f"train_table_{whole}_{state.get('train_ticks', 0)}")
    if drawn is not None and sorted(drawn.selection.rows) != list(rows):
        state["train_ticks"] = state.get("train_ticks", 0) + 1
    return f"train_table_{whole}_{state.get('train_ticks', 0)}"


def _clock(text: str) -> Any:
    return st.column_config.NumberColumn(format="compact", width=75, help=text)

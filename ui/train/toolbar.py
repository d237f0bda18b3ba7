"""The toolbar above the table: search, filters, the selection of runs, and the actions on the first selected run."""

from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from nat_core.runs import launcher
from nat_core.runs.launcher import why_not_resumed, why_not_stopped
from nat_core.runs.run import RESUMABLE, Run, State
from ui import notices
from ui.text import plain, sentence
from ui.train import form
from ui.train.board import Board
from ui.train.table import matching


def filtered(runs: Sequence[Run]) -> list[Run]:
    """Draw search and filters; return the matching runs."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search", key="train_search", placeholder="name, preset, command …", live=True, type="search", width=260,
            persist_state="session",
        )  # fmt: skip
        states = st.multiselect(
            "Status", list(State), key="train_states", placeholder="all", width=260, persist_state="session"
        )
        spaces = st.multiselect(
            "Spaces", sorted({run.request.space for run in runs if run.request.space}), key="train_spaces",
            placeholder="all", width=260, persist_state="session",
        )  # fmt: skip
    return matching(runs, text, states, spaces)


def shown(board: Board, runs: Sequence[Run]) -> list[Run]:
    """Draw the selection of runs and the actions on the first one; return the selected runs."""
    by_id = {run.id: run for run in runs}
    _from_address(by_id)
    state = st.session_state
    names = _names(runs)
    first = [run.id for run in runs[:1]]
    state["train_shown"] = [item for item in state.get("train_shown", first) if item in by_id]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            "Shown below", list(by_id), key="train_shown", placeholder="Choose runs, or click rows",
            format_func=names.__getitem__, width=380, help="The buttons act on the first one.",
        )  # fmt: skip
        chosen = [by_id[item] for item in state["train_shown"]]
        if chosen:
            _actions(board, chosen[0])
    if len(chosen) > 1:
        st.caption(f"The buttons are for {plain(names[chosen[0].id])}, the first of the chosen runs.")
    if chosen:
        _confirmation(board, chosen[0])
    if problem := state.pop("train_action_problem", None):
        notices.problem(problem)
    _to_address(chosen)
    return chosen


def _actions(board: Board, run: Run) -> None:
    state = run.state
    at_work = run.active
    far, left_behind = why_not_stopped(run), why_not_resumed(board.tracking, run)
    _button("Stop", "stop", not at_work or state is State.STOPPING or bool(far),
            plain(sentence(far or "it saves first, and can be resumed")),
            _do, board, lambda: launcher.stop(board.tracking, run.id, wait=False))  # fmt: skip
    _button("Resume", "resume", state not in RESUMABLE or bool(left_behind),
            plain(sentence(left_behind or "from its last checkpoint, exactly")),
            _do, board, lambda: launcher.resume(board.tracking, run.id))  # fmt: skip
    _button("Clone", "content_copy", False, "Its settings into the form above.", _do, board, lambda: form.fill(run))
    with st.popover("Rename", disabled=at_work, help="When it has ended." if at_work else None):
        key = f"train_rename_{run.id}"
        st.text_input("Name", value=run.name, key=key)
        st.button("Save", key="train-rename", on_click=_do,
                  args=(board, lambda: board.tracking.rename(run.id, st.session_state[key])))  # fmt: skip
    _button("Delete", "delete", at_work, "Stop it first." if at_work else "Asks first.",
            lambda: st.session_state.update(train_delete=run.id))  # fmt: skip


def _confirmation(board: Board, run: Run) -> None:
    """Draw the confirmation of a deletion."""
    if st.session_state.get("train_delete") != run.id:
        return
    far = board.tracking.is_elsewhere(run)
    stays = f"What is in {plain(run.place)} stays." if far else "A policy in a folder of your own stays."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"Delete **{plain(run.name)}** with its curves, log, checkpoints and policy? {stays}",
            icon=":material/delete:",
        )  # fmt: skip

        def delete() -> None:
            st.session_state["train_delete"] = None
            _do(board, lambda: launcher.delete(board.tracking, run.id))

        st.button("Delete it", key="train-delete-now", type="primary", on_click=delete)
        st.button("Keep it", key="train-keep", on_click=lambda: st.session_state.update(train_delete=None))


def _button(
    label: str, icon: str, disabled: bool, text: str, action: Callable[..., object], *arguments: object
) -> None:
    st.button(
        label, icon=f":material/{icon}:", disabled=disabled, help=text, on_click=action, args=arguments,
        key=f"train-{label.lower()}",
    )  # fmt: skip


def _do(board: Board, action: Callable[[], object]) -> None:
    """Do the action, or show its error."""
    try:
        action()
    except (ValueError, OSError) as error:
        st.session_state["train_action_problem"] = str(error)
    board.changed()


def _names(runs: Sequence[Run]) -> dict[str, str]:
    """Return distinct names: with the id if a run of another machine has the same name."""
    often = Counter(run.name for run in runs)
    return {run.id: f"{run.name} ({run.short_id})" if often[run.name] > 1 else run.name for run in runs}


def _from_address(by_id: dict[str, Run]) -> None:
    """Select the runs named in a newly followed link, and show which do not exist."""
    asked = st.query_params.get("runs", "")
    if asked and asked != st.session_state.get("train_address"):
        parts = asked.split(",")[:8]
        st.session_state["train_shown"] = [item for part in parts for item in by_id if part and item.startswith(part)]
        st.session_state["train_address"] = asked
        if missing := [part[:32] for part in parts if not any(item.startswith(part) for item in by_id)]:
            notices.problem(f"there is no run {', '.join(missing)}; it may have been deleted, or is in another record")


def _to_address(chosen: Sequence[Run]) -> None:
    text = ",".join(run.short_id for run in chosen)
    st.session_state["train_address"] = text
    if st.query_params.get("runs", "") != text:
        if text:
            st.query_params["runs"] = text
        else:
            del st.query_params["runs"]

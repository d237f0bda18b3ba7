"""Training architectures from scratch: a preset, what of it is otherwise, what it will take, and the command."""

import shlex
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from nat_core.learning.images.images import WAYS
from nat_core.learning.images.sources import is_on_hub
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import PRESETS, preset_budget
from nat_core.learning.scratch.queue import images_of
from nat_core.learning.support.device import default_device
from nat_core.naming import resolve
from nat_core.options import OPTIONS
from nat_core.runs import launching
from nat_core.runs.estimate import check_memory, estimate
from nat_core.runs.evaluation import arguments
from nat_core.runs.kinds import request_for
from nat_core.runs.request import Request, unused_name
from ui import notices
from ui.train.board import Board
from ui.train.form import speed
from ui.train.words import duration, gigabytes, runnable

_DOUBLE_CLICK_SECONDS = 1.5
_LIVE = "300ms"
_TITLES = {"smoke": "Smoke", "short": "Short", "paper": "Paper", "imagenet": "ImageNet"}
# Fields of the budget that the form asks for; empty leaves them as the preset has them.
_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "epochs": "Epochs", "channels": "Channels", "layers": "Layers", "resolution": "Resolution, pixels",
        "batch": "Images per step", "pieces": "Pieces of a batch", "first_classes": "First classes",
        "most_broken": "Broken images, at most",
    }
)  # fmt: skip


def new_evaluation(board: Board) -> None:
    """Draws the form; Launch starts a process."""
    inputs, summary = st.columns([3, 2], gap="large")
    with inputs:
        _inputs()
    with summary:
        try:
            config, request = _order(board)
            needed = estimate(config, speed(board, request.device))
        except ValueError as error:
            notices.problem(error)
            _launch_button(board, None)
            return
        left, middle, right = st.columns(3)
        left.metric("Time, about", duration(needed.seconds), help="From a calibration of this machine.")
        middle.metric("Memory, up to", gigabytes(needed.memory_bytes))
        right.metric("Images", "streamed" if _is_streamed(config) else "held")
        st.caption(config.budget.network(1000 if config.budget.family == "imagenet" else 10).description)
        st.code(runnable(request.command), language="bash", wrap_lines=True)
        _launch_button(board, (config, request))


def _is_streamed(config: EvaluationConfig) -> bool:
    from nat_core.learning.images.cache import counts_of

    return config.budget.streams(sum(counts_of(config.budget.data)))


def _inputs() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Architecture", "DARTS", key="scratch_architecture", live=_LIVE, persist_state="session", width=250
        )
        st.segmented_control(
            "Budget", list(_TITLES), default="smoke", key="scratch_budget", format_func=_TITLES.get, required=True,
            persist_state="session",
        )  # fmt: skip
    st.caption(PRESETS[st.session_state["scratch_budget"]].title.capitalize() + ".")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Images", key="scratch_data", placeholder="as the budget has them", live=_LIVE, width=250,
                      persist_state="session", help=OPTIONS["data"].help)  # fmt: skip
        for name in ("epochs", "channels", "layers", "resolution"):
            _number(name)
        st.checkbox("Auxiliary head", True, key="scratch_auxiliary", persist_state="session",
                    help="A second classifier while training, where the budget has one.")  # fmt: skip
    with st.expander("More"), st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Images are", WAYS, key="scratch_images", persist_state="session", width=150)
        for name in ("batch", "pieces", "first_classes", "most_broken"):
            _number(name)
        st.text_input("Seed", "0", key="scratch_seed", live=_LIVE, persist_state="session", width=100)
        st.text_input("Run's name", key="scratch_name", live=_LIVE, persist_state="session", width=200)


def _number(name: str) -> None:
    st.text_input(
        _FIELDS[name], key=f"scratch_{name}", placeholder="preset's", live=_LIVE, persist_state="session", width=135
    )


def _order(board: Board) -> tuple[EvaluationConfig, Request]:
    """What the form asks for. Raises ValueError with one sentence for what cannot work."""
    state = st.session_state
    preset, text = state["scratch_budget"], state["scratch_architecture"].strip()
    architecture = resolve(text)
    named = NamedArchitecture.of(architecture, "" if any(mark in text for mark in "(|{[\n") else text)
    budget = preset_budget(preset, architecture, **_changes(preset))
    config = EvaluationConfig((named,), budget, (_whole("seed", "Seed") or 0,), preset)
    name, device = state["scratch_name"].strip(), str(default_device())
    if name:
        unused_name(name, (run.name for run in board.runs()))
    check_memory(config, device)
    command = ["python", "-m", "nat_core", *arguments(config, preset), *(["--name", name] if name else [])]
    settings: dict[str, Any] = {"preset": preset, "device": device, "threads": 1, "name": name}
    return config, request_for("evaluate", config, command=shlex.join(command), **settings)


def _changes(preset: str) -> dict[str, Any]:
    """What is otherwise than in the preset."""
    state = st.session_state
    numbers = {name: _whole(name, title) for name, title in _FIELDS.items()}
    changes: dict[str, Any] = {name: value for name, value in numbers.items() if value is not None}
    if data := state["scratch_data"].strip():
        changes["data"] = data
    if state["scratch_images"] != "auto":
        changes["images"] = state["scratch_images"]
    if not state["scratch_auxiliary"]:
        changes["auxiliary"] = False
    return changes


def _whole(name: str, title: str) -> int | None:
    text = st.session_state[f"scratch_{name}"].strip()
    try:
        return OPTIONS["steps"].parse(text) if text else None
    except ValueError as error:
        raise ValueError(f"{title}: {error}") from None


def _launch_button(board: Board, order: tuple[EvaluationConfig, Request] | None) -> None:
    st.button(
        "Train from scratch", type="primary", icon=":material/play_arrow:", key="scratch-launch",
        disabled=order is None, on_click=_launch, args=(board, order),
    )  # fmt: skip
    if problem := st.session_state.pop("scratch_problem", None):
        notices.problem(problem)


def _launch(board: Board, order: tuple[EvaluationConfig, Request]) -> None:
    """Starts the run; a double click is one."""
    state, (config, request) = st.session_state, order
    if time.monotonic() - state.get("scratch_launched", 0) < _DOUBLE_CLICK_SECONDS:
        return
    try:
        if not is_on_hub(config.budget.data) and _is_streamed(config):
            images_of(config.budget)  # opened, not decoded
        run_id = launching.launch(board.tracking, request)
    except (ValueError, OSError) as error:
        state["scratch_problem"] = str(error)
        return
    state["scratch_launched"] = time.monotonic()
    state["train_shown"] = [run_id]
    state["scratch_name"] = ""
    state["scratch_open"] = False
    board.changed()

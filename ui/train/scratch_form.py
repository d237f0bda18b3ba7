"""The form for trainings from scratch: a preset, changed options, an estimate and the equivalent command."""

import shlex
from typing import Any

import streamlit as st

from nat_core import naming
from nat_core.learning.images.cache import counts_of
from nat_core.learning.images.sources import is_on_hub
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import PRESETS, evaluation
from nat_core.learning.scratch.queue import images_of
from nat_core.learning.support.device import default_device
from nat_core.options import Option, options_of
from nat_core.runs import launcher
from nat_core.runs.estimate import check_memory, estimate
from nat_core.runs.kinds import request_for
from nat_core.runs.kinds.evaluation import arguments
from nat_core.runs.request import Request, unused_name
from ui import launching, notices
from ui.train.board import Board, show_launched
from ui.train.fields import text_of
from ui.train.form import speed
from ui.train.words import duration, gigabytes, runnable

_LIVE = "300ms"
_TITLES = {"smoke": "Smoke", "short": "Short", "paper": "Paper", "imagenet": "ImageNet"}
_FIELDS = tuple(option for option in options_of(EvaluationConfig).values() if option.label)
_EITHER = {"true": "Yes", "false": "No"}


def new_evaluation(board: Board) -> None:
    """Draw the form; Launch starts a process."""
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
    return config.budget.streams(sum(counts_of(config.budget.data)))


def _inputs() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Architecture", "DARTS", key="evaluate_architecture", live=_LIVE, persist_state="session", width=250
        )
        st.segmented_control(
            "Budget", list(_TITLES), default="smoke", key="evaluate_budget", format_func=_TITLES.get, required=True,
            persist_state="session",
        )  # fmt: skip
    title = PRESETS[st.session_state["evaluate_budget"]].title
    st.caption(f"{title[0].upper()}{title[1:]}.")
    usual = _usual()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for field in _FIELDS:
            if field.asked.main:
                _draw(field, usual)
    with st.expander("More"), st.container(horizontal=True, vertical_alignment="bottom"):
        for field in _FIELDS:
            if not field.asked.main:
                _draw(field, usual)
        st.text_input("Run's name", key="evaluate_name", live=_LIVE, persist_state="session", width=200)


def _usual() -> EvaluationConfig | None:
    """Return the preset's configuration; None if the preset has no network for the architecture."""
    try:
        return evaluation((_architecture(),), {"preset": st.session_state["evaluate_budget"]})
    except ValueError:
        return None


def _draw(field: Option, usual: EvaluationConfig | None) -> None:
    """Draw an empty field with the preset's value as its placeholder."""
    value = None if usual is None else field.value_in(usual)
    shown = " ".join(map(str, value)) if field.repeatable and value else text_of(value)
    choices = _choices(field)
    if not choices:
        st.text_input(
            field.label, key=_key(field), help=field.asked.help, placeholder=shown, live=_LIVE,
            persist_state="session", width=250 if field.name == "data" else 135,
        )  # fmt: skip
    else:
        st.selectbox(
            field.label, list(choices), index=None, key=_key(field), help=field.asked.help, format_func=choices.get,
            placeholder=choices.get(shown.lower(), shown), persist_state="session", width=200,
        )  # fmt: skip


def _choices(field: Option) -> Any:
    return _EITHER if field.kind is bool else field.choices


def _architecture() -> NamedArchitecture:
    """Return the entered architecture. Raises ValueError for unreadable text."""
    text = st.session_state["evaluate_architecture"].strip()
    known = naming.named(text)
    return NamedArchitecture.of(naming.resolve(text), known.name if known else "")


def _order(board: Board) -> tuple[EvaluationConfig, Request]:
    """Return the form's request. Raises ValueError with one sentence if it cannot work."""
    state = st.session_state
    preset = state["evaluate_budget"]
    given = {field.name: _value(field) for field in _FIELDS if (state[_key(field)] or "").strip()}
    config = evaluation((_architecture(),), {"preset": preset, **given})
    name, device = state["evaluate_name"].strip(), str(default_device())
    if name:
        unused_name(name, (run.name for run in board.runs()))
    check_memory(config, device)
    command = ["python", "-m", "nat_core", *arguments(config, preset), *(["--name", name] if name else [])]
    settings: dict[str, Any] = {"preset": preset, "device": device, "threads": 1, "name": name}
    return config, request_for("evaluate", config, command=shlex.join(command), **settings)


def _value(field: Option) -> Any:
    text = st.session_state[_key(field)]
    try:
        return [field.parse(item) for item in text.split()] if field.repeatable else field.parse(text)
    except ValueError as error:
        raise ValueError(f"{field.label}: {error}") from None


def _launch_button(board: Board, order: tuple[EvaluationConfig, Request] | None) -> None:
    st.button(
        "Train from scratch", type="primary", icon=":material/play_arrow:", key="evaluate-launch",
        disabled=order is None, on_click=_launch, args=(board, order),
    )  # fmt: skip
    launching.problem_of("evaluate")


def _launch(board: Board, order: tuple[EvaluationConfig, Request]) -> None:
    """Start the run, show it and close the form."""
    config, request = order

    def start() -> str:
        if not is_on_hub(config.budget.data) and _is_streamed(config):
            images_of(config.budget)  # opens the images without decoding them
        return launcher.launch(board.tracking, request)

    if run_id := launching.launched_by("evaluate", start):
        show_launched(board, run_id, "evaluate")


def _key(field: Option) -> str:
    return f"evaluate_{field.name}"

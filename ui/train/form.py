"""The form for a new run: presets and options, checked while typing, an estimate, and the equivalent command."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from nat_core.architecture.spaces import SPACES
from nat_core.learning.forms import OPTIONS, Form, form_for, with_options
from nat_core.learning.images.sources import is_on_hub
from nat_core.learning.nasbench201.columns import DEVICES
from nat_core.learning.support.device import available_devices, default_device, device_title
from nat_core.options import Option
from nat_core.runs import launcher
from nat_core.runs.estimate import Calibration, Estimate, calibration, check_memory, estimate
from nat_core.runs.kinds import request_for, work_of
from nat_core.runs.ray_launcher import on_cluster
from nat_core.runs.request import Request, unused_name
from nat_core.runs.run import Run
from ui import launching, notices
from ui.text import plain
from ui.train import own_trainings, where
from ui.train.board import Board, show_launched
from ui.train.fields import BUDGET_FIELDS, FIELDS, PRESETS, text_of
from ui.train.words import duration, gigabytes, runnable

_LIVE = "300ms"


@dataclass(frozen=True)
class Order:
    """The request of a form, and its estimate.

    Attributes:
        beyond: name of the cloned run from which settings without a command line option are copied; empty for none.
        cluster: address of the cluster that runs it; empty for this machine.
    """

    form: Form
    config: Any
    request: Request
    needed: Estimate
    beyond: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class Cloned:
    """The run whose settings the form starts from; settings without a field are kept, too."""

    name: str
    space: str
    preset: str
    config: Any


def new_run(board: Board) -> None:
    """Draw the form; its button Launch starts a process."""
    _defaults()
    inputs, summary = st.columns([3, 2], gap="large")
    with inputs:
        _inputs(board)
    with summary:
        try:
            order = _order(board)
        except ValueError as error:
            notices.problem(error)
            _launch_button(board, None)
            return
        _summary(order)
        _launch_button(board, order)


def fill(run: Run) -> None:
    """Fill the form with another run's settings. Raises ValueError for a run that is not a training."""
    if run.request.kind not in {_form(space, preset).kind for space, presets in PRESETS.items() for preset in presets}:
        raise ValueError(f"the run {run.name} is no training; only those can be cloned here")
    space, preset = run.request.space, _preset_of(run)
    form = _form(space, preset)
    state = st.session_state
    state["train_space"], state["train_preset"] = space, preset
    config = form.configured.from_dict(run.config)
    state["train_cloned"] = Cloned(run.name, space, preset, config)
    for field in FIELDS:
        if field.name in form.options:
            state[_key(field)] = text_of(form.options[field.name].value_in(config))
    own = form.options.get(own_trainings.OPTION)
    own_trainings.put(own.value_in(config) if own else ())
    state["train_threads"] = str(run.request.threads)
    state["train_name"] = ""
    state["train_open"] = True


def _preset_of(run: Run) -> str:
    presets = PRESETS[run.request.space]
    named = {"budgets": "cpu", "latency": "cpu", "authors": "paper"}.get(run.request.preset, run.request.preset)
    if run.request.space == "nasbench201" and named == "cpu" and not run.config.get("budgets", {}).get("cost"):
        named = "group"  # the name in earlier versions, without budgets
    return named if named in presets else next(iter(presets))


def _form(space: str, preset: str) -> Form:
    return form_for(space, PRESETS[space][preset].options)


def _defaults() -> None:
    """Fill the form of a first visit with the fastest complete training."""
    state = st.session_state
    state.setdefault("train_space", "nasbench201")
    if "train_preset" not in state:
        _of_space()
    state.setdefault("train_name", "")
    state.setdefault("train_threads", "1")


def _of_space() -> None:
    """Return the space's first preset."""
    state = st.session_state
    state["train_preset"] = next(iter(PRESETS[state["train_space"]]))
    _reset()


def _reset() -> None:
    """Set every option to the preset's value."""
    st.session_state.pop("train_cloned", None)
    space, preset = st.session_state["train_space"], st.session_state["train_preset"]
    form = _form(space, preset)
    config = form.config(space, PRESETS[space][preset].options)
    for field in FIELDS:
        if field.name in form.options:
            st.session_state[_key(field)] = text_of(form.options[field.name].value_in(config))


def _inputs(board: Board) -> None:
    presets = PRESETS[st.session_state["train_space"]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Space", list(SPACES), key="train_space", format_func=lambda name: SPACES[name].title, on_change=_of_space,
            persist_state="session", width=250,
        )  # fmt: skip
        st.segmented_control(
            "Preset", list(presets), key="train_preset", format_func=lambda name: presets[name].title, required=True,
            on_change=_reset, persist_state="session",
        )  # fmt: skip
        st.text_input(
            "Name", key="train_name", placeholder="made from space and preset", live=_LIVE, persist_state="session",
            width=230,
        )  # fmt: skip
    st.caption(presets[st.session_state["train_preset"]].help)
    form = _form(st.session_state["train_space"], st.session_state["train_preset"])
    where.choice(work_of(form.kind).is_shared)
    options = form.options
    first = {field.name for field in FIELDS if field.asked.main} | _budget_fields(options)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _draw([field for field in FIELDS if field.name in first and field.name in options])
    if own_trainings.OPTION in options:
        own_trainings.upload(board.tracking.folders.root / own_trainings.OPTION, st.session_state["train_space"])
    with st.expander("Advanced"), st.container(horizontal=True, vertical_alignment="bottom"):
        _draw([field for field in FIELDS if field.name not in first and field.name in options])
        _machine()


def _budget_fields(options: Mapping[str, Option]) -> set[str]:
    """Return the budget fields, if the preset's recipe has budgets."""
    space, preset = st.session_state["train_space"], st.session_state["train_preset"]
    if not options.keys() >= set(BUDGET_FIELDS):
        return set()
    start = _form(space, preset).config(space, PRESETS[space][preset].options)
    return set(BUDGET_FIELDS) if options["budget"].value_in(start) else set()


def _choices(field: Option) -> dict[str, str]:
    """Return the costs known for the space; latencies exist only for NAS-Bench-201."""
    known = dict(field.choices)
    if st.session_state["train_space"] != "nasbench201":
        known = {name: title for name, title in known.items() if name not in DEVICES}
    return known


def _draw(fields: list[Option]) -> None:
    for field in fields:
        if not field.choices:
            wide = field.name == "data"
            st.text_input(
                field.label, key=_key(field), help=field.asked.help, live=_LIVE, persist_state="session",
                width=250 if wide else 135,
            )  # fmt: skip
        else:
            st.selectbox(
                field.label, list(_choices(field)), key=_key(field), help=field.asked.help, persist_state="session",
                format_func=field.choices.get, width=250,
            )  # fmt: skip


def _machine() -> None:
    devices = available_devices()
    if len(devices) > 1:
        st.selectbox(
            "Device", devices, index=devices.index(str(default_device())), format_func=device_title,
            key="train_device", persist_state="session", width=250,
        )  # fmt: skip
    st.text_input(
        "Threads", key="train_threads", help="Of the processor.", live=_LIVE, persist_state="session", width=135
    )
    where.address_input()


def _order(board: Board) -> Order:
    """Return the form's request. Raises ValueError with one sentence if it cannot work."""
    state = st.session_state
    space = state["train_space"]
    preset = PRESETS[space][state["train_preset"]]
    form = form_for(space, preset.options)
    start = form.config(space, preset.options)
    options = dict(preset.options)
    for field in FIELDS:
        if field.name in form.options and (value := _value(field)) != form.options[field.name].value_in(start):
            options[field.name] = value
    if own_trainings.OPTION in form.options and (files := own_trainings.files()):
        options[own_trainings.OPTION] = files
    config = form.config(space, options)
    cloned = _cloned()
    if cloned is not None:
        values = {field.name: _value(field) for field in FIELDS if field.name in form.options}
        others = {name: value for name, value in values.items() if value != form.options[name].value_in(cloned.config)}
        config = with_options(cloned.config, others)
    beyond = cloned.name if cloned is not None and config != form.config(space, options) else ""
    name = state["train_name"].strip()
    if name:
        unused_name(name, (run.name for run in board.runs()))
    device, cluster = state.get("train_device") or str(default_device()), where.chosen()
    settings = {
        "preset": state["train_preset"], "device": device, "threads": _threads(cluster), "name": name,
        "workers": where.workers(work_of(form.kind).is_shared),
    }  # fmt: skip
    request = request_for(form.kind, config, command=_command(space, options, settings, cluster), **settings)
    if not cluster:
        check_memory(config, device)
    return Order(form, config, request, estimate(config, speed(board, device)), beyond, cluster)


def _cloned() -> Cloned | None:
    """Return the settings that the form was filled with, while space and preset are unchanged."""
    state = st.session_state
    cloned: Cloned | None = state.get("train_cloned")
    fits = cloned is not None and (cloned.space, cloned.preset) == (state["train_space"], state["train_preset"])
    return cloned if fits else None


def _threads(cluster: str) -> int:
    threads, cores = OPTIONS["steps"].parse(st.session_state["train_threads"]), os.cpu_count() or 1
    if not cluster and not 1 <= threads <= cores:
        raise ValueError(f"threads is {threads}; this machine has {cores} cores")
    return threads


def _value(field: Option) -> Any:
    text = st.session_state[_key(field)]
    try:
        return field.parse(text)
    except ValueError as error:
        raise ValueError(f"{field.label}: {error}") from None


def _command(space: str, options: dict[str, Any], settings: dict[str, Any], cluster: str) -> str:
    """Return the command line of this form, from which the request is made."""
    words = [] if cluster or len(available_devices()) == 1 else [f"NAT_DEVICE={settings['device']}"]
    words += ["python", "-m", "nat_core", "train", "--space", space]
    for name, value in options.items():
        for item in value if isinstance(value, list) else [value]:
            words += OPTIONS[name].words(item)
    if settings["threads"] != 1:
        words += ["--threads", str(settings["threads"])]
    words += ["--on", cluster] if cluster else []
    words += ["--workers", str(settings["workers"])] if settings["workers"] != 1 else []
    return shlex.join([*words, *(["--name", settings["name"]] if settings["name"] else [])])


def speed(board: Board, device: str) -> Calibration:
    """Return this machine's calibration."""
    return _calibrated(board.tracking.folders.root / "calibration.json", device)


@st.cache_resource(show_spinner="Measuring this machine, once…")
def _calibrated(file: Path, device: str) -> Calibration:
    return calibration(file, device)


def _summary(order: Order) -> None:
    columns = st.columns(3)
    columns[0].metric(
        "Time, about",
        duration(order.needed.seconds),
        help="From a calibration of this machine, with the device to itself.",
    )
    columns[1].metric("Memory, up to", gigabytes(order.needed.memory_bytes))
    columns[2].metric("Steps", f"{order.request.steps:,}")
    st.code(runnable(order.request.command), language="bash", wrap_lines=True)
    if order.beyond:
        st.caption(plain(f"Settings without a command line option are copied from {order.beyond}."))


def _launch_button(board: Board, order: Order | None) -> None:
    number = st.session_state.setdefault("train_launches", 0)
    st.button(
        "Launch", type="primary", icon=":material/play_arrow:", key=f"launch-{number}", disabled=order is None,
        on_click=_launch, args=(board, order, number),
    )  # fmt: skip
    launching.problem_of("train")


def _launch(board: Board, order: Order, number: int) -> None:
    """Start the run, show it and close the form, once per button."""
    state = st.session_state
    if state["train_launches"] != number:
        return

    def start() -> str:
        if not is_on_hub(getattr(order.config, "data", "")):
            order.form.working().check(order.config)
        request = order.request
        if order.cluster:
            request = on_cluster(request, order.cluster, board.tracking)
        return launcher.launch(board.tracking, request)

    if run_id := launching.launched_by("train", start):
        show_launched(board, run_id, "train")
    state["train_launches"] = number + 1


def _key(field: Option) -> str:
    return f"train_{field.name}"

"""Choosing policy, candidates and budget; then the transformation itself, which takes milliseconds."""

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.policies import catalogue
from nat_core.learning.support.device import available_devices, default_device, device_title
from nat_core.network.config import NETWORKS
from nat_core.transform import MAX_SAMPLES, Options
from ui import compute, notices
from ui.compute import Answer
from ui.text import plain
from ui.unit import unit
from ui.view import MIN_BUDGET_PERCENT, show_best

_METHODS = {"probable": "Most probable", "sampled": "Sampled"}


def transformation(architecture: Architecture) -> Answer | None:
    """Draws the settings and transforms; None, with a sentence on the page, where that cannot be."""
    fitting = catalogue.fitting(compute.POLICIES, architecture)
    if not fitting:
        st.info(plain(catalogue.why_none_fits(compute.POLICIES, architecture)), icon=":material/info:")
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        space = _space(architecture, {card.space for card in fitting.values()})
        _policy([name for name, card in fitting.items() if card.space == space.name])
        st.segmented_control(
            "Candidates", _METHODS, format_func=_METHODS.get, key="method", required=True, on_change=show_best
        )
        st.number_input("How many", 1, MAX_SAMPLES, key="samples", on_change=show_best, width=110)
        if st.session_state["method"] == "sampled":
            st.number_input("Seed", 0, 2**31, key="seed", on_change=show_best, width=130)
        max_macs = _budget(compute.costs(architecture, NETWORKS[space.network])[0].macs)
        device = _device()
    options = Options(
        samples=st.session_state["samples"],
        method=st.session_state["method"],
        seed=st.session_state["seed"] if st.session_state["method"] == "sampled" else 0,
        max_macs=max_macs,
    )
    try:
        return compute.transform(architecture, st.session_state["policy"], space, options, device)
    except ValueError as error:
        notices.problem(error, "No transformation")
        return None


def _space(architecture: Architecture, with_policies: set[str]) -> Space:
    """The space that the cell belongs to; there is a choice where it belongs to several."""
    names = [name for name, space in SPACES.items() if name in with_policies and space.mismatch(architecture) is None]
    if st.session_state["space"] not in names:
        st.session_state["space"] = names[0]
    st.selectbox(
        "Space",
        names,
        key="space",
        format_func=lambda name: SPACES[name].title,
        on_change=show_best,
        width=220,
        help="Found from the cell; a cell may belong to more than one.",
    )
    return SPACES[st.session_state["space"]]


def _policy(names: list[str]) -> None:
    if st.session_state["policy"] not in names:
        st.session_state["policy"] = names[0]
    st.selectbox("Policy", names, key="policy", on_change=show_best, width=180)


def _budget(own_macs: int) -> int:
    """The most MACs that a candidate may have."""
    st.slider(
        f"Budget: at most {unit().text(own_macs * st.session_state['budget'] // 100)}",
        MIN_BUDGET_PERCENT,
        100,
        key="budget",
        format="%d %%",
        on_change=show_best,
        width=230,
        help="Candidates may cost at most this share of the input's multiply-adds.",
    )
    return own_macs * st.session_state["budget"] // 100


def _device() -> str:
    """The chosen device; there is nothing to choose where there is only one."""
    devices = available_devices()
    if len(devices) == 1:
        return devices[0]
    default = devices.index(str(default_device()))
    return st.selectbox(
        "Device", devices, index=default, format_func=device_title, persist_state="session", key="device"
    )

"""Choosing policy, candidates and budget; then the transformation itself, which takes milliseconds."""

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.learning import catalogue
from nat_core.learning.device import available_devices, default_device, device_title
from nat_core.transform import MAX_SAMPLES, Options, Transformation
from ui import compute
from ui.text import millions
from ui.view import MIN_BUDGET_PERCENT, show_best

_METHODS = {"probable": "Most probable", "sampled": "Sampled"}


def transformation(architecture: Architecture) -> Transformation | None:
    """Draws the settings and transforms; None, with a sentence on the page, where that cannot be."""
    names = list(catalogue.fitting(compute.PRETRAINED, architecture))
    if not names:
        st.info(catalogue.why_none_fits(compute.PRETRAINED, architecture), icon=":material/info:")
        return None
    if st.session_state["policy"] not in names:
        st.session_state["policy"] = names[0]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox("Policy", names, key="policy", on_change=show_best, width=180)
        st.segmented_control(
            "Candidates", _METHODS, format_func=_METHODS.get, key="method", required=True, on_change=show_best
        )
        st.number_input("How many", 1, MAX_SAMPLES, key="samples", on_change=show_best, width=120)
        if st.session_state["method"] == "sampled":
            st.number_input("Seed", 0, 2**31, key="seed", on_change=show_best, width=130)
        own = compute.costs(architecture, compute.default_network(architecture))[0].macs
        st.slider(
            f"Budget: at most {millions(own * st.session_state['budget'] // 100)} MACs",
            MIN_BUDGET_PERCENT,
            100,
            key="budget",
            format="%d %%",
            on_change=show_best,
            width=260,
            help="Candidates may cost at most this share of the input's MACs.",
        )
        device = _device()
    options = Options(
        samples=st.session_state["samples"],
        method=st.session_state["method"],
        seed=st.session_state["seed"] if st.session_state["method"] == "sampled" else 0,
        max_macs=own * st.session_state["budget"] // 100,
    )
    try:
        return compute.transform(architecture, st.session_state["policy"], options, device)
    except ValueError as error:
        st.error(f"No transformation: {error}.", icon=":material/error:")
        return None


def _device() -> str:
    """The chosen device; there is nothing to choose where there is only one."""
    devices = available_devices()
    if len(devices) == 1:
        return devices[0]
    default = devices.index(str(default_device()))
    return st.selectbox(
        "Device", devices, index=default, format_func=device_title, persist_state="session", key="device"
    )

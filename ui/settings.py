"""The settings of a transformation (policy, space, how candidates are drawn), and the transformation itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import list_policies
from nat_core.learning.support.device import available_devices, default_device, device_title
from nat_core.naming import resolve
from nat_core.transformation import MAX_SAMPLES, Options
from ui import compute, notices
from ui.callback import callback
from ui.choice import choice
from ui.compute import Answer
from ui.public import limits
from ui.text import plain
from ui.view import USUAL_CELLS, choose_cell, choose_policy, show_first

_METHODS = {"probable": "Most probable", "sampled": "Sampled"}
_DEVICE = "device"
_SWITCHED = "input_switched"  # session key: a policy, the input that came with it, and a sentence about both


@dataclass(frozen=True)
class Settings:
    """Settings with which an architecture is transformed.

    Attributes:
        spaces, policies: names of fitting spaces, and of policies for the chosen space.
        space, policy: the chosen names.
        device: the policy's device.
        rule: the transition rule.
        data_set: dataset whose accuracies select on NAS-Bench-201.
    """

    spaces: tuple[str, ...]
    policies: tuple[str, ...]
    space: Space
    policy: str
    device: str
    rule: str
    data_set: str


def settings(architecture: Architecture) -> Settings | None:
    """Return the current settings; None, with a sentence on the page, if no policy fits."""
    fitting = catalogue.fitting(compute.POLICIES, architecture)
    asked = st.session_state["policy"]
    _say_switched()
    if not fitting:
        if asked:
            st.warning(plain(f"{_why_not(asked)}."), icon=":material/link_off:")
        st.info(plain(catalogue.why_none_fits(compute.POLICIES, architecture)), icon=":material/info:")
        return None
    spaces = _spaces(architecture, {card.space for card in fitting.values()})
    if asked in fitting and not st.session_state["space"]:
        st.session_state["space"] = fitting[asked].space
    if st.session_state["space"] not in spaces:
        st.session_state["space"] = spaces[0]
    space = SPACES[st.session_state["space"]]
    policies = tuple(name for name, card in fitting.items() if card.space == space.name)
    policy = asked if asked in policies else policies[0]
    if asked and asked not in fitting:
        st.warning(plain(f"{_why_not(asked)}. The page uses {policy} instead."), icon=":material/link_off:")
    card = fitting[policy]
    return Settings(spaces, policies, space, policy, _device(), card.rule, card.data_set)


def _why_not(name: str) -> str:
    """Show why the named policy cannot transform the input."""
    try:
        card = catalogue.card_of(compute.POLICIES, name)
    except ValueError as error:
        here = name in list_policies(compute.POLICIES)
        return f"The policy {name[:60]} cannot be opened: {error}" if here else f"There is no policy {name[:60]} here"
    return f"The policy {name[:60]} transforms cells of the space {card.target_space.title}, not this one"


def _say_switched() -> None:
    """Say that the policy came with its own input, while both are shown."""
    policy, cell, sentence = st.session_state.get(_SWITCHED, ("", "", ""))
    if policy and (policy, cell) == (st.session_state["policy"], st.session_state["cell"]):
        st.info(plain(sentence), icon=":material/swap_horiz:")


def transformation(architecture: Architecture, chosen: Settings) -> Answer | None:
    """Return the policy's transformation; None, with a sentence on the page, if there is none."""
    sampled = st.session_state["method"] == "sampled"
    st.session_state["samples"] = min(st.session_state["samples"], _most_samples())
    try:
        options = Options(
            samples=st.session_state["samples"],
            method=st.session_state["method"],
            seed=st.session_state["seed"] if sampled else 0,
        )
        return compute.transform(architecture, chosen.policy, chosen.space, options, chosen.device)
    except ValueError as error:
        notices.problem(error, "No transformation")
        return None


def controls(chosen: Settings) -> None:
    """Draw the controls."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if len(chosen.spaces) > 1:
            st.selectbox(
                "Space", chosen.spaces, key="space", format_func=lambda name: SPACES[name].title, on_change=show_first,
                width=220, help="The cell belongs to more than one.",
            )  # fmt: skip
        _policy_choice(chosen)
        st.segmented_control(
            "Candidates", _METHODS, format_func=_METHODS.get, key="method", required=True, on_change=show_first
        )
        st.number_input(
            "How many", 1, _most_samples(), key="samples", on_change=show_first, width=130,
            help="Within each budget, from 100 down to 10 % of the input's MACs in steps of 5 %.",
        )  # fmt: skip
        if st.session_state["method"] == "sampled":
            st.number_input("Seed", 0, 2**31, key="seed", on_change=show_first, width=130)
        _device_choice(available_devices())


def _most_samples() -> int:
    return int(min(MAX_SAMPLES, limits().samples))


def _policy_choice(chosen: Settings) -> None:
    """Draw the choice of all policies, fitting ones first; a policy of another space comes with a cell of that
    space.
    """
    known = {name: card.target_space for name, card in catalogue.cards(compute.POLICIES).items()}
    others = {name: space for name, space in known.items() if name not in chosen.policies}

    def choose(name: str) -> None:
        choose_policy(name)
        space = others.get(name)
        if space is None:
            return
        st.session_state["space"] = space.name
        if space.mismatch(resolve(st.session_state["cell"])) is not None:
            cell = USUAL_CELLS[space.name]
            choose_cell(cell, f"For {name}"[:60])
            sentence = (
                f"The policy {name[:60]} transforms cells of the space {space.title}, so the input is {cell} now."
            )
            st.session_state[_SWITCHED] = (name, st.session_state["cell"], sentence)

    def title(name: str) -> str:
        return f"{name}, for {others[name].title}" if name in others else name

    choice("Policy", (*chosen.policies, *others), chosen.policy, "policy_choice", title, choose, 320)


def _spaces(architecture: Architecture, with_policies: set[str]) -> tuple[str, ...]:
    """Return the spaces that the cell belongs to."""
    return tuple(
        name for name, space in SPACES.items() if name in with_policies and space.mismatch(architecture) is None
    )


def _device() -> str:
    devices = available_devices()
    chosen = st.session_state.get(_DEVICE, str(default_device()))
    return chosen if chosen in devices else devices[0]


def _device_choice(devices: Sequence[str]) -> None:
    """Draw nothing if there is only one choice."""
    if len(devices) > 1:

        def choose(name: str) -> None:
            st.session_state[_DEVICE] = name

        choice("Device", devices, _device(), "device_choice", device_title, callback(_DEVICE, choose), 200)

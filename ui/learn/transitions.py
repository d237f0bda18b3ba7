"""Step 2: legal transitions between operations, in a clickable graph."""

import streamlit as st

from nat_core.architecture.operations import OPERATIONS
from nat_core.architecture.spaces import NASBENCH201_OPERATIONS, NAT_OPERATIONS
from nat_core.architecture.transitions import legal_targets
from nat_core.drawing.transitions import draw_transitions
from nat_core.network.costs import operation_figure
from ui.picture import picture
from ui.text import percent
from ui.theme import theme

_RULES = {"nat++": "NAT++", "nat": "NAT"}
_SPACES = {"nat": ("13 operations of NAT++", NAT_OPERATIONS), "201": ("5 of NAS-Bench-201", NASBENCH201_OPERATIONS)}
_LAWS = {
    "nat": "**NAT** (2019): an operation stays, becomes a skip, or goes. Nothing else.",
    "nat++": "**NAT++** (2021): also down the types (convolution → separable → dilated → pooling) "
    "and to windows that are not larger.",
}
_KEY = "learn_operation"


def draw() -> None:
    """Draw the choice of rule and operations, the graph, and the selected operation's legal transitions."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rule = st.segmented_control(
            "Rule", _RULES, format_func=_RULES.get, default="nat++", required=True, key="learn_rule",
            persist_state="session",
        )  # fmt: skip
        space = st.segmented_control(
            "Operations", _SPACES, format_func=lambda name: _SPACES[name][0], default="nat", required=True,
            key="learn_space", persist_state="session",
        )  # fmt: skip
        operations = _SPACES[space][1]
        if st.session_state.get(_KEY) not in operations:
            st.session_state[_KEY] = "conv_5x5" if "conv_5x5" in operations else "conv_3x3"
        chosen = st.selectbox(
            "From", operations, key=_KEY, format_func=lambda name: OPERATIONS[name].short_label, width=180,
            help="Or click an operation in the graph.",
        )  # fmt: skip
    left, right = st.columns([3, 1], gap="large")
    with left:
        picture(draw_transitions(operations, chosen, rule, theme().name), "learn_transitions", _choose)
    with right:
        _explain(chosen, operations, rule)


def _choose(part: str) -> None:
    st.session_state[_KEY] = part.removeprefix("op-")


def _explain(chosen: str, operations: tuple[str, ...], rule: str) -> None:
    targets = legal_targets(chosen, operations, rule)
    label = OPERATIONS[chosen].short_label
    st.markdown(_LAWS[rule])
    st.metric(f"{label} may become", f"{len(targets)} of {len(operations)}", "itself included", delta_arrow="off",
              delta_color="gray")  # fmt: skip
    costs = {row.operation: row.multiply_adds for row in operation_figure(operations=operations)}
    others = [name for name in targets if name != chosen]
    if costs[chosen] and others:
        dearest = max(others, key=costs.__getitem__)
        share = percent(costs[dearest] / costs[chosen])
        st.markdown(
            f"The dearest of the others, {OPERATIONS[dearest].short_label}, costs {share} of its multiply-adds."
        )
    st.caption("Multiply-adds at C 128, 32×32, stride 1, as in the next step. Faint arrows: the smallest legal steps.")

"""The five steps, shown one at a time; the address names the current one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import streamlit as st

from ui.learn import cell, costs, policy, training, transitions
from ui.segments import segments

_KEY = "step"


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        sentence: summary for beginners.
        draw: draws the interactive part.
    """

    sentence: str
    draw: Callable[[], None]


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "Cell": Step("A network is one small cell, repeated. A better cell makes a better network.", cell.draw),
        "Transitions": Step(
            "NAT++ takes a finished cell and replaces its operations by simpler ones.",
            transitions.draw,
        ),
        "Costs": Step("Why replace? Because operations differ in cost by a factor of thousands.", costs.draw),
        "Policy": Step("A small graph network reads the cell and chooses an operation per edge.", policy.draw),
        "Training": Step("The policy learns by trial: what made cells more accurate it does more.", training.draw),
    }
)


def page() -> None:
    """Draw the row of steps, the current step, and the buttons to its neighbours."""
    chosen = segments("Step", list(STEPS), "Cell", _KEY, label_visibility="collapsed")
    step = STEPS[chosen]
    st.markdown(f"##### {list(STEPS).index(chosen) + 1} of {len(STEPS)}: {step.sentence}")
    step.draw()
    _neighbours(chosen)


def _neighbours(chosen: str) -> None:
    names = list(STEPS)
    place = names.index(chosen)
    with st.container(horizontal=True):
        if place:
            st.button(names[place - 1], icon=":material/arrow_back:", on_click=_go, args=[names[place - 1]], key="back")
        if place + 1 < len(names):
            following = names[place + 1]
            st.button(
                following, icon=":material/arrow_forward:", on_click=_go, args=[following], key="next", type="primary"
            )


def _go(name: str) -> None:
    st.session_state[_KEY] = name

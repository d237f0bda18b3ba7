"""The table of all candidates, and the choice of the one shown as the output."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from nat_core.architecture.difference import difference
from nat_core.architecture.notation import shortest
from nat_core.transformation import Candidate, Transformation
from ui.choice import choice
from ui.once import once
from ui.text import plain
from ui.unit import Unit, unit
from ui.view import BEST, show, show_first

if TYPE_CHECKING:
    import pandas as pd

_REMEMBERED = 16  # number of outcomes whose tables are cached


def shown(outcome: Transformation) -> Candidate:
    """Return the candidate shown as the output: the first one, unless the visitor or a link has chosen another."""
    asked, percent = st.session_state["candidate"], st.session_state["budget"]
    by_number = {item.number: item for item in outcome.candidates}
    if asked in by_number:
        return by_number[asked]
    if asked != BEST:
        st.warning(
            f"There is no candidate {asked} among the {len(outcome.candidates)} here, so what is shown is chosen as "
            "without a link.",
            icon=":material/link_off:",
        )
    return within(outcome, percent) if percent < 100 and outcome.front else outcome.output


def within(outcome: Transformation, percent: int) -> Candidate:
    """Return the front's best point within this percentage of the input's MACs; show a sentence if there is none."""
    fitting = [item for item in outcome.front if 100 * item.cost.macs <= percent * outcome.input.cost.macs]
    if fitting:
        return fitting[-1]
    cheapest = outcome.front[0]
    least = 100 * cheapest.cost.macs / max(outcome.input.cost.macs, 1)
    sentence = f"The cheapest point of this front costs {least:.1f} % of the input's MACs, so that one is shown."
    st.info(sentence, icon=":material/info:")
    return cheapest


def table(outcome: Transformation, chosen: Candidate) -> None:
    """Draw the select box and the table."""
    titles = _titles(outcome, unit())
    choice(
        "Shown as output",
        list(titles),
        chosen.number,
        "candidate",
        titles.__getitem__,
        lambda number: _choose(outcome, number),
        520,
    )
    st.dataframe(
        candidate_frame(outcome),
        hide_index=True,
        height="content" if len(outcome.candidates) <= 12 else 460,
        column_config={
            unit().name: st.column_config.NumberColumn(format="%.2f M"),
            "Parameters": st.column_config.NumberColumn(format="localized"),
            _accuracy_title(outcome): st.column_config.NumberColumn(format="%.2f %%"),
            "Gain": st.column_config.NumberColumn(format="%+.2f"),
            "± of the gain": st.column_config.NumberColumn(format="%.2f", help="One standard error."),
            "Probability": st.column_config.NumberColumn(format="%.2e"),
            "Architecture": st.column_config.TextColumn(width="large"),
        },
    )
    st.caption(_explanation(outcome))


def candidate_frame(outcome: Transformation) -> "pd.DataFrame":
    """Return one row per candidate, best first: MACs or FLOPs in millions, accuracy in percent, named by its kind."""
    return _frame(outcome, unit())


@once(_REMEMBERED)
def _frame(outcome: Transformation, counted: Unit) -> "pd.DataFrame":
    import pandas as pd  # loaded with the first table: a page is shown before

    before, on_front = outcome.input.architecture, {item.number for item in outcome.front}
    frame = pd.DataFrame(
        {
            "Rank": rank,
            counted.name: counted.in_millions(item.cost.macs),
            "Parameters": item.cost.parameters,
            _accuracy_title(outcome): item.accuracy_percent,
            "Evaluated": "finally" if item.is_final else "so far" if item.accuracy_percent is not None else "not yet",
            "Gain": item.gain_over(outcome.input),
            "± of the gain": item.gain_error_points,
            "Like trained cells": item.is_believable,
            "On the front": item.number in on_front,
            "Edges changed": len(difference(before, item.architecture)),
            "Probability": math.exp(item.log_probability),
            "Architecture": shortest(item.architecture),
        }
        for rank, item in enumerate(outcome.candidates, start=1)
    )
    final = all(item.is_final for item in outcome.candidates)
    believed = all(item.is_believable for item in outcome.candidates)
    idle = [*(["Evaluated"] if final else []), *(["Like trained cells"] if believed else [])]
    return frame.drop(columns=idle).dropna(axis="columns", how="all")


def _accuracy_title(outcome: Transformation) -> str:
    return f"Accuracy ({outcome.accuracy_kind})" if outcome.accuracy_kind else "Accuracy"


def _explanation(outcome: Transformation) -> str:
    """Return the description of the table's numbers."""
    costs = f"{unit().name} on {outcome.network.description}."
    accuracy = f" Accuracy: {outcome.accuracy_description} ({outcome.accuracy_kind})." if outcome.accuracy_kind else ""
    return plain(f"{costs}{accuracy}")


@once(_REMEMBERED)
def _titles(outcome: Transformation, counted: Unit) -> Mapping[int, str]:
    """Return labels by number; while accuracies arrive, labels do not show them, so that an open list stays
    unchanged.
    """
    is_final = outcome.evaluated[0] == outcome.evaluated[1]
    ranked = enumerate(outcome.candidates, start=1)
    if is_final:
        return {item.number: _title(str(rank), item, counted, True) for rank, item in ranked}
    proposed = sorted(outcome.candidates, key=lambda item: item.number)
    return {item.number: _title(f"Proposal {item.number}", item, counted, False) for item in proposed}


def _title(name: str, item: Candidate, counted: Unit, is_final: bool) -> str:
    merit = f", {item.accuracy_percent:.2f} %" if is_final and item.accuracy_percent is not None else ""
    own = " (the input)" if item.number == 0 else ""
    return f"{name}: {counted.text(item.cost.macs)}{merit}, probability {math.exp(item.log_probability):.3g}{own}"


def _choose(outcome: Transformation, number: int) -> None:
    if number == outcome.output.number:
        show_first()
    else:
        show(number)

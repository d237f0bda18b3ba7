"""All candidates: MACs against accuracy, and which of them is shown as the output."""

import math
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from nat_core.architecture.difference import difference
from nat_core.architecture.notation import shortest
from nat_core.drawing.palette import THEMES
from nat_core.transform import Candidate, Transformation
from ui.callback import callback
from ui.choice import choice
from ui.once import once
from ui.text import plain
from ui.theme import style, theme
from ui.unit import Unit, unit
from ui.view import BEST

# Streamlit lets a click choose while a drag moves the chart, and a box while a drag draws one: hence the chart's tools.
_TOOLS = {
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
}
_HOW_TO_CHOOSE = (
    "The larger a symbol, the more probable. A click chooses a candidate; a box, with the tool at the upper right, the "
    "best in it."
)
_REMEMBERED = 16  # outcomes whose tables and charts are kept
_DECADES = 8  # of probability below the most probable, after which symbols do not get smaller


def shown(outcome: Transformation) -> Candidate:
    """The candidate that stands as the output: the best, unless the visitor chose another."""
    by_number = {item.number: item for item in outcome.candidates}
    if st.session_state["candidate"] not in by_number:
        st.session_state["candidate"] = BEST
    return by_number.get(st.session_state["candidate"], outcome.output)


def chart_and_table(outcome: Transformation, chosen: Candidate) -> None:
    """Scatter, select box (its keyboard twin) and table."""
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
    key = "candidate_chart"
    st.plotly_chart(
        _scatter(outcome, chosen.number, unit(), theme().name),
        key=key,
        on_select=callback(key, lambda: _pick(outcome, key)),
        selection_mode=("points", "box"),
        config=_TOOLS,
        alt="Candidates: MACs against accuracy",
    )
    st.caption(_explanation(outcome))
    st.dataframe(
        candidate_frame(outcome),
        hide_index=True,
        height="content" if len(outcome.candidates) <= 25 else 600,
        column_config={
            unit().name: st.column_config.NumberColumn(format="%.2f M"),
            "Parameters": st.column_config.NumberColumn(format="localized"),
            _accuracy_title(outcome): st.column_config.NumberColumn(format="%.2f %%"),
            "Probability": st.column_config.NumberColumn(format="%.2e"),
            "Architecture": st.column_config.TextColumn(width="large"),
        },
    )


def candidate_frame(outcome: Transformation) -> pd.DataFrame:
    """One row per candidate, best first; MACs or FLOPs in millions, accuracy in percent under the name of its kind."""
    return _frame(outcome, unit())


@once(_REMEMBERED)
def _frame(outcome: Transformation, counted: Unit) -> pd.DataFrame:
    before = outcome.input.architecture
    frame = pd.DataFrame(
        {
            "Rank": rank,
            counted.name: counted.in_millions(item.cost.macs),
            "Parameters": item.cost.parameters,
            _accuracy_title(outcome): item.accuracy_percent,
            "Judged": "finally" if item.is_final else "so far" if item.accuracy_percent is not None else "not yet",
            "Edges changed": len(difference(before, item.architecture)),
            "Probability": math.exp(item.log_probability),
            "Architecture": shortest(item.architecture),
        }
        for rank, item in enumerate(outcome.candidates, start=1)
    )
    return frame.drop(columns="Judged") if all(item.is_final for item in outcome.candidates) else frame


def _accuracy_title(outcome: Transformation) -> str:
    return f"Accuracy ({outcome.accuracy_kind})" if outcome.accuracy_kind else "Accuracy"


def _explanation(outcome: Transformation) -> str:
    """What the chart's numbers and symbols are."""
    costs = f"{unit().name} on {outcome.network.description}."
    accuracy = f" Accuracy: {outcome.accuracy_description} ({outcome.accuracy_kind})." if outcome.accuracy_kind else ""
    few = " Open symbols: judged on few images only, or not yet; they rank after the others."
    is_final = all(item.is_final for item in outcome.candidates)
    return plain(f"{costs}{accuracy}") + f" {_HOW_TO_CHOOSE}" + ("" if is_final else few)


@once(_REMEMBERED)
def _titles(outcome: Transformation, counted: Unit) -> Mapping[int, str]:
    """By number; while accuracies come in, nothing that changes with them, so that an open list stays as it is."""
    is_final = outcome.judged[0] == outcome.judged[1]
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
    st.session_state["candidate"] = BEST if number == outcome.output.number else number


def _pick(outcome: Transformation, key: str) -> None:
    """A click chooses a candidate, a box the best one in it."""
    numbers = {int(point["customdata"][0]) for point in st.session_state[key].selection.points}
    best = next((item for item in outcome.candidates if item.number in numbers), None)
    if best is not None:
        _choose(outcome, best.number)


@once(_REMEMBERED)
def _scatter(outcome: Transformation, chosen: int, counted: Unit, ground: str) -> go.Figure:
    """MACs or FLOPs (millions) against accuracy or, where nothing judges, probability; with the Pareto front."""
    judged, colors, figure = outcome.accuracy_kind is not None, THEMES[ground], go.Figure()
    known = [item for item in outcome.candidates if not judged or item.accuracy_percent is not None]
    points = {item.number: (counted.in_millions(item.cost.macs), _merit(item, judged)) for item in known}
    front = _pareto([points[item.number] for item in known if item.is_final])
    figure.add_scatter(
        x=[x for x, _ in front], y=[y for _, y in front], mode="lines", name="Pareto front", hoverinfo="skip",
        line={"color": colors.line, "width": 1, "shape": "hv"},
    )  # fmt: skip
    unit_of_merit = " %" if judged else ""
    most = max(item.log_probability for item in outcome.candidates)
    groups = {
        "Candidate": ("circle", colors.accent),
        "Input": ("diamond", colors.muted),
        "Shown": ("star", colors.changes["changed"]),
    }
    for name, (symbol, color) in groups.items():
        items = [item for item in known if _group(item, chosen) == name]
        figure.add_scatter(
            x=[points[item.number][0] for item in items],
            y=[points[item.number][1] for item in items],
            mode="markers",
            name=name,
            customdata=[[item.number, math.exp(item.log_probability)] for item in items],
            marker={
                "symbol": [symbol if item.is_final else f"{symbol}-open" for item in items],
                "color": color,
                "opacity": 0.85,
                "size": [_size(item.log_probability - most, name) for item in items],
            },
            hovertemplate="%{x:.2f} M "
            + counted.name
            + "<br>%{y:.2f}"
            + unit_of_merit
            + "<br>probability %{customdata[1]:.3g}<extra></extra>",
        )
    style(figure, height=380)
    figure.update_xaxes(title=f"{counted.name}, M ({outcome.network.description})")
    return figure.update_yaxes(title=f"{_accuracy_title(outcome)}, %" if judged else "Probability (log₁₀)")


def _merit(item: Candidate, judged: bool) -> float:
    return item.accuracy_percent if judged else item.log_probability / math.log(10)


def _group(item: Candidate, chosen: int) -> str:
    if item.number == chosen:
        return "Shown"
    return "Candidate" if item.number else "Input"


def _size(log_share: float, group: str) -> float:
    """Pixels for a candidate as probable as the most probable one times e to the `log_share`: 20 for 1."""
    share = max(0.0, 1 + log_share / (_DECADES * math.log(10)))
    return 6 + 14 * share + (3 if group != "Candidate" else 0)


def _pareto(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points that no cheaper or equally cheap point beats, by rising cost."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or y > front[-1][1]:
            front.append((x, y))
    return front

"""All candidates: MACs against accuracy, and which of them is shown as the output."""

import math

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from nat_core.architecture.difference import difference
from nat_core.architecture.notation import shortest
from nat_core.transform import Candidate, Transformation
from ui.text import millions
from ui.theme import style, theme


def shown(outcome: Transformation) -> Candidate:
    """The candidate that stands as the output: the best, unless the visitor chose another."""
    if st.session_state["candidate"] >= len(outcome.candidates):
        st.session_state["candidate"] = 0
    return outcome.candidates[st.session_state["candidate"]]


def chart_and_table(outcome: Transformation, chosen: Candidate) -> None:
    """Scatter, select box (its keyboard twin) and table."""
    st.selectbox(
        "Shown as output",
        range(len(outcome.candidates)),
        key="candidate",
        format_func=lambda rank: _title(outcome, rank),
        width=520,
    )
    key = "candidate_chart"
    st.plotly_chart(
        _scatter(outcome, chosen),
        key=key,
        on_select=lambda: _pick(key),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Candidates: MACs against accuracy",
    )
    st.dataframe(
        candidate_frame(outcome),
        hide_index=True,
        height="content" if len(outcome.candidates) <= 25 else 600,
        column_config={
            "MACs": st.column_config.NumberColumn(format="%.2f M"),
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "Accuracy": st.column_config.NumberColumn(format="%.2f %%", help=outcome.accuracy_description),
            "Probability": st.column_config.NumberColumn(format="%.4g"),
            "Architecture": st.column_config.TextColumn(width="large"),
        },
    )


def candidate_frame(outcome: Transformation) -> pd.DataFrame:
    """One row per candidate, best first; MACs in millions."""
    before = outcome.input.architecture
    return pd.DataFrame(
        {
            "Rank": rank,
            "MACs": item.cost.macs / 1e6,
            "Parameters": item.cost.parameters,
            "Accuracy": item.accuracy_percent,
            "Edges changed": len(difference(before, item.architecture)),
            "Probability": math.exp(item.log_probability),
            "Architecture": shortest(item.architecture),
        }
        for rank, item in enumerate(outcome.candidates, start=1)
    )


def _title(outcome: Transformation, rank: int) -> str:
    item = outcome.candidates[rank]
    merit = "" if item.accuracy_percent is None else f", {item.accuracy_percent:.2f} %"
    own = " (the input)" if item.architecture == outcome.input.architecture else ""
    return f"{rank + 1}: {millions(item.cost.macs)} MACs{merit}, probability {math.exp(item.log_probability):.3g}{own}"


def _pick(key: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        st.session_state["candidate"] = int(points[0]["customdata"][0])


def _scatter(outcome: Transformation, chosen: Candidate) -> go.Figure:
    """MACs (millions) against accuracy, or probability where nothing judges; sizes by probability; Pareto front."""
    judged = outcome.accuracy_kind is not None
    colors, figure = theme(), go.Figure()
    points = [(item.cost.macs / 1e6, _merit(item, judged)) for item in outcome.candidates]
    front = _pareto(points)
    figure.add_scatter(
        x=[x for x, _ in front], y=[y for _, y in front], mode="lines", name="Pareto front", hoverinfo="skip",
        line={"color": colors.line, "width": 1, "shape": "hv"},
    )  # fmt: skip
    groups = {
        "Candidate": ("circle", colors.accent),
        "Input": ("diamond", colors.muted),
        "Shown": ("star", colors.changes["changed"]),
    }
    for name, (symbol, color) in groups.items():
        ranks = [rank for rank, item in enumerate(outcome.candidates) if _group(outcome, item, chosen) == name]
        items = [outcome.candidates[rank] for rank in ranks]
        figure.add_scatter(
            x=[points[rank][0] for rank in ranks],
            y=[points[rank][1] for rank in ranks],
            mode="markers",
            name=name,
            customdata=[[rank, math.exp(item.log_probability)] for rank, item in zip(ranks, items, strict=True)],
            marker={"symbol": symbol, "color": color, "opacity": 0.85, "size": [_size(item, name) for item in items]},
            hovertemplate="%{x:.2f} M MACs<br>%{y:.2f}<br>probability %{customdata[1]:.3g}<extra></extra>",
        )
    style(figure, height=380)
    figure.update_xaxes(title=f"MACs (millions), {outcome.network.description}")
    return figure.update_yaxes(title=f"Accuracy, % ({outcome.accuracy_kind})" if judged else "Probability (log₁₀)")


def _merit(item: Candidate, judged: bool) -> float:
    return item.accuracy_percent if judged else item.log_probability / math.log(10)


def _group(outcome: Transformation, item: Candidate, chosen: Candidate) -> str:
    if item == chosen:
        return "Shown"
    return "Input" if item.architecture == outcome.input.architecture else "Candidate"


def _size(item: Candidate, group: str) -> float:
    return 8 + 14 * math.exp(item.log_probability) ** 0.5 + (4 if group != "Candidate" else 0)


def _pareto(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points that no cheaper or equally cheap point beats, by rising cost."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or y > front[-1][1]:
            front.append((x, y))
    return front

"""Edge by edge: what changed, what it costs, and what the policy thinks of every legal operation."""

import math

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import aligned
from nat_core.architecture.operations import INDEX, NAMES, OPERATIONS
from nat_core.architecture.palette import operation_color
from nat_core.network.costs import cost_model
from nat_core.transform import Candidate, Transformation
from ui.text import edge_label, percent
from ui.theme import style


def table(outcome: Transformation, shown: Candidate) -> None:
    """One row per edge: operations, MACs and parameters before and after, the policy's probability."""
    only_changes = st.toggle("Only changes", key="only_changes", persist_state="session")
    frame = edge_frame(outcome, shown)
    if only_changes:
        frame = frame[frame["Change"] != "unchanged"]
    if outcome.input.architecture.reduction is None:
        frame = frame.drop(columns="Cell")
    if frame.empty:
        st.caption("No edge changed.")
        return
    millions = st.column_config.NumberColumn(format="%.2f M")
    st.dataframe(
        frame,
        hide_index=True,
        height="content" if len(frame) <= 25 else 600,
        column_config={
            "MACs before": millions,
            "MACs after": millions,
            "Parameters before": st.column_config.NumberColumn(format="localized"),
            "Parameters after": st.column_config.NumberColumn(format="localized"),
            "Probability": st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1, help="The policy's, of the operation after."
            ),
        },
    )


def edge_frame(outcome: Transformation, shown: Candidate) -> pd.DataFrame:
    """The rows of `table`; MACs in millions, summed over every cell of the network."""
    before, after = outcome.input.architecture, shown.architecture
    model = cost_model(outcome.network)
    old, new = model.edge_costs(before), model.edge_costs(after)
    cells = dict(before.cells)
    return pd.DataFrame(
        {
            "Cell": change.cell,
            "Edge": edge_label(cells[change.cell], change.source, change.target),
            "From": OPERATIONS[change.before].short_label,
            "To": OPERATIONS[change.after].short_label,
            "Change": change.kind,
            "MACs before": old[i].macs / 1e6,
            "MACs after": new[i].macs / 1e6,
            "Parameters before": old[i].parameters,
            "Parameters after": new[i].parameters,
            "Probability": math.exp(outcome.distribution[i, INDEX[change.after]]),
        }
        for i, change in enumerate(aligned(before, after))
    )


def probabilities(outcome: Transformation) -> None:
    """The policy's probability of every legal operation for one edge, chosen here or by a click on a drawing."""
    architecture = outcome.input.architecture
    if st.session_state.get("edge", 0) >= len(architecture.edges):
        st.session_state["edge"] = 0
    edge = st.selectbox(
        "Edge",
        range(len(architecture.edges)),
        key="edge",
        format_func=lambda i: _edge_title(architecture, i),
        help="Or click an edge in a drawing.",
        width=420,
    )
    legal = [i for i in range(len(NAMES)) if math.isfinite(outcome.distribution[edge, i])]
    legal.sort(key=lambda i: outcome.distribution[edge, i])
    values = [math.exp(outcome.distribution[edge, i]) for i in legal]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=[OPERATIONS[NAMES[i]].short_label for i in legal],
            orientation="h",
            marker={"color": [operation_color(NAMES[i]) for i in legal]},
            text=[percent(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.3%}<extra></extra>",
        )
    )
    style(figure, height=70 + 34 * len(legal)).update_yaxes(showgrid=False, ticks="")
    figure.update_xaxes(range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    st.plotly_chart(figure, config={"displayModeBar": False}, alt="Probability of each legal operation for this edge")
    st.caption("Operations that the transition rule forbids have probability exactly 0 and are not shown.")


def _edge_title(architecture: Architecture, position: int) -> str:
    name, edge = architecture.edges[position]
    prefix = f"{name} cell, " if architecture.reduction else ""
    label = edge_label(dict(architecture.cells)[name], edge.source, edge.target)
    return f"{prefix}{label}: {edge.traits.short_label}"

"""Tables by edge: changes, their costs, and the policy's probability of every legal operation."""

import json
import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import aligned
from nat_core.architecture.operations import INDEX, NAMES, OPERATIONS
from nat_core.network.costs import cost_model
from nat_core.transformation import Candidate, Transformation
from ui.text import edge_label
from ui.theme import style, theme
from ui.unit import unit

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_WORTH = "Worth of the change"


def table(outcome: Transformation, shown: Candidate, worth: NDArray[np.float64] | None = None) -> None:
    """Draw one row per edge: operations, MACs and parameters before and after, the policy's probability.

    `worth`: [edges] points lost when this change alone is undone.
    """
    rows = edge_rows(outcome, shown)
    if worth is not None and np.isfinite(worth).any():
        rows = [{**row, _WORTH: _known(value)} for row, value in zip(rows, worth.tolist(), strict=True)]
    if st.session_state["only_changes"]:
        rows = [row for row in rows if row["Change"] != "unchanged"]
    if not rows:
        st.caption("No edge changed.")
        return
    millions = st.column_config.NumberColumn(format="%.2f M")
    name = unit().name
    st.dataframe(
        _arrow_table(rows),
        lazy=False,
        hide_index=True,
        height="content" if len(rows) <= 25 else 600,
        placeholder="",
        column_order=[title for title in rows[0] if title != "Cell" or outcome.input.architecture.reduction],
        column_config={
            f"{name} before": millions,
            f"{name} after": millions,
            "Parameters before": st.column_config.NumberColumn(format="localized"),
            "Parameters after": st.column_config.NumberColumn(format="localized"),
            "Probability": st.column_config.ProgressColumn(
                format="%.1f %%", min_value=0, max_value=100, help="The policy's, of the operation after."
            ),
            _WORTH: st.column_config.NumberColumn(
                format="%+.2f points",
                help="Accuracy that the output loses when this change alone is undone. Changes act together, so "
                "these numbers need not add up to the gain.",
            ),
        },
    )
    st.caption(f"{name} and parameters of the edge in all cells of the network: {outcome.network.description}.")


def _arrow_table(rows: Sequence[Mapping[str, Any]]) -> "pa.Table":
    """Return `rows` as a table without importing pandas, which a server's first page would wait for.

    Streamlit imports it for all tables but Arrow's that are not lazy, and Arrow itself where it reads Python's lists.
    """
    from pyarrow.json import read_json  # loaded with the first table: a page is shown before

    return read_json(BytesIO("\n".join(map(json.dumps, rows)).encode()))


def _known(value: float) -> float | None:
    """Return a number, or None for one that is not finite, which a table would show as text."""
    return value if math.isfinite(value) else None


def edge_rows(outcome: Transformation, shown: Candidate) -> list[dict[str, Any]]:
    """Return the rows of `table`: costs in millions, summed over the network's cells; probabilities in percent."""
    before, after = outcome.input.architecture, shown.architecture
    model = cost_model(outcome.network)
    old, new = model.edge_costs(before), model.edge_costs(after)
    cells, counted = dict(before.cells), unit()
    return [
        {
            "Cell": change.cell,
            "Edge": edge_label(cells[change.cell], change.source, change.target),
            "From": OPERATIONS[change.before].short_label,
            "To": OPERATIONS[change.after].short_label,
            "Change": change.kind,
            f"{counted.name} before": counted.in_millions(old[i].macs),
            f"{counted.name} after": counted.in_millions(new[i].macs),
            "Parameters before": old[i].parameters,
            "Parameters after": new[i].parameters,
            "Probability": 100 * math.exp(outcome.distribution[i, INDEX[change.after]]),
        }
        for i, change in enumerate(aligned(before, after))
    ]


def probabilities(outcome: Transformation, shown: Candidate) -> None:
    """Draw the policy's probability of every operation on every edge: a heat map and, for the keyboard, a table."""
    height = 110 + 26 * len(outcome.input.architecture.edges)
    st.plotly_chart(
        style(heat_map(outcome, shown), height),
        config={"displayModeBar": False},
        alt="The policy's probability of every operation on every edge; the table below has the same numbers",
    )
    st.caption(
        "Empty: forbidden by the transition rule, probability exactly 0. "
        "Dotted: the input's operation; framed: the output's. Numbers in percent; below 0.5 there is none."
    )
    with st.expander("The same as a table"):
        frame = probability_frame(outcome)
        percent_column = st.column_config.NumberColumn(format="%.1f %%")
        st.dataframe(100 * frame, column_config=dict.fromkeys(frame.columns, percent_column))


def probability_frame(outcome: Transformation) -> "pd.DataFrame":
    """Return edges as rows and operations legal on any edge as columns; NaN where the rule forbids one."""
    import pandas as pd  # loaded with the first table: a page is shown before

    legal = _legal_somewhere(outcome)
    values = np.exp(outcome.distribution[:, legal])
    values[~np.isfinite(outcome.distribution[:, legal])] = np.nan
    return pd.DataFrame(
        values,
        index=pd.Index(_edge_titles(outcome.input.architecture), name="Edge"),
        columns=[OPERATIONS[NAMES[i]].short_label for i in legal],
    )


def _legal_somewhere(outcome: Transformation) -> list[int]:
    """Return the indices of the operations that the rule allows on any edge."""
    return np.flatnonzero(np.isfinite(outcome.distribution).any(axis=0)).tolist()


def heat_map(outcome: Transformation, shown: Candidate) -> go.Figure:
    """Draw `probability_frame` in colours, with the input's and the output's operations marked."""
    frame, colors = probability_frame(outcome), theme()
    rows = list(range(len(frame)))
    figure = go.Figure(
        go.Heatmap(
            z=frame.to_numpy(),
            x=list(range(len(frame.columns))),
            y=rows,
            text=[["" if not value >= 0.005 else f"{100 * value:.0f}" for value in row] for row in frame.to_numpy()],
            texttemplate="%{text}",
            colorscale=[[0, colors.tint(colors.accent, 0.1)], [1, colors.tint(colors.accent, 0.85)]],
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            customdata=[[f"{title}<br>{name}" for name in frame.columns] for title in frame.index],
            hovertemplate="%{customdata}: %{z:.2%}<extra></extra>",
            colorbar={"title": {"text": "Probability"}, "tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
        )
    )
    columns = {NAMES[i]: x for x, i in enumerate(_legal_somewhere(outcome))}
    for architecture, dash in ((outcome.input.architecture, "dot"), (shown.architecture, "solid")):
        x, y = _frames([columns[operation] for operation in architecture.operations])
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": colors.text, "width": 1.5, "dash": dash},
            hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    figure.update_yaxes(tickvals=rows, ticktext=list(frame.index), autorange="reversed", showgrid=False, ticks="")
    ticks = {"tickvals": list(range(len(frame.columns))), "ticktext": list(frame.columns)}
    return figure.update_xaxes(side="top", showgrid=False, ticks="", fixedrange=True, **ticks)


def _frames(columns: Sequence[int]) -> tuple[list[float | None], list[float | None]]:
    """Return outlines of one cell per row as a single line with gaps, which draws much faster than many shapes."""
    xs, ys = [], []
    for y, x in enumerate(columns):
        xs += [x - 0.47, x + 0.47, x + 0.47, x - 0.47, x - 0.47, None]
        ys += [y - 0.42, y - 0.42, y + 0.42, y + 0.42, y - 0.42, None]
    return xs, ys


def _edge_titles(architecture: Architecture) -> list[str]:
    cells = dict(architecture.cells)
    prefix = {name: f"{name} " if architecture.reduction else "" for name in cells}
    return [f"{prefix[name]}{edge_label(cells[name], edge.source, edge.target)}" for name, edge in architecture.edges]

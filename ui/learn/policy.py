"""Step 4: the policy's receptive field, and how its probabilities respond to edits."""

import math

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import find
from nat_core.architecture.operations import INDEX, OPERATIONS
from nat_core.architecture.spaces import NASBENCH201_OPERATIONS
from nat_core.drawing.cells import draw_cell
from nat_core.drawing.palette import operation_color
from nat_core.learning.graphs.receptive import heard
from ui import notices
from ui.learn.shipped import log_probabilities, rounds_of_policy
from ui.picture import Mark, picture
from ui.text import edge_label, percent, signed
from ui.theme import style, theme
from ui.view import BENCHMARK_CELL

_SEEN = "DARTS"
_FIRST_EDIT = "avg_pool_3x3"  # initial operation of the first edge, to which other edges respond clearly
_OF_EDGE = "learn_edit_of"  # session key of the edited edge
_SHOWN = {"bars": "Probability", "map": "log₁₀ probability"}
_FLOOR = -8  # colour range of log₁₀ probabilities
_EDGE, _OPERATION, _SEEN_EDGE = "learn_edge", "learn_edit", "learn_seen_edge"


def draw() -> None:
    """Draw the receptive field, then the responses."""
    try:
        rounds = rounds_of_policy()
    except ValueError as error:
        notices.problem(error, "No policy can be shown")
        return
    _seen(rounds)
    _moving()


def _seen(rounds: int) -> None:
    """Draw the receptive field of one edge's decision."""
    architecture = find(_SEEN).architecture
    cell = architecture.normal
    st.markdown("**What it sees.** In a graph convolution every node hears from its neighbours, through their edges")
    left, right = st.columns([3, 2], gap="large")
    with right:
        edge = st.selectbox(
            "Edge that is decided", range(len(cell.edges)), len(cell.edges) - 1, key=_SEEN_EDGE,
            format_func=lambda place: _edge_title(cell, place), help="Or click it.", persist_state="session",
        )  # fmt: skip
        count = st.slider("Rounds of messages", 0, rounds, 1, key="learn_rounds", persist_state="session")
        item = heard(architecture, edge, count)
        ends = "its own two nodes" if not count else f"{len(item.nodes)} of {item.of_nodes} nodes"
        st.markdown(
            f"After {count} round{'s' if count != 1 else ''} the decision knows {ends} and "
            f"**{len(item.edges)} of {item.of_edges}** operations, both cells counted. The shipped policy has "
            f"{rounds} rounds."
        )
    with left:
        faint: dict[str, Mark] = {f"normal-edge-{e}": "faint" for e in range(len(cell.edges)) if e not in item.edges}
        faint |= {f"normal-node-{n}": "faint" for n in range(cell.nodes) if n not in item.nodes}
        faint |= {f"normal-output-{n}": "faint" for n in cell.output_nodes if not {n, cell.nodes} <= item.nodes}
        faint |= {} if cell.nodes in item.nodes else {"normal-node-output": "faint"}
        svg = draw_cell(cell, "svg", "normal", theme().name).decode()
        picture(svg, "learn_seen", lambda part: _choose(part, _SEEN_EDGE), {**faint, f"normal-edge-{edge}": "chosen"})


def _choose(part: str, key: str) -> None:
    kind, _, number = part.rpartition("-")
    if kind == "normal-edge":
        st.session_state[key] = int(number)


def _edge_title(cell, place: int) -> str:
    edge = cell.edges[place]
    return f"{edge_label(cell, edge.source, edge.target)}: {edge.traits.short_label}"


@st.fragment  # a fragment, so that a slider reruns only this part
def _moving() -> None:
    """Draw the controls of operation and budget, and the resulting probabilities of all edges."""
    before = notation.parse(BENCHMARK_CELL)
    st.markdown(
        "**What it does.** Change one operation: the probabilities of *all* edges move, because they are one graph. "
        "Lower the budget: cheaper operations become likely"
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        after = _edited(before)
        svg = draw_cell(after.normal, "svg", "normal", theme().name).decode()
        budget = st.slider(
            "Budget, % of the cell's MACs", 10, 100, 100, 5, key="learn_budget", persist_state="session",
            help="The policy is told what its output may cost.",
        )  # fmt: skip
        chosen = f"normal-edge-{st.session_state[_EDGE]}"
        picture(svg, "learn_edited", lambda part: _choose(part, _EDGE), {chosen: "chosen"})
        st.caption("A cell of NAS-Bench-201; the probabilities are those of the policy shipped with this program.")
    with right:
        shown = st.segmented_control(
            "Show", _SHOWN, format_func=_SHOWN.get, default="bars", required=True, key="learn_shown",
            persist_state="session",
        )  # fmt: skip
        old, new = log_probabilities(before), log_probabilities(after, budget / 100)
        figure = (_bars if shown == "bars" else _map)(after, old, new)
        st.plotly_chart(figure, config={"displayModeBar": False}, key="learn_bars", alt="Probabilities per edge")


def _edited(architecture: Architecture) -> Architecture:
    cell = architecture.normal
    with st.container(horizontal=True, vertical_alignment="bottom"):
        edge = st.selectbox(
            "Edge", range(len(cell.edges)), key=_EDGE, format_func=lambda place: _edge_title(cell, place), width=210,
            persist_state="session",
        )  # fmt: skip
        if st.session_state.get(_OF_EDGE) != edge:  # a newly selected edge starts with its own operation
            operation = cell.edges[edge].operation if _OF_EDGE in st.session_state else _FIRST_EDIT
            st.session_state.update({_OF_EDGE: edge, _OPERATION: operation})
        name = st.selectbox(
            "Becomes", NASBENCH201_OPERATIONS, key=_OPERATION, format_func=lambda op: OPERATIONS[op].short_label,
            width=150,
        )  # fmt: skip
    operations = [name if place == edge else old for place, old in enumerate(architecture.operations)]
    return architecture.with_operations(operations)


def _bars(after: Architecture, before: np.ndarray, now: np.ndarray) -> go.Figure:
    """Return a chart with a bar of probabilities per edge and, if changed, a thin bar of the previous ones.

    Args:
        after: the edited cell.
        before, now: log-probabilities, [edges, operations].
    """
    new, old = np.exp(now), np.exp(before)
    labels, figure = [_edge_title(after.normal, place) for place in range(len(after.edges))], go.Figure()
    for name in NASBENCH201_OPERATIONS:
        column = INDEX[name]
        for values, offset, width, opacity in ((new, -0.34, 0.44, 1.0), (old, 0.14, 0.16, 0.5)):
            is_new = values is new
            figure.add_bar(
                x=values[:, column],
                y=list(range(len(labels))),
                base=_base(values, column),
                offset=offset,
                width=width,
                orientation="h",
                name=OPERATIONS[name].short_label,
                legendgroup=name,
                showlegend=is_new,
                opacity=opacity,
                marker={"color": _color(name), "line": {"width": 0}},
                text=[percent(float(value)) if value > 0.09 and is_new else "" for value in values[:, column]],
                textposition="inside",
                insidetextanchor="middle",
                hovertemplate=f"{OPERATIONS[name].short_label}: %{{x:.1%}}{'' if is_new else ' before'}<extra></extra>",
            )
    margin = {"r": 24}  # room for half of the last tick label
    style(figure, 400).update_layout(barmode="overlay", transition={"duration": 350}, margin=margin)
    figure.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, autorange="reversed", showgrid=False, ticks=""
    )
    return figure.update_xaxes(
        range=[0, 1], dtick=0.25, tickformat=".0%", title="probability; thin: before, at the whole budget"
    )


def _map(after: Architecture, before: np.ndarray, now: np.ndarray) -> go.Figure:
    """Return a heat map of log₁₀ probabilities, with their changes in brackets; illegal operations are empty.

    Args:
        after: the edited cell.
        before, now: log-probabilities, [edges, operations].
    """
    columns = [INDEX[name] for name in NASBENCH201_OPERATIONS]
    new, old = (values[:, columns] / np.log(10) for values in (now, before))
    texts = [[_moved(*item) for item in zip(*rows, strict=True)] for rows in zip(new, old, strict=True)]
    colors = theme()
    figure = go.Figure(
        go.Heatmap(
            z=np.where(np.isfinite(new), np.maximum(new, _FLOOR), np.nan),
            x=[OPERATIONS[name].short_label for name in NASBENCH201_OPERATIONS],
            y=[_edge_title(after.normal, place) for place in range(len(after.edges))],
            text=texts,
            texttemplate="%{text}",
            zmin=_FLOOR,
            zmax=0,
            colorscale=[[0, colors.tint(colors.accent, 0.04)], [1, colors.tint(colors.accent, 0.65)]],
            showscale=False,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
        )
    )
    style(figure, 400).update_yaxes(autorange="reversed", showgrid=False, ticks="")
    return figure.update_xaxes(showgrid=False, ticks="", title="in brackets: how far it moved; empty: not legal")


def _moved(new: float, old: float) -> str:
    """Return ``−3.1 (+1.2)``; "" for an illegal operation, no change if it was illegal before."""
    if not math.isfinite(new):
        return ""
    value = signed(new, 1).replace("±", "")
    return f"{value} ({signed(new - old, 1)})" if math.isfinite(old) else value


def _base(values: np.ndarray, column: int) -> list[float]:
    """Return the start of an operation's segment of the bar."""
    names = [INDEX[name] for name in NASBENCH201_OPERATIONS]
    return values[:, names[: names.index(column)]].sum(axis=1).tolist()


def _color(name: str) -> str:
    """Return the operation's colour; the two convolutions share a colour and differ here in lightness."""
    color = operation_color(name)
    return theme().tint(color, 0.55) if name == "conv_1x1" else color

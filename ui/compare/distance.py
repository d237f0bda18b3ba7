"""The distance to the optimum: figures, the three cells in one layout, and tables of all their columns."""

import streamlit as st

from nat_core.architecture.difference import difference
from nat_core.drawing.cells import draw_pair
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import optimality, rank
from nat_core.learning.nasbench201.quantities import QUANTITIES
from ui.compare.frames import accuracy_frame, cost_frame
from ui.compare.scatter import Marked
from ui.picture import picture
from ui.text import percent, signed
from ui.theme import theme

_ROLES = ("Input", "Policy's output", "Oracle")


def panel(marked: Marked) -> None:
    """Draw the figures on the dataset by which the policy chooses, then the three cells."""
    item = optimality(marked.before, marked.after, marked.data_set, marked.data_set, marked.rule)
    st.markdown(f"**How far from optimal**, {table.DATA_SETS[marked.data_set]}")
    left, right = st.columns(2)
    before, after = (f"{rank(code, marked.data_set):,}" for code in (marked.before, marked.after))
    recovered = "–" if item.recovered is None else percent(item.recovered)
    gain, color = f"{signed(item.gain)} points", _color(item.gain)
    _metric(left, "Accuracy (tabular)", f"{item.after:.2f} %", gain, color)
    _metric(right, "Possible gain recovered", recovered, f"{item.missing:.2f} points missing")
    if marked.recovered_area is not None:
        _metric(left, "Front recovered", percent(marked.recovered_area), "of the oracle's area")
        best = _best_within(marked)
        _metric(right, "Best at the output's MACs", f"{best:.2f} %", f"{best - item.after:.2f} points missing")
    _metric(left, "Rank among all cells", after, f"from {before}")
    _metric(right, "Reachable cells", f"{len(marked.reachable):,}", f"of {table.SIZE:,}")
    _drawings(marked)


def _best_within(marked: Marked) -> float:
    """Return the accuracy of the best reachable cell that costs no more than the output."""
    macs, accuracies = QUANTITIES["macs"].values, table.accuracies_percent(marked.data_set)
    return float(accuracies[marked.reachable[macs[marked.reachable] <= macs[marked.after]]].max())


def _metric(column, label: str, value: str, note: str, color: str = "gray") -> None:
    column.metric(label, value, note, delta_arrow="off", delta_color=color)


def _color(gain: float) -> str:
    return "gray" if abs(gain) < 0.005 else "green" if gain > 0 else "red"


def _drawings(marked: Marked) -> None:
    """Draw input, output and oracle in one layout, with changes marked."""
    cells = [table.architecture_of_code(code) for code in (marked.before, marked.after, marked.best)]
    normals = [architecture.normal for architecture in cells]
    plain, output = draw_pair(normals[0], normals[1], theme=theme().name)
    _, best = draw_pair(normals[0], normals[2], theme=theme().name)
    codes = (marked.before, marked.after, marked.best)
    for role, code, svg, cell in zip(_ROLES, codes, (plain, output, best), cells, strict=True):
        changed = len(difference(cells[0], cell))
        note = f", {changed} edge{'' if changed == 1 else 's'} changed" if role != "Input" else ""
        st.markdown(f"**{role}**: cell {table.benchmark_indices()[code]:,}{note}")
        picture(svg, key=f"compare-{role}")


def tables(marked: Marked) -> None:
    """Draw the tables of accuracies and of costs and latencies, side by side or, on a narrow page, stacked."""
    with st.container(horizontal=True, gap="large"):
        with st.container(width=540):
            _accuracies(marked)
        with st.container(width=680):
            _costs(marked)


def _accuracies(marked: Marked) -> None:
    st.markdown(f"**Accuracy in percent**, tabular, {table.EPOCHS} epochs")
    number = st.column_config.NumberColumn
    percents = {name: number(format="%.2f") for name in ("Input", "Output", "Oracle", "Limit")}
    st.dataframe(
        accuracy_frame(marked),
        hide_index=True,
        placeholder="–",
        column_config={**percents, "Recovered": number(format="%.1f %%", help="Gain ÷ the largest possible gain.")},
    )
    st.caption(
        f"*Oracle*: the best cell that legal transitions reach, by {table.DATA_SETS[marked.data_set]}, which chooses "
        "the output too. "
        "*Limit*: the best by the row's own data set."
    )


def _costs(marked: Marked) -> None:
    st.markdown("**Costs and latencies**")
    number = st.column_config.NumberColumn
    st.dataframe(
        cost_frame(marked),
        hide_index=True,
        height="content",
        column_config={
            **{name: number(format="%.2f") for name in ("Input", "Output", "Oracle")},
            "Change": number(format="%+.1f %%", help="Of the output against the input."),
        },
    )

"""Comparison of two architectures of the table: costs, both drawings in one layout, and the edges that differ."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import EdgeChange, aligned, difference
from nat_core.architecture.library import library
from nat_core.architecture.notation import shortest
from nat_core.architecture.operations import NULL, OPERATIONS
from nat_core.drawing.cells import CELL_TITLES, draw_pair
from nat_core.learning.comparison import Item, Row
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import Cost, cost_model
from ui import export, metrics
from ui.picture import picture
from ui.segments import segments
from ui.text import edge_label, plain
from ui.theme import SIDE_BY_SIDE, theme
from ui.view import in_file_name, open_in_transform

FIRST, SECOND = "first", "second"  # keys of the two, also in the address
_USUAL = ("DARTS", "NATv2_DARTS")


def two(table: Sequence[Row], network: NetworkConfig) -> None:
    """Draw the comparison of two rows of `table`, which all fit `network`; nothing if there are fewer than two."""
    if len(table) < 2:
        return
    st.markdown("**Two of them, edge by edge**")
    by_name = {row.item.name: row for row in table}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        before, after = (_chosen(key, by_name) for key in (FIRST, SECOND))
        names = [name for name, _ in before.item.architecture.cells]  # both cells, since one network uses them
        name = names[0]
        if len(names) > 1:
            name = segments("Cell", names, names[0], "two_cell", format_func=CELL_TITLES.__getitem__)
    _figures(before, after)
    _drawings(before, after, name)
    export.changes(
        before.item.architecture, after.item.architecture, in_file_name(f"{before.item.name} {after.item.name}")
    )
    frame = edge_frame(before.item.architecture, after.item.architecture, network)
    if frame.empty:
        st.caption("These two are the same, edge by edge.")
        return
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        frame,
        hide_index=True,
        height="content" if len(frame) <= 25 else 600,
        placeholder="–",
        column_config={"MACs before, M": number, "MACs after, M": number},
    )
    st.caption(
        f"Edges that differ, matched between the same two nodes; MACs in all cells of {network.description}. "
        "Allowed by: the rules, NAT's or NAT++'s, that know this change of operation; an absent edge counts as null."
    )


def cell_text(item: Item) -> str:
    """Return the address parameter by which Transform opens this architecture."""
    return item.name if item.name in library() else shortest(item.architecture)


def pick(name: str, derived_from: str | None) -> None:
    """Compare a clicked architecture with its input or, if it is an input, with the second one."""
    if derived_from:
        st.session_state.update({FIRST: derived_from, SECOND: name})
    else:
        st.session_state[FIRST] = name


def edge_frame(before: Architecture, after: Architecture, network: NetworkConfig) -> pd.DataFrame:
    """Return a row per differing edge; MACs in millions over the whole network, None for an absent edge."""
    model = cost_model(network)
    old, new = model.edge_costs(before), model.edge_costs(after)
    cells = dict(before.cells)
    return pd.DataFrame(
        {
            "Cell": change.cell,
            "Edge": edge_label(cells[change.cell], change.source, change.target),
            "Before": _operation(change.before),
            "After": _operation(change.after),
            "Change": change.kind,
            "MACs before, M": _macs(old, before, change, change.position_before),
            "MACs after, M": _macs(new, after, change, change.position_after),
            "Allowed by": ", ".join(title for rule, title in _RULES.items() if change.is_legal(rule)) or "none",
        }
        for change in difference(before, after)
    )


_RULES = {"nat": "NAT", "nat++": "NAT++"}


def _operation(name: str | None) -> str | None:
    return name and OPERATIONS[name].short_label


def _macs(costs: Sequence[Cost], of: Architecture, change: EdgeChange, position: int | None) -> float | None:
    if position is None:
        return None
    return costs[position + (len(of.normal.edges) if change.cell == "reduction" else 0)].macs / 1e6


def _chosen(key: str, by_name: dict[str, Row]) -> Row:
    names, usual = list(by_name), _USUAL[key == SECOND]
    start = names.index(usual) if usual in by_name else int(key == SECOND)
    name = st.selectbox(
        "Before" if key == FIRST else "After", names, start, key=key, width=280, bind="query-params",
        help=None if key == FIRST else "Or click a point of the chart.",
    )  # fmt: skip
    return by_name[name]


def _figures(before: Row, after: Row) -> None:
    """Draw the costs, all accuracies known for both, and the number of differing edges."""
    columns = iter(st.columns(5))
    metrics.show(next(columns), metrics.cost("MACs", before.cost.macs, after.cost.macs))
    metrics.show(next(columns), metrics.cost("Parameters", before.cost.parameters, after.cost.parameters))
    for kind in ("published", "measured"):
        old, new = (getattr(row, f"{kind}_accuracy_percent") for row in (before, after))
        if old is not None and new is not None:
            metrics.show(next(columns), metrics.accuracy(f"Accuracy ({kind})", old, new))
    edges = [change for change in aligned(before.item.architecture, after.item.architecture) if _is_there(change)]
    different = sum(change.kind != "unchanged" for change in edges)
    next(columns).metric("Edges that differ", f"{different} of {len(edges)}")


def _is_there(change: EdgeChange) -> bool:
    return {change.before, change.after} - {None, NULL} != set()


def _drawings(before: Row, after: Row, name: str) -> None:
    cells = [dict(row.item.architecture.cells)[name] for row in (before, after)]
    svgs = draw_pair(*cells, name, theme().name, responsive=False)
    with st.container(key=SIDE_BY_SIDE):
        columns = st.columns(2)
    for column, row, svg, side in zip(columns, (before, after), svgs, ("before", "after"), strict=True):
        with column:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(row.item.name)}**", width="content")
                open_in_transform("Open in Transform", cell_text(row.item))
            picture(svg, key=f"two-{side}")

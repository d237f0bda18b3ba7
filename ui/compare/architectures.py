"""The table of architectures: the library's and the visitor's own, on a network of any size, and pairs as arrows."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from nat_core.learning.comparison import Item, Row, free_name, library_items, rows
from nat_core.learning.scratch.measured import MeasuredAccuracy
from nat_core.network.config import FAMILIES, MAX_CHANNELS, MAX_LAYERS, NETWORKS, NetworkConfig
from ui import compute, notices
from ui.callback import callback
from ui.compare import outputs, own, pairs, two
from ui.compare.download import chart_config, csv_button, figure_format
from ui.compare.two import cell_text
from ui.segments import segments
from ui.text import plain
from ui.view import open_in_transform

_PAIRS = "pairs_chart"
_TABLE = "architectures_table"


def page() -> None:
    """Draw the network's size, the visitor's own architectures, the chart and the table."""
    try:
        network = _network()
    except ValueError as error:
        notices.problem(error, "No such network")
        return
    own.form()
    measured = _measured()
    known = (*library_items(), *own.items())
    table = rows((*known, *_ours(known)), network, measured)
    fitting = [row for row in table if row.cost is not None]
    if fitting:
        _chart(fitting, network, measured)
        two.two(fitting, network)
        _table(fitting, network, measured)
    else:
        st.info(f"No architecture here fits {network.description}. Add one above.", icon=":material/info:")
    if len(fitting) < len(table):
        st.caption(
            f"{len(table) - len(fitting)} architectures do not fit the {FAMILIES[network.family].title} network."
        )


def _network() -> NetworkConfig:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        family = segments("Network", list(FAMILIES), "cifar", "network", format_func=lambda name: FAMILIES[name].title)
        usual, stages = NETWORKS[family], FAMILIES[family].stages
        channels = st.number_input(
            "C, channels", 2, MAX_CHANNELS, usual.channels, 2, key=f"channels-{family}", width=140,
            bind="query-params",
        )  # fmt: skip
        layers = st.number_input(
            "L, cells", stages, MAX_LAYERS, usual.layers, stages, key=f"layers-{family}", width=140,
            bind="query-params",
        )  # fmt: skip
    return NetworkConfig(family, channels, layers, usual.resolution, usual.classes)


def _measured() -> MeasuredAccuracy | None:
    """Return trainings from scratch with one budget, shipped or from this machine; the visitor chooses among
    several.
    """
    try:
        sources = {source.budget: source for source in compute.measured()}
    except ValueError as error:
        st.warning(plain(f"Measured accuracies cannot be read: {error}."), icon=":material/warning:")
        return None
    if len(sources) < 2:
        return next(iter(sources.values()), None)
    titles = {name: source.title for name, source in sources.items()}
    if len(set(titles.values())) < len(titles):
        titles = {name: f"{source.title}: {source.description}" for name, source in sources.items()}
    chosen = st.selectbox(
        "Measured accuracies", list(titles), format_func=titles.get, key="budget_of_measured", width=420
    )
    return sources[chosen]


def _ours(items: Sequence[Item]) -> list[Item]:
    """Return the shipped policies' outputs for every item that is not a transformation itself."""
    made, cards = [], outputs.shipped()
    for item in items:
        policy = outputs.policy_name(item.architecture, cards) if item.derived_from is None else None
        if policy is not None:
            output = outputs.output(item.architecture, policy)
            name = free_name(f"{item.name}, ours", {other.name for other in (*items, *made)})
            made.append(Item(name, output, f"policy {policy}", item.name, "ours", rule=cards[policy].rule))
    return made


def _chart(table: Sequence[Row], network: NetworkConfig, measured: MeasuredAccuracy | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Up", pairs.HEIGHTS, format_func=lambda key: pairs.HEIGHTS[key].title, default="input",
            required=True, key="pairs_y", persist_state="session",
        )  # fmt: skip
        format = figure_format("pairs_format")
    height = pairs.HEIGHTS[name]
    if not pairs.shown(table, height):
        st.info(_EMPTY.get(name, "No architecture here has one."), icon=":material/info:")
    else:
        chart = pairs.figure(table, height, network)
        st.plotly_chart(
            chart,
            key=_PAIRS,
            on_select=callback(_PAIRS, lambda: _pick(table)),
            selection_mode="points",
            config=chart_config(f"architectures-{name}", format, int(chart.layout.height)),
            alt=f"Architectures: MACs against {height.title}",
        )
    st.caption(_notes(table, name, measured))


def _pick(table: Sequence[Row]) -> None:
    """Compare the architecture of a clicked point."""
    items = {row.item.name: row.item for row in table}
    for point in st.session_state[_PAIRS].selection.points[:1]:
        if item := items.get(point["customdata"][0]):
            two.pick(item.name, item.derived_from)


_EMPTY = {
    "measured": "No architecture here has been trained from scratch yet; the command `evaluate` does it.",
    "top5": "No architecture here has been trained on images of more than five classes.",
    "published": "No paper's result is known for an architecture that fits this network.",
}


def _notes(table: Sequence[Row], name: str, measured: MeasuredAccuracy | None) -> str:
    """Describe the chart's numbers, and name the architectures that no policy transforms."""
    kinds = {
        "input": "Every non-null edge counted, no auxiliary head.",
        "parameters": "Every non-null edge counted, no auxiliary head.",
        "published": "100 − the test error on CIFAR-10 that a paper prints, for its own network and training.",
        "measured": measured.description if measured else "",
        "top5": measured.description if measured else "",
    }
    without = {row.space for row in table if row.item.derived_from is None and not _has_output(row, table)}
    missing = (
        f" No policy ships for: {', '.join(sorted(filter(None, without)))}; so no arrow to ours." if without else ""
    )
    flagged = [row.item.name for row in pairs.shown(table, pairs.HEIGHTS[name]) if row.outside_rule]
    flag = (
        f" Open squares and diamonds: published changes outside the method's own rule ({', '.join(flagged)})."
        if flagged
        else ""
    )
    printed = any(row.item.method and row.published_accuracy_percent is not None for row in table)
    unknown = (
        " Results of NAT's and NAT++'s outputs are not in the library." if name == "published" and not printed else ""
    )
    return plain(kinds[name] + unknown + missing + flag)


def _has_output(row: Row, table: Sequence[Row]) -> bool:
    return any(other.item.derived_from == row.item.name and other.item.method == "ours" for other in table)


def _table(table: Sequence[Row], network: NetworkConfig, measured: MeasuredAccuracy | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(table)} architectures** on {network.description}")
        csv_button("Table as CSV", "architectures.csv", lambda: frame(table, network))
        _open(table)
    number = st.column_config.NumberColumn
    st.dataframe(
        frame(table, network).drop(columns="Network"),
        key=_TABLE,
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=560,
        placeholder="–",
        column_config={
            "MACs, M": number(format="%.1f", help="One multiply-add = 1; every non-null edge counted."),
            "Live MACs, M": number(format="%.1f", help="Without edges that reach no output."),
            "Parameters, M": number(format="%.2f"),
            "Accuracy (published), %": number(
                format="%.2f", help="100 − the test error on CIFAR-10 that a paper prints."
            ),
            "Accuracy (measured), %": number(format="%.2f", help=measured.description if measured else None),
            "Top-5 (measured), %": number(format="%.2f", help="The class is among the first five guesses."),
            "Published parameters, M": number(format="%.1f", help="As the paper prints them, for its own network."),
            "Outside the rule": st.column_config.TextColumn(help="Changes that the method's own rule does not allow."),
        },
    )
    st.caption("Published: " + "; ".join(sorted({row.item.published.cited_in for row in table if row.item.published})))


def _open(table: Sequence[Row]) -> None:
    """Offer to open the selected row on Transform; without a selection, explain the click."""
    selected = st.session_state.get(_TABLE)
    rows = [row for row in (selected.selection.rows if selected else ()) if row < len(table)]
    if rows:
        item = table[rows[0]].item
        open_in_transform(f"Open {plain(item.name)} in Transform", cell_text(item))
    else:
        st.caption("Select a row to open it in Transform.", width="content")


def frame(table: Sequence[Row], network: NetworkConfig) -> pd.DataFrame:
    """One line per row, with a column for each kind of accuracy."""
    return pd.DataFrame(
        {
            "Name": row.item.name,
            "Space": row.space or "none",
            "Method": row.item.method,
            "From": row.item.derived_from,
            "MACs, M": row.cost.macs / 1e6,
            "Live MACs, M": row.effective_cost.macs / 1e6,
            "Parameters, M": row.cost.parameters / 1e6,
            "Accuracy (published), %": row.published_accuracy_percent,
            "Published parameters, M": row.item.published.params_millions if row.item.published else None,
            "Accuracy (measured), %": row.measured_accuracy_percent,
            "Top-5 (measured), %": row.measured_top5_percent,
            "Outside the rule": ", ".join(row.outside_rule),
            "Network": network.description,
        }
        for row in table
    )

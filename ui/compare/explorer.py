"""The explorer of NAS-Bench-201: two axes, an input, the policy's output, and the best reachable output."""

import random
from collections.abc import Mapping
from typing import Any

import streamlit as st

from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import oracle_codes, reachable_codes, reachable_front
from nat_core.learning.nasbench201.quantities import QUANTITIES, Quantity
from nat_core.naming import resolve
from ui import notices
from ui.compare import distance, outputs
from ui.compare.download import chart_config, csv_button, figure_format
from ui.compare.frames import every_cell_frame, front_frame
from ui.compare.scatter import HEIGHT, Marked, scatter
from ui.text import percent
from ui.view import BENCHMARK_CELL

_HEIGHT = "cifar10_valid"  # initial vertical axis
_INDEX = "cell201"  # key of the input's benchmark number, also in the address
_CHART = "explorer_chart"


def page() -> None:
    """Draw the controls, the chart, and the output's distance to the optimum."""
    x, y = _controls()
    try:
        marked = _marked(_code(st.session_state[_INDEX]), x, y)
    except ValueError as error:
        notices.problem(error, "No policy transforms this cell")
        return
    columns = st.columns([3, 2], gap="large")
    with columns[0]:
        _chart(x, y, marked)
    with columns[1]:
        distance.panel(marked)
    distance.tables(marked)


def _first() -> int:
    """Return the benchmark number of the Transform page's cell, if it is one of the benchmark's."""
    view = st.session_state.get("view")
    current = resolve(view.cell if view else BENCHMARK_CELL)
    return table.index_of(current if table.mismatch(current) is None else resolve(BENCHMARK_CELL))


def _code(index: int) -> int:
    return int(table.codes([table.architecture_of_index(index)])[0])


def _controls():
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        names = list(QUANTITIES)
        x = st.selectbox("Across", names, key="x", format_func=_title, width=300, bind="query-params")
        y = st.selectbox(
            "Up", names, index=names.index(_HEIGHT), key="y", format_func=_title, width=300, bind="query-params"
        )
        st.number_input(
            "Input",
            0,
            table.SIZE - 1,
            _first(),
            key=_INDEX,
            width=140,
            bind="query-params",
            help="The benchmark's number of the cell; or click a point.",
        )
        st.button("Random", help="A cell drawn uniformly from all 15,625", on_click=_draw)
        st.segmented_control(
            "Policy's output",
            outputs.CHOICES,
            format_func=outputs.CHOICES.get,
            default=outputs.FIRST,
            required=True,
            key="output",
            bind="query-params",
        )
    return QUANTITIES[x], QUANTITIES[y]


def _title(name: str) -> str:
    return QUANTITIES[name].title


def _draw() -> None:
    st.session_state[_INDEX] = random.randrange(table.SIZE)


def _marked(code: int, x: Quantity, y: Quantity) -> Marked:
    """Return the input with the outputs of the policy and of the oracle, for the policy's rule and dataset."""
    after, card = outputs.output_code(code, st.session_state["output"]), outputs.benchmark_card()
    best, reachable = int(oracle_codes(card.data_set, card.rule)[code]), reachable_codes(code, card.rule)
    fronts, share = {}, None
    if x.kind != "accuracy" and y.name == card.data_set:
        own, best_front = outputs.front_codes(code, x.name), reachable_front(code, x.values, y.name, card.rule)
        inside = [other for other in best_front if x.values[other] <= x.values[code]]
        share = outputs.recovered_area(code, own, inside, x.values, y.values)
        told = "" if share is None else f", {percent(share)} of the oracle's area"
        fronts = {f"Policy's front{told}": own, "Oracle's front": inside}
    return Marked(code, after, best, reachable, card.data_set, card.rule, fronts, share)


def _chart(x, y, marked: Marked) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        format = figure_format("explorer_format")
        csv_button("All cells as CSV", "nasbench201.csv", every_cell_frame)
        csv_button("Pareto front as CSV", "pareto-front.csv", lambda: front_frame(x, y))
        reach = st.toggle("Reachable cells", value=True, key="reachable", bind="query-params")
    st.plotly_chart(
        scatter(x, y, marked, reach),
        key=_CHART,
        on_select=_pick,
        selection_mode="points",
        config=chart_config(f"nasbench201-{x.name}-{y.name}", format, HEIGHT),
        alt=f"All cells of NAS-Bench-201: {x.label} against {y.label}",
    )
    sources = dict.fromkeys(f"{column.title} {column.source}." for column in (x, y))
    st.caption(
        f"{' '.join(sources)} As on Transform: the cheapest that is as good as the input; greedy: the policy's most "
        "probable output; best of 10 or 100: of that many most probable ones the most accurate by "
        f"{table.DATA_SETS[marked.data_set]}. A click makes a cell the input; a double click shows all."
    )


def _pick() -> None:
    """Make the cell of a clicked point the input."""
    codes = [code for point in st.session_state[_CHART].selection.points if (code := picked_code(point)) is not None]
    if codes:
        st.session_state[_INDEX] = int(table.benchmark_indices()[codes[0]])


def picked_code(point: Mapping[str, Any]) -> int | None:
    """Return a clicked point's code; Plotly sends a typed array as a mapping of positions, a list as a list."""
    data = point.get("customdata")
    found = data.get("0") if isinstance(data, Mapping) else data[0] if data else None
    return int(found) if found is not None and 0 <= int(found) < table.SIZE else None

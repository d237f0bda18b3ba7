"""Input and output side by side: figures above, drawings in one frozen layout below."""

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import difference
from nat_core.architecture.drawing import draw_cell, draw_pair
from nat_core.learning.table import DATA_SETS, TabularAccuracy
from nat_core.network.costs import Cost
from nat_core.transform import Candidate, Transformation
from ui import compute
from ui.cell_drawing import cell_drawing
from ui.text import millions, relative, signed
from ui.theme import theme


def side_by_side(outcome: Transformation, shown: Candidate) -> None:
    """Metrics with their changes, then both drawings."""
    before, factor = outcome.input, _flops_factor()
    unit = "FLOPs" if factor == 2 else "MACs"
    columns = st.columns(5)
    _cost_metric(columns[0], unit, before.cost.macs * factor, shown.cost.macs * factor)
    _cost_metric(columns[1], "Parameters", before.cost.parameters, shown.cost.parameters)
    if shown.accuracy_percent is not None and before.accuracy_percent is not None:
        gain = shown.accuracy_percent - before.accuracy_percent
        _accuracy_metric(columns[2], f"{_data_set(outcome)} ({outcome.accuracy_kind})", before.accuracy_percent, gain)
        _test_metric(columns[3], before.architecture, shown.architecture)
    changes = difference(before.architecture, shown.architecture)
    columns[4].metric("Edges changed", f"{len(changes)} of {len(before.architecture.edges)}")
    st.caption(_conditions(outcome, before, shown, unit))
    st.markdown(f"**{_verdict(outcome, shown)}**")
    name, show_null = _drawing_options(before.architecture)
    old, new = dict(before.architecture.cells)[name], dict(shown.architecture.cells)[name]
    svgs = draw_pair(old, new, name, theme().name, show_null, responsive=False)
    for column, title, svg, side in zip(st.columns(2), ("Input", "Output"), svgs, ("before", "after"), strict=True):
        with column:
            st.markdown(f"**{title}**")
            cell_drawing(svg, key=f"drawing-{side}", on_edge=_edge_selector(before.architecture, name))


def input_only(architecture: Architecture) -> None:
    """Cost and drawings of an architecture that cannot be transformed here."""
    network = compute.default_network(architecture)
    if network is not None:
        raw, effective = compute.costs(architecture, network)
        factor = _flops_factor()
        unit = "FLOPs" if factor == 2 else "MACs"
        columns = st.columns(5)
        columns[0].metric(unit, millions(raw.macs, factor))
        columns[1].metric("Parameters", millions(raw.parameters))
        st.caption(f"{network.description}. {_convention(unit)}{_dead(raw, effective, factor)}")
    for name, cell in architecture.cells:
        st.markdown(f"**{_CELL_TITLES[name] if architecture.reduction else 'Cell'}**")
        cell_drawing(draw_cell(cell, "svg", name, theme().name).decode(), key=f"drawing-{name}")


_CELL_TITLES = {"normal": "Normal cell", "reduction": "Reduction cell"}


def _cost_metric(column, label: str, before: int, after: int) -> None:
    delta = f"{relative(after, before)} of {millions(before)}"
    _metric(column, label, millions(after), delta, better=after < before, same=after == before)


def _accuracy_metric(column, label: str, before: float, gain: float) -> None:
    delta = f"{signed(gain)} points on {before:.2f} %"
    _metric(column, label, f"{before + gain:.2f} %", delta, better=gain > 0, same=abs(gain) < 0.005)


def _metric(column, label: str, value: str, delta: str, better: bool, same: bool) -> None:
    """A figure and its change; the sign says what the colour says."""
    color = "gray" if same else "green" if better else "red"
    column.metric(label, value, delta, delta_color=color, delta_arrow="off")


def _data_set(outcome: Transformation) -> str:
    """``CIFAR-10 validation`` of a source described as "NAS-Bench-201: CIFAR-10 validation, 12 epochs"."""
    return (outcome.accuracy_description or "").partition(": ")[2].partition(",")[0] or "Accuracy"


def _test_metric(column, before: Architecture, after: Architecture) -> None:
    """CIFAR-10 test accuracy where the benchmark has it: reported, never used to choose."""
    test = TabularAccuracy("cifar10_test")
    if test.mismatch(before) is None:
        old, new = test.accuracy_percent([before, after])
        _accuracy_metric(column, f"{DATA_SETS['cifar10_test']} (tabular)", old, new - old)


def _flops_factor() -> int:
    return 2 if st.session_state.get("flops") else 1


def _convention(unit: str) -> str:
    counted = "one multiply-add = 1" if unit == "MACs" else "FLOPs = 2 × MACs"
    return f"{unit} of convolutions and linear layers, {counted}."


def _dead(raw: Cost, effective: Cost, factor: int) -> str:
    return "" if raw == effective else f" Without edges that reach no output: {millions(effective.macs, factor)}."


def _conditions(outcome: Transformation, before: Candidate, shown: Candidate, unit: str) -> str:
    """What every number above is measured on."""
    factor = 2 if unit == "FLOPs" else 1
    accuracy = f" Accuracy: {outcome.accuracy_description} ({outcome.accuracy_kind})." if outcome.accuracy_kind else ""
    dead = _dead(shown.cost, shown.effective_cost, factor)
    return f"{outcome.network.description}. {_convention(unit)}{accuracy}{dead}"


def _verdict(outcome: Transformation, shown: Candidate) -> str:
    if shown.architecture == outcome.output.architecture:
        return outcome.verdict
    rank = outcome.candidates.index(shown) + 1
    return f"Showing candidate {rank} of {len(outcome.candidates)}; the best one is candidate 1."


def _drawing_options(architecture: Architecture) -> tuple[str, bool]:
    """Which cell is drawn, and whether with its null edges."""
    names = [name for name, _ in architecture.cells]
    with st.container(horizontal=True, vertical_alignment="center"):
        name = names[0]
        if len(names) > 1:
            name = st.segmented_control(
                "Cell",
                names,
                format_func=_CELL_TITLES.get,
                default="normal",
                required=True,
                key="cell_name",
                label_visibility="collapsed",
                persist_state="session",
            )
        hidden = st.toggle("Hide null edges", key="hide_null", persist_state="session")
        st.toggle("FLOPs instead of MACs", key="flops", persist_state="session", help="FLOPs = 2 × MACs")
    return name, not hidden


def _edge_selector(architecture: Architecture, name: str):
    offset = 0 if name == "normal" else len(architecture.normal.edges)

    def select(position: int) -> None:
        st.session_state["edge"] = offset + position

    return select

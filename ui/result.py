"""What a transformation comes to: figures with their changes, and on what they were counted."""

import contextlib

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import difference
from nat_core.learning.table import DATA_SETS, TabularAccuracy
from nat_core.network.costs import Cost
from nat_core.transform import Candidate, Transformation
from ui import compute, steps
from ui.compute import Answer
from ui.text import millions, plain, relative, signed


def figures(answer: Answer, shown: Candidate) -> None:
    """Metrics with their changes, their conditions, and the verdict in one sentence."""
    outcome = answer.progress.outcome
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
    st.caption(plain(_conditions(outcome, before, shown, unit)))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{_verdict(answer, shown)}**", width="content")
        steps.use_output(shown)


def input_figures(architecture: Architecture) -> None:
    """Costs of an architecture that cannot be transformed here."""
    network = compute.default_network(architecture)
    if network is None:
        st.caption("No network here is made of such cells, so nothing can be counted.")
        return
    raw, effective = compute.costs(architecture, network)
    factor = _flops_factor()
    unit = "FLOPs" if factor == 2 else "MACs"
    columns = st.columns(5)
    columns[0].metric(unit, millions(raw.macs, factor))
    columns[1].metric("Parameters", millions(raw.parameters))
    st.caption(f"{network.description}. {_convention(unit)}{_dead(raw, effective, factor)}")


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
    if outcome.accuracy_kind != "tabular":
        return "Accuracy"
    return (outcome.accuracy_description or "").partition(": ")[2].partition(",")[0] or "Accuracy"


def _test_metric(column, before: Architecture, after: Architecture) -> None:
    """Test accuracy where the benchmark has it, or both were trained from scratch: reported, never used to choose."""
    test = TabularAccuracy("cifar10_test")
    if test.mismatch(before) is None:
        old, new = test.accuracy_percent([before, after])
        _accuracy_metric(column, f"{DATA_SETS['cifar10_test']} (tabular)", old, new - old)
        return
    with contextlib.suppress(ValueError):  # Compare says what is wrong with the table
        known = [source for source in compute.measured() if not source.mismatch(before) and not source.mismatch(after)]
        if known:
            old, new = known[0].accuracy_percent([before, after])
            _accuracy_metric(column, "Trained from scratch (measured)", old, new - old)
            column.caption(plain(known[0].description))


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


def _verdict(answer: Answer, shown: Candidate) -> str:
    outcome = answer.progress.outcome
    if shown.number == outcome.output.number:
        if answer.progress.state == "finished":
            return outcome.verdict
        judged = sum(item.accuracy_percent is not None for item in outcome.candidates)
        return f"The best of {judged} judged so far." if judged else "The most probable transformation, not judged yet."
    rank = outcome.candidates.index(shown) + 1
    return f"Showing candidate {rank} of {len(outcome.candidates)}; the best one is candidate 1."

"""What a transformation comes to: figures with their changes, and on what they were counted."""

import contextlib
from collections.abc import Iterator

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import difference
from nat_core.learning.nasbench201.table import DATA_SETS, TabularAccuracy
from nat_core.network.costs import Cost
from nat_core.transform import Candidate, Transformation
from ui import compute, metrics, steps
from ui.compute import Answer
from ui.text import millions, plain
from ui.unit import MACS, Unit, unit


def figures(answer: Answer, shown: Candidate) -> None:
    """Metrics with their changes, their conditions, and the verdict in one sentence."""
    outcome = answer.progress.outcome
    before, counted = outcome.input, unit()
    columns = iter(st.columns(5))
    costs = before.cost.macs * counted.per_mac, shown.cost.macs * counted.per_mac
    metrics.cost(next(columns), counted.name, *costs)
    metrics.cost(next(columns), "Parameters", before.cost.parameters, shown.cost.parameters)
    measured = ""
    if shown.accuracy_percent is not None and before.accuracy_percent is not None:
        label = f"{_data_set(outcome)} ({outcome.accuracy_kind})"
        metrics.accuracy(next(columns), label, before.accuracy_percent, shown.accuracy_percent)
        measured = _test_metric(columns, before.architecture, shown.architecture)
    changes = difference(before.architecture, shown.architecture)
    next(columns).metric("Edges changed", f"{len(changes)} of {len(before.architecture.edges)}")
    st.caption(plain(_conditions(outcome, shown, counted) + measured))
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
    counted, columns = unit(), st.columns(5)
    columns[0].metric(counted.name, millions(raw.macs, counted.per_mac))
    columns[1].metric("Parameters", millions(raw.parameters))
    st.caption(f"{network.description}. {_convention(counted)}{_dead(raw, effective, counted)}")


def _data_set(outcome: Transformation) -> str:
    """``CIFAR-10 validation`` of a source described as "NAS-Bench-201: CIFAR-10 validation, 12 epochs"."""
    if outcome.accuracy_kind != "tabular":
        return "Accuracy"
    return (outcome.accuracy_description or "").partition(": ")[2].partition(",")[0] or "Accuracy"


def _test_metric(columns: Iterator, before: Architecture, after: Architecture) -> str:
    """Test accuracy where the benchmark has it, or both were trained from scratch: reported, never used to choose.

    Args:
        columns: takes the next one if there is such an accuracy.
        before, after: the architectures.

    Returns:
        How they were trained, if here: a sentence for the conditions below.
    """
    test = TabularAccuracy("cifar10_test")
    if test.mismatch(before) is None:
        old, new = test.accuracy_percent([before, after])
        metrics.accuracy(next(columns), f"{DATA_SETS['cifar10_test']} (tabular)", old, new)
        return ""
    with contextlib.suppress(ValueError):  # Compare says what is wrong with the table
        known = [source for source in compute.measured() if not source.mismatch(before) and not source.mismatch(after)]
        if known:
            old, new = known[0].accuracy_percent([before, after])
            metrics.accuracy(next(columns), "From scratch (measured)", old, new)
            return f" Measured: {known[0].description}."
    return ""


def _convention(counted: Unit) -> str:
    rule = "one multiply-add = 1" if counted == MACS else "FLOPs = 2 × MACs"
    return f"{counted.name} of convolutions and linear layers, {rule}."


def _dead(raw: Cost, effective: Cost, counted: Unit) -> str:
    return "" if raw == effective else f" Without edges that reach no output: {counted.text(effective.macs)}."


def _conditions(outcome: Transformation, shown: Candidate, counted: Unit) -> str:
    """What every number above is measured on."""
    accuracy = f" Accuracy: {outcome.accuracy_description} ({outcome.accuracy_kind})." if outcome.accuracy_kind else ""
    dead = _dead(shown.cost, shown.effective_cost, counted)
    return f"{outcome.network.description}. {_convention(counted)}{accuracy}{dead}"


def _verdict(answer: Answer, shown: Candidate) -> str:
    outcome = answer.progress.outcome
    if shown.number == outcome.output.number:
        if answer.progress.state == "finished":
            return outcome.verdict
        judged = sum(item.accuracy_percent is not None for item in outcome.candidates)
        return f"The best of {judged} judged so far." if judged else "The most probable transformation, not judged yet."
    rank = outcome.candidates.index(shown) + 1
    first = "the most probable" if outcome.accuracy_kind is None else "the best"
    return f"Showing candidate {rank} of {len(outcome.candidates)}; {first} one is candidate 1."

"""The result of a transformation: figures with their changes, and where they were counted."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import difference
from nat_core.learning.nasbench201 import table
from nat_core.network.costs import Cost
from nat_core.transformation import Candidate, Transformation
from nat_core.verdicts import compared, demonstration
from ui import along, compute, front, metrics, scratch, steps
from ui.along import Figure, Sayings
from ui.compute import Answer, Published
from ui.text import millions, plain, signed, unbroken
from ui.unit import MACS, Unit, unit


def panel(answer: Answer, shown: Candidate, published: Sequence[Published]) -> None:
    """Draw the verdict in one sentence, the figures with their changes, and the actions for the output."""
    outcome = answer.progress.outcome
    points = {item.number: sayings(answer, item) for item in front.along(outcome, shown)}
    along.figures(points, front.place(outcome, shown))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if outcome.accuracy_description:
            st.caption(plain(_briefly(outcome.accuracy_description)), width="content")
        with st.popover("What the numbers mean", type="tertiary"):
            st.markdown(plain(_conditions(outcome, shown, unit(), _measured(outcome, shown))))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        steps.use_output(shown)
        scratch.button(outcome, shown, published)
    scratch.progress(outcome, shown)


def sayings(answer: Answer, item: Candidate) -> Sayings:
    """Return the verdict and the figures for a candidate as the output."""
    outcome, counted = answer.progress.outcome, unit()
    before, measured = outcome.input, _measured(outcome, item)
    doubt = _demonstration(answer, item)
    found = [
        metrics.cost(counted.name, before.cost.macs * counted.per_mac, item.cost.macs * counted.per_mac),
        metrics.cost("Parameters", before.cost.parameters, item.cost.parameters),
    ]
    if item.accuracy_percent is not None and before.accuracy_percent is not None:
        label = f"{_data_set(outcome)} ({outcome.accuracy_kind})"
        found.append(metrics.accuracy(label, before.accuracy_percent, item.accuracy_percent, bool(doubt)))
    changed = len(difference(before.architecture, item.architecture))
    found.append(Figure("Edges changed", f"{changed} of {len(before.architecture.edges)}"))
    if measured:
        found.append(metrics.accuracy(measured.label, *measured.pair, measured.is_demonstration))
    return Sayings(unbroken(_verdict(answer, item, measured)), tuple(found))


def input_figures(architecture: Architecture) -> None:
    """Draw the costs of an architecture that cannot be transformed here."""
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
    """Return ``CIFAR-10 validation`` for a source described as "NAS-Bench-201: CIFAR-10 validation, 12 epochs"."""
    if outcome.accuracy_kind != "tabular":
        return "Accuracy"
    return (outcome.accuracy_description or "").partition(": ")[2].partition(",")[0] or "Accuracy"


@dataclass(frozen=True)
class _Measured:
    """Measured accuracies of input and output: reported, never used for selection.

    Attributes:
        label: label of the figure.
        pair: accuracies of input and output, in percent.
        about: sentence about their training; empty for a benchmark's.
        is_demonstration: whether the training was only a demonstration.
    """

    label: str
    pair: tuple[float, float]
    about: str = ""
    is_demonstration: bool = False


def _measured(outcome: Transformation, shown: Candidate) -> _Measured | None:
    """Return accuracies on test images, from the benchmark or from trainings from scratch with one budget."""
    pair = [outcome.input.architecture, shown.architecture]
    if table.mismatch(pair[0]) is None:  # checked first, since reading the table takes a tenth of a second
        old, new = table.TabularAccuracy("cifar10_test").accuracy_percent(pair)
        return _Measured(f"{table.DATA_SETS['cifar10_test']} (tabular)", (float(old), float(new)))
    with contextlib.suppress(ValueError):  # Compare shows the table's error
        sources = compute.measured() if compute.has_measured() else ()
        known = [source for source in sources if not any(map(source.mismatch, pair))]
        if known:
            old, new = known[0].accuracy_percent(pair)
            label = f"From scratch (measured{', a demonstration' if known[0].is_demonstration else ''})"
            return _Measured(label, (float(old), float(new)), known[0].description, known[0].is_demonstration)
    return None


def _briefly(description: str) -> str:
    """Return a source's description without its bracketed parts."""
    return re.sub(r"\s*\([^)]*\)", "", description)


def _convention(counted: Unit) -> str:
    rule = "one multiply-add = 1" if counted == MACS else "FLOPs = 2 × MACs"
    return f"{counted.name} of convolutions and linear layers, {rule}."


def _dead(raw: Cost, effective: Cost, counted: Unit) -> str:
    return "" if raw == effective else f" Without edges that reach no output: {counted.text(effective.macs)}."


def _conditions(outcome: Transformation, shown: Candidate, counted: Unit, measured: _Measured | None) -> str:
    """Return a text on how the numbers above were measured."""
    accuracy = f" Accuracy: {outcome.accuracy_description} ({outcome.accuracy_kind})." if outcome.accuracy_kind else ""
    band = " The band is one standard error of the difference to the input." if shown.gain_error_points else ""
    dead = _dead(shown.cost, shown.effective_cost, counted)
    trained = f" Measured: {measured.about}." if measured and measured.about else ""
    tried = f" {outcome.verdict}" if shown.number == outcome.output.number else ""
    return f"{outcome.network.description}. {_convention(counted)}{accuracy}{band}{dead}{trained}{tried}"


def _verdict(answer: Answer, shown: Candidate, measured: _Measured | None) -> str:
    """Return one sentence with numbers about the shown candidate."""
    outcome = answer.progress.outcome
    is_first = shown.number == outcome.output.number
    if is_first and answer.progress.state != "finished":
        evaluated = sum(item.accuracy_percent is not None for item in outcome.candidates)
        return (
            f"The first of {evaluated} evaluated so far."
            if evaluated
            else "The most probable transformation, not evaluated yet."
        )
    if shown.number == outcome.input.number:
        return outcome.verdict if is_first else "The input as it is."
    doubt = "" if shown.is_believable else "; few cells like it have been trained"
    trained = ""
    if measured and measured.about:
        what = "trained for a demonstration" if measured.is_demonstration else "trained from scratch"
        trained = f"; {what}, {signed(measured.pair[1] - measured.pair[0])} points"
    said = ", ".join(filter(None, (compared(outcome.input, shown, unit().name), _demonstration(answer, shown))))
    return f"{said}{doubt}{trained}."


def _demonstration(answer: Answer, item: Candidate) -> str:
    """Return why the gain is only a demonstration, or ""."""
    outcome = answer.progress.outcome
    return demonstration(outcome.input, item, outcome.chance_percent, answer.is_short)

"""The benchmark's data on input and output: accuracy per dataset, latency per device."""

import streamlit as st

from nat_core.learning.nasbench201 import table
from nat_core.transformation import Candidate, Transformation


def has(outcome: Transformation) -> bool:
    """Return whether the input, and so every transformation of it, is in the benchmark."""
    return table.mismatch(outcome.input.architecture) is None


def benchmark(outcome: Transformation, shown: Candidate) -> None:
    """Draw accuracies (tabular) and latencies (measured) of a NAS-Bench-201 input and output."""
    pair = [outcome.input.architecture, shown.architecture]
    before, after = table.codes(pair)
    columns = st.columns(2)
    with columns[0]:
        st.markdown(f"**Accuracy**, tabular, {table.EPOCHS} epochs")
        rows = {title: table.accuracies_percent(name) for name, title in table.DATA_SETS.items()}
        st.dataframe(
            _frame("Data set", rows, before, after), hide_index=True, column_config=_columns("%.2f %%", "points")
        )
        st.caption("CIFAR-10 validation chooses; test accuracies are reported only.")
    with columns[1]:
        st.markdown("**Latency**, measured for HELP (Lee et al., 2021)")
        rows = {title: table.latencies_ms(name) for name, title in table.DEVICES.items()}
        st.dataframe(_frame("Device", rows, before, after), hide_index=True, column_config=_columns("%.2f ms", "ms"))


def _frame(label: str, rows: dict, before: int, after: int) -> list[dict]:
    values = [(title, float(column[before]), float(column[after])) for title, column in rows.items()]
    return [{label: t, "Input": old, "Output": new, "Change": new - old} for t, old, new in values]


def _columns(number_format: str, unit_of_change: str) -> dict:
    formats = {"Input": number_format, "Output": number_format, "Change": f"%+.2f {unit_of_change}"}
    return {name: st.column_config.NumberColumn(format=value) for name, value in formats.items()}

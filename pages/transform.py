"""Transform: a cell goes in, a better cell comes out."""

import streamlit as st

from ui import candidates, choose, edges, export, figures, result, settings, view

view.restore()
st.title("Transform a cell", anchor=False)
architecture = choose.architecture()
outcome = settings.transformation(architecture)
if outcome is None:
    result.input_only(architecture)
else:
    shown = candidates.shown(outcome)
    result.side_by_side(outcome, shown)
    tabs = st.tabs(["Edges", "Probabilities", "Candidates", "Benchmark", "Export"])
    with tabs[0]:
        edges.table(outcome, shown)
    with tabs[1]:
        edges.probabilities(outcome)
    with tabs[2]:
        candidates.chart_and_table(outcome, shown)
    with tabs[3]:
        figures.benchmark(outcome, shown)
    with tabs[4]:
        export.transformation(outcome, shown)
view.remember()

"""Transform: a cell goes in, a better cell comes out."""

import streamlit as st

from ui import (
    candidates,
    choose,
    compute,
    drawings,
    edges,
    editor,
    export,
    figures,
    measuring,
    provenance,
    result,
    settings,
    shell,
    steps,
    view,
)

shell.require_app()
view.restore()
st.title("Transform a cell", anchor=False)
architecture = choose.architecture()
provenance.note(st.session_state["cell"])
answer = settings.transformation(architecture)
if answer is None:
    result.input_figures(architecture)
    drawings.options(architecture, with_output=False)
    editor.restore_part(architecture)
    drawings.single(architecture)
    editor.editor(architecture, None)
    tabs = st.tabs(["History", "Export"])
    with tabs[0]:
        steps.table()
    with tabs[1]:
        export.one(architecture, compute.default_network(architecture))
else:
    outcome = answer.progress.outcome
    shown = candidates.shown(outcome)
    result.figures(answer, shown)
    measuring.watch(answer)
    drawings.options(architecture, with_output=True)
    editor.restore_part(architecture)
    drawings.pair(architecture, shown.architecture)
    editor.editor(architecture, outcome.distribution)
    views = {
        "Edges": lambda: edges.table(outcome, shown),
        "Probabilities": lambda: edges.probabilities(outcome, shown),
        "Candidates": lambda: candidates.chart_and_table(outcome, shown),
        "Benchmark": lambda: figures.benchmark(outcome, shown),
        "History": steps.table,
        "Export": lambda: export.transformation(outcome, shown),
    }
    if not figures.has(outcome):
        del views["Benchmark"]
    for tab, draw in zip(st.tabs(list(views)), views.values(), strict=True):
        with tab:
            draw()
view.remember()

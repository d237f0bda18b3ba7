"""Transform: computes a policy's trade-off for an input cell."""

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
    front,
    measuring,
    policies,
    provenance,
    result,
    settings,
    shell,
    steps,
    tabs,
    theme,
    view,
)

shell.require_app()
view.restore()
st.title("Transform a cell", anchor=False)
st.caption(
    "Neural Architecture Transformer: as accurate for fewer multiply-adds. "
    "Papers: [NAT](https://arxiv.org/abs/1910.14488), [NAT++](https://arxiv.org/abs/2102.10301)."
)
architecture = choose.architecture()
provenance.note(st.session_state["cell"], architecture)
chosen = settings.settings(architecture)
answer = chosen and settings.transformation(architecture, chosen)
if chosen is None or answer is None:
    result.input_figures(architecture)
    drawings.options(architecture, with_output=False)
    editor.restore_part(architecture, drawings.order(architecture))
    edited = editor.edited(architecture, None)
    drawings.single(edited)
    editor.controls(edited)
    exported = compute.default_network(architecture)
    tabs.tabs({"History": steps.table, "Export": lambda: export.one(architecture, exported)}, "tab")
    if chosen is None:
        advanced = st.expander("Advanced", key="advanced", on_change="rerun", icon=":material/tune:")
        if advanced.open:
            with advanced:
                policies.controls(None)
    view.remember()
else:
    outcome = answer.progress.outcome
    shown = candidates.shown(outcome)
    published = compute.published(outcome, chosen.policy)
    with st.container(key=theme.FRONT):
        left, right = st.columns([3, 2], gap="large")
        with left:
            front.panel(outcome, shown, chosen, published)
        with right:
            result.panel(answer, shown, published)
    measuring.watch(answer)
    drawings.options(architecture, with_output=True)
    editor.restore_part(architecture, drawings.order(architecture, outcome.output.architecture))
    told = compute.told_budget(outcome, shown, chosen.policy, chosen.device)
    edited = editor.edited(architecture, told.distribution)
    drawings.pair(outcome, shown, edited)
    is_evaluated = answer.progress.state != "running"
    if not compute.has_measured():
        compute.wait_while_the_first_page_is_drawn()
    if compute.load_measured():  # what stands below follows
        if is_evaluated:
            drawings.prepare(outcome, shown)
        st.rerun()
    editor.controls(edited)
    views = {
        "Edges": lambda: edges.table(told, shown, compute.worth_of_changes(outcome, shown, chosen.policy)),
        "Probabilities": lambda: edges.probabilities(told, shown),
        "Benchmark": lambda: figures.benchmark(outcome, shown),
        "History": steps.table,
        "Export": lambda: export.transformation(outcome, shown),
    }
    if not figures.has(outcome):
        del views["Benchmark"]
    tabs.tabs(views, "tab")
    advanced = st.expander("Advanced", key="advanced", on_change="rerun", icon=":material/tune:")
    if advanced.open:
        with advanced:
            settings.controls(chosen)
            policies.controls(chosen.policy)
            candidates.table(outcome, shown)
    view.remember()
    if is_evaluated and drawings.prepare(outcome, shown):
        st.rerun()

"""Train: launch, watch, stop and resume trainings of policies and architectures, and use the results."""

import streamlit as st

from nat_core import demo
from ui import public, shell
from ui.train import form, live, scratch_form, toolbar
from ui.train.board import board

shell.require_app()

st.title("Train a policy", anchor=False)
if demo.is_public():
    st.info(public.why_not(), icon=":material/info:")
    st.stop()
runs = board()
found = runs.runs()
st.session_state.setdefault("train_open", not found)
new = st.expander("New run", key="train_open", on_change="rerun", icon=":material/add:")
if new.open:  # its estimate may calibrate the machine first, which must not delay the table
    with new:
        form.new_run(runs)
scratch = st.expander("Train from scratch", key="evaluate_open", on_change="rerun", icon=":material/model_training:")
if scratch.open:
    with scratch:
        scratch_form.new_evaluation(runs)
if found:
    left = toolbar.filtered(found)
    live.follow(runs, left, toolbar.shown(runs, found))
else:
    st.caption("No run yet. Runs launched here or by the command train appear here.")

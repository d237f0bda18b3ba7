"""Learn: the method in five short steps."""

import streamlit as st

from ui import shell
from ui.learn import steps

shell.require_app()
st.title("How it works", anchor=False)
steps.page()

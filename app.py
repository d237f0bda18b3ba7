"""NAT Lab: start with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from ui.theme import apply_css

st.set_page_config(page_title="NAT Lab", page_icon=str(Path(__file__).parent / "ui" / "icon.png"), layout="wide")
apply_css()
st.navigation([st.Page("pages/transform.py", title="Transform", default=True)], position="hidden").run()

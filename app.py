"""NAT Lab: start with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from ui import login, shell
from ui.theme import apply_css

st.set_page_config(page_title="NAT Lab", page_icon=str(Path(__file__).parent / "ui" / "icon.png"), layout="wide")
apply_css()
login.require()
shell.enter()
# File in pages/ to title; the first opens first.
_PAGES = {"transform": "Transform", "compare": "Compare", "train": "Train", "learn": "Learn"}
page = st.navigation(
    [st.Page(f"pages/{name}.py", title=title, default=name == "transform") for name, title in _PAGES.items()],
    position="top",
)
shell.show(page)
login.show()

"""NAT Lab: start with `streamlit run app.py`."""

import streamlit as st

st.set_page_config(page_title="NAT Lab", page_icon=":material/account_tree:", layout="wide")

st.navigation(
    [st.Page("pages/transform.py", title="Transform", icon=":material/transform:", default=True)],
    position="top",
).run()

"""Compare: what cells cost and how accurate they are, beside everything that could be made of them."""

import streamlit as st

from ui import shell
from ui.compare import architectures, explorer, fronts

shell.require_app()
_VIEWS = {"nasbench201": "NAS-Bench-201", "architectures": "Architectures", "fronts": "Fronts"}

st.title("Compare cells", anchor=False)
view = st.segmented_control(
    "View", _VIEWS, format_func=_VIEWS.get, default="nasbench201", required=True, key="compare", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
{"nasbench201": explorer, "architectures": architectures, "fronts": fronts}[view].page()

"""Compare: costs and accuracies of cells, their transformations and all alternatives."""

import streamlit as st

from ui import shell
from ui.compare import architectures, explorer, fronts
from ui.segments import segments

shell.require_app()
_VIEWS = {"nasbench201": "NAS-Bench-201", "architectures": "Architectures", "fronts": "Fronts"}

st.title("Compare cells", anchor=False)
view = segments(
    "View", list(_VIEWS), "nasbench201", "compare", format_func=_VIEWS.__getitem__, label_visibility="collapsed"
)
{"nasbench201": explorer, "architectures": architectures, "fronts": fronts}[view].page()

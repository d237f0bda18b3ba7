"""NAT Lab: start with `streamlit run app.py`."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui import server

if get_script_run_ctx(suppress_warning=True) is None:  # the server reads this file once, each visitor runs it
    app = st.App(__file__, lifespan=server.running)
else:
    from ui import shell

    shell.run()

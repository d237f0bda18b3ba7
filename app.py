"""NAT Lab: start with `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui import server

if get_script_run_ctx(suppress_warning=True) is None:  # the server reads this file once, each visitor runs it
    server.search_no_components()
    app = st.App(__file__, lifespan=server.running, middleware=[Middleware(server.QuickStart)])
else:
    server.wait_for_imports()
    from ui import shell

    shell.run()

"""The Streamlit pages: state in the address, widgets, charts, drawings. `nat_core` does not import it."""

from nat_core.garbage import search_seldom

search_seldom()  # Streamlit forces a search after every run of a script, see `ui.heap`

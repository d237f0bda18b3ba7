"""Streamlit: state in the address, widgets, charts, drawings. Nothing below this room knows it."""

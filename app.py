"""NAT Lab: start with `streamlit run app.py`."""

from ui import shell

shell.run()

"""What the server does when it starts: it imports what pages need while the first visitor's browser still loads.

Streamlit runs a page's script only once a browser is connected, and imports take longer than all else on the first
page. `python -m benchmarks.startup` measures it in Chromium.
"""

import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import streamlit as st

# What shows the logo and the navigation, then what the first page needs, in its own order: a page that is opened
# meanwhile waits for each instead of overtaking it.
_ROOMS = ("ui.shell", "ui.candidates", "ui.choose", "ui.compute", "ui.drawings", "ui.front", "ui.result")
# Addresses to listen on that no browser can open.
_EVERYWHERE = ("", "0.0.0.0", "::")
_LISTENING_SECONDS = 0.2


def _import_rooms() -> None:
    for room in _ROOMS:
        import_module(room)


_importing = threading.Thread(target=_import_rooms, name="imports", daemon=True)


@asynccontextmanager
async def running(_: st.App) -> AsyncIterator[None]:
    """Around the time in which the server runs: starts to import, and opens a browser, as `streamlit run` promises."""
    _importing.start()
    if not st.get_option("server.headless"):
        threading.Timer(_LISTENING_SECONDS, webbrowser.open, [address()]).start()
    yield


def wait_until_imported() -> None:
    """Waits until the server has imported what it began to import."""
    if _importing.is_alive():
        _importing.join()


def address() -> str:
    """Where a browser on this machine finds the app."""
    listens, named = st.get_option("server.address") or "", st.get_option("browser.serverAddress")
    host = named if listens in _EVERYWHERE else listens
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{st.get_option('server.port')}/{st.get_option('server.baseUrlPath').strip('/')}"

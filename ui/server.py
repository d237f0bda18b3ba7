"""What the server does when it starts: it imports what pages need while the first visitor's browser still loads.

Streamlit runs a page's script only once a browser is connected, and imports take longer than all else on the first
page. `python -m benchmarks.startup` measures it in Chromium.
"""

import asyncio
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import streamlit as st
from starlette.types import ASGIApp, Receive, Scope, Send

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
    """The server's lifespan: start the imports, and open a browser, as `streamlit run` does for other apps."""
    _importing.start()
    if not st.get_option("server.headless"):
        threading.Timer(_LISTENING_SECONDS, webbrowser.open, [address()]).start()
    yield


class Gate:
    """ASGI middleware that lets browsers connect once imports are done; files are served before.

    Scripts run only for connected browsers, so no script imports at the same time, perhaps in another order.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and _importing.is_alive():
            await asyncio.to_thread(_importing.join)
        await self._app(scope, receive, send)


def address() -> str:
    """Return the address at which a browser on this machine finds the app."""
    listens, named = st.get_option("server.address") or "", st.get_option("browser.serverAddress")
    host = named if listens in _EVERYWHERE else listens
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{st.get_option('server.port')}/{st.get_option('server.baseUrlPath').strip('/')}"

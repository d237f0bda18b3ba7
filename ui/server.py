"""The server's start: it imports the pages' modules while the first visitor's browser still loads.

Streamlit runs a page's script only once a browser is connected, and imports take longer than all else on the first
page. `python -m benchmarks.startup` measures it in Chromium.
"""

import asyncio
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path

import psutil
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.file_util import get_static_dir

from nat_core import garbage

# Modules that pages import, in the first page's order.
_ROOMS = ("ui.shell", "ui.candidates", "ui.choose", "ui.compute", "ui.drawings", "ui.front", "ui.result")
# Addresses to listen on that no browser can open.
_EVERYWHERE = ("", "0.0.0.0", "::")
_LISTENING_SECONDS = 0.2
# Streamlit's scripts for the elements that pages draw first; that for tables, which stand below, would delay them.
_DRAWN_FIRST = ("BidiComponent", "ButtonGroup", "Selectbox", "PlotlyChart")


def _import_rooms() -> None:
    garbage.search_seldom()
    try:
        for room in _ROOMS:
            import_module(room)
    finally:
        garbage.search_as_usual()


_importing = threading.Thread(target=_import_rooms, name="imports", daemon=True)


@asynccontextmanager
async def running(_: st.App) -> AsyncIterator[None]:
    """The server's lifespan: start the imports, and open a browser, as `streamlit run` does for other apps."""
    _importing.start()
    send_small_packets_at_once()
    if not st.get_option("server.headless"):
        threading.Timer(_LISTENING_SECONDS, webbrowser.open, [address()]).start()
    yield


def send_small_packets_at_once() -> None:
    """Turn off Nagle's algorithm on listening sockets, and so on the connections that they will accept.

    asyncio does so only for sockets whose protocol is named, and Streamlit binds its own without a name, as uvicorn's
    issue 3149 describes. Each small file and message would wait for 40 ms. Where the system does not list a process's
    sockets, they do.
    """
    with suppress(psutil.Error, OSError):
        for one in psutil.Process().net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.fd >= 0:
                with socket.fromfd(one.fd, one.family, one.type) as listening:
                    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Gate:
    """ASGI middleware that lets browsers connect once imports are done; files are served before.

    Scripts run only for connected browsers, so no script imports at the same time, perhaps in another order. Meanwhile
    the browser loads what pages draw with, which it would otherwise learn of from a page's first elements.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and _importing.is_alive():
            await asyncio.to_thread(_importing.join)
        opens_page = scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", "")
        if opens_page and _importing.is_alive():
            await self._send_with_drawing_scripts(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _send_with_drawing_scripts(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        start, body = messages[0], b"".join(message.get("body", b"") for message in messages[1:])
        headers = MutableHeaders(scope=start)
        if headers.get("content-type", "").startswith("text/html"):
            body = body.replace(b"</head>", _drawing_scripts() + b"</head>", 1)
            headers["content-length"] = str(len(body))
            del headers["etag"], headers["last-modified"]
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _drawing_scripts() -> bytes:
    """Return elements of HTML that load Streamlit's scripts for what pages draw first."""
    folder = Path(get_static_dir()) / "static" / "js"
    names = [file.name for part in _DRAWN_FIRST for file in folder.glob(f"{part}.*.js")]
    return "".join(f'<script type="module" src="./static/js/{name}"></script>\n' for name in names).encode()


def address() -> str:
    """Return the address at which a browser on this machine finds the app."""
    listens, named = st.get_option("server.address") or "", st.get_option("browser.serverAddress")
    host = named if listens in _EVERYWHERE else listens
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{st.get_option('server.port')}/{st.get_option('server.baseUrlPath').strip('/')}"

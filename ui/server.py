"""The server's start: it imports the pages' modules while the first visitor's browser loads Streamlit's files.

Streamlit runs a page's script only once a browser is connected, and imports take longer than all else on the first
page. `python -m benchmarks.startup` measures it in Chromium.
"""

import mimetypes
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path

import psutil
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.components.v2 import manifest_scanner
from streamlit.file_util import get_static_dir
from streamlit.web.server.starlette.starlette_server_config import STATIC_ASSET_CACHE_MAX_AGE_SECONDS

from nat_core import garbage

# Modules that pages import, in the first page's order.
_ROOMS = ("ui.shell", "ui.candidates", "ui.choose", "ui.compute", "ui.drawings", "ui.front", "ui.result")
# Addresses to listen on that no browser can open.
_EVERYWHERE = ("", "0.0.0.0", "::")
_LISTENING_SECONDS = 0.2
# Streamlit's scripts for the elements that pages draw first; that for tables, which stand below, would delay them.
_DRAWN_FIRST = ("BidiComponent", "ButtonGroup", "Selectbox", "PlotlyChart")
# Seconds that importing may keep the interpreter while a request waits; by default, Python allows ten times as many.
_SWITCH_SECONDS = 0.0005
# Folder of Streamlit's files in their addresses. Their names contain a hash, so browsers may keep them.
_FILES = "/static/"
_KEPT = {"Cache-Control": f"public, immutable, max-age={STATIC_ASSET_CACHE_MAX_AGE_SECONDS}"}


def _import_rooms() -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    garbage.search_seldom()
    try:
        for room in _ROOMS:
            import_module(room)
    finally:
        garbage.search_as_usual()
        sys.setswitchinterval(usual)


_importing = threading.Thread(target=_import_rooms, name="imports", daemon=True)


def search_no_components() -> None:
    """Keep Streamlit from searching the metadata of all installed packages for components, since no page uses any."""
    manifest_scanner.scan_component_manifests = lambda _=None: []


@asynccontextmanager
async def running(_: st.App) -> AsyncIterator[None]:
    """The server's lifespan: start the imports, and open a browser, as `streamlit run` does for other apps."""
    _importing.start()
    send_small_packets_at_once()
    if not st.get_option("server.headless"):
        threading.Timer(_LISTENING_SECONDS, webbrowser.open, [address()]).start()
    yield


def wait_for_imports() -> None:
    """Wait until the server has imported what pages need, so that no script imports at the same time."""
    if _importing.is_alive():
        _importing.join()


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


class QuickStart:
    """ASGI middleware that, while the server imports, answers a browser sooner than Streamlit does.

    Streamlit opens and reads a file in other threads, a piece at a time, and each change of threads waits for the
    imports; here a file is sent in one piece. The page also lists Streamlit's scripts for what it draws first;
    otherwise the browser would request them only when those elements arrive.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _importing.is_alive():
            await self._app(scope, receive, send)
        elif file := _streamlits_files().get(scope["path"].rpartition(_FILES)[2]):
            kind, _ = mimetypes.guess_type(file.name)
            await Response(file.read_bytes(), media_type=kind, headers=_KEPT)(scope, receive, send)
        elif "text/html" in Headers(scope=scope).get("accept", ""):
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


@cache
def _streamlits_files() -> dict[str, Path]:
    """Return the files that Streamlit's page loads, by their names below `/static/`."""
    folder = Path(get_static_dir()) / "static"
    return {file.relative_to(folder).as_posix(): file for file in folder.rglob("*.*")}


def _drawing_scripts() -> bytes:
    """Return elements of HTML that load Streamlit's scripts for what pages draw first."""
    names = [name for part in _DRAWN_FIRST for name in _streamlits_files() if name.startswith(f"js/{part}.")]
    return "".join(f'<script type="module" src="./static/{name}"></script>\n' for name in names).encode()


def address() -> str:
    """Return the address at which a browser on this machine finds the app."""
    listens, named = st.get_option("server.address") or "", st.get_option("browser.serverAddress")
    host = named if listens in _EVERYWHERE else listens
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{st.get_option('server.port')}/{st.get_option('server.baseUrlPath').strip('/')}"

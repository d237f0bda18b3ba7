"""`streamlit run app.py` as a user starts it."""

import importlib.metadata
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.testclient import TestClient
from streamlit.components.v2 import manifest_scanner
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.file_util import get_static_dir
from streamlit.web.server.starlette.starlette_static_routes import create_streamlit_static_handler

from benchmarks.startup import free_port, seconds_per_small_file
from nat_core.paths import PROJECT
from ui import server


def test_it_answers_and_opens_a_browser_at_its_own_address(tmp_path):
    opened, port = tmp_path / "opened.txt", free_port()
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=false",
               f"--server.port={port}", "--server.baseUrlPath=/lab/"]  # fmt: skip
    environment = {**os.environ, "BROWSER": f"{browser} %s", "NAT_LAB_RUNS": str(tmp_path / "runs")}
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (opened.exists() and opened.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert opened.read_text().strip() == f"http://localhost:{port}/lab"
        with urllib.request.urlopen(f"http://localhost:{port}/lab/") as page:
            assert b"<title>Streamlit</title>" in page.read()
        # With Nagle's algorithm each but the first would take 40 ms.
        assert seconds_per_small_file(port, "/lab/_stcore/health") < 0.02
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert f"http://localhost:{port}/lab" in said


def page_or_file(scope, receive, send):
    is_page = scope["path"] == "/"
    response = HTMLResponse("<head></head><body>") if is_page else PlainTextResponse("<head></head>")
    return response(scope, receive, send)


@pytest.fixture
def importing(monkeypatch):
    """What the server imports when it starts takes until this event is set."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    monkeypatch.setattr(server, "_importing", thread)
    thread.start()
    yield done
    done.set()


def test_while_the_server_imports_a_page_names_scripts_that_streamlit_has(importing):
    visitor = TestClient(server.QuickStart(page_or_file))
    page = visitor.get("/", headers={"accept": "text/html,*/*"})
    scripts = re.findall(r'<script type="module" src="\./(static/js/[\w.-]+\.js)"></script>\n', page.text)
    assert len(scripts) == len(server._DRAWN_FIRST)
    assert all(Path(get_static_dir(), script).is_file() for script in scripts)
    assert page.text.endswith("</head><body>") and int(page.headers["content-length"]) == len(page.content)
    assert visitor.get("/", headers={"accept": "*/*"}).text == "<head></head><body>"
    assert visitor.get("/file", headers={"accept": "text/html"}).text == "<head></head>"


def test_while_the_server_imports_each_file_is_the_one_that_streamlit_sends(importing):
    root = Path(get_static_dir())
    sent = TestClient(server.QuickStart(create_streamlit_static_handler(str(root), None)))
    usual = TestClient(create_streamlit_static_handler(str(root), None))
    largest = max((root / "static" / "js").iterdir(), key=lambda file: file.stat().st_size)
    fonts, styles = (next(root.glob(f"static/*/*.{kind}")) for kind in ("woff2", "css"))
    for file in (largest, fonts, styles):
        address = "/" + file.relative_to(root).as_posix()
        given, expected = sent.get(address), usual.get(address)
        assert given.content == expected.content and "etag" not in given.headers and "etag" in expected.headers
        for header in ("content-type", "content-length", "cache-control"):
            assert given.headers[header] == expected.headers[header]
        assert sent.get("/lab" + address).content == expected.content
    for strange in ("/static/../index.html", "/static/js", "/static/js/", "/static//etc/passwd", "/static/%2e%2e/x.js"):
        given, expected = (client.get(strange, follow_redirects=False) for client in (sent, usual))
        assert (given.status_code, given.content) == (expected.status_code, expected.content)
    assert "etag" in sent.head(address).headers


def test_a_page_is_as_streamlit_made_it_once_all_is_imported(importing):
    importing.set()
    server._importing.join()
    page = TestClient(server.QuickStart(page_or_file)).get("/", headers={"accept": "text/html"})
    assert page.text == "<head></head><body>"


def test_a_script_waits_until_all_is_imported(importing):
    script = threading.Thread(target=server.wait_for_imports)
    script.start()
    script.join(0.05)
    assert script.is_alive()
    importing.set()
    script.join(10)
    assert not script.is_alive()
    server.wait_for_imports()


def test_the_server_does_not_search_other_packages_for_components(monkeypatch):
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", manifest_scanner.scan_component_manifests)
    server.search_no_components()
    read = []
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: read.append(1) or [])
    BidiComponentManager().discover_and_register_components(start_file_watching=False)
    assert not read

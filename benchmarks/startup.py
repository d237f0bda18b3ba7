"""Cold-start time and memory of the server: `python -m benchmarks.startup`.

A server is started as a user would. Requests are sent as a browser does, through Streamlit's own messages, and by
Chromium, which is started beforehand and opens the page as soon as the server answers. "Cold" means a new process;
files may be in the system's cache, as they are after an installation.
"""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from playwright.sync_api import sync_playwright
from streamlit.components.v2 import manifest_scanner
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from benchmarks.rows import Row, median_seconds, report, seconds
from nat_core.paths import PROJECT

# Packages that can be imported alone, lowest layer first, and those that pages import.
ROOMS = ("nat_core.architecture.library", "nat_core.network.costs", "nat_core.transformation", "nat_core.runs.tracking",
         "nat_core.cli", "ui.compute")  # fmt: skip
_WORKER = "nat_core.runs.worker, mlflow.tracking"
_STEP = "torch, {place}; o = {place}.SGD([torch.zeros(1, requires_grad=True)], 0.1); o.zero_grad(); o.step()"
# A text of the first page about DARTS, and the limit in seconds until it is shown.
_VERDICT, _FIRST_PAGE_SECONDS = "fewer MACs", 3.5
_CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
_PATIENCE_SECONDS = 120.0
_SETTLING_MS = 2000  # until Chromium's own start is complete
# Nagle's algorithm would make it 40 ms.
_SMALL_FILE_MS = 10


@contextmanager
def serving(
    environment: dict[str, str] | None = None, port: int | None = None
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Start the app's server, by default on a free port; yield its port and process once it answers."""
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    process = subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://localhost:{port}/_stcore/health", process)
        yield port, process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # an open page can keep it alive
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Waits until `process` answers at `url`.

    Raises:
        RuntimeError: it has ended, or does not answer in time.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the server did not answer at {url}")


def visit(port: int) -> None:
    """Opens the first page as a new visitor and waits until its script is done.

    Raises:
        RuntimeError: the script failed.
    """
    address, again = f"localhost:{port}", ForwardMsg.FINISHED_EARLY_FOR_RERUN
    with connect(f"ws://{address}/_stcore/stream", subprotocols=["streamlit"], max_size=None,
                 origin=f"http://{address}") as browser:  # fmt: skip
        request = BackMsg()
        request.rerun_script.query_string = ""
        browser.send(request.SerializeToString())
        for data in browser:
            message = ForwardMsg()
            message.ParseFromString(data)
            if message.WhichOneof("type") != "script_finished" or message.script_finished == again:
                continue
            if message.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
                raise RuntimeError("the first page's script failed")
            return


def seconds_per_small_file(port: int, path: str = "/_stcore/health") -> float:
    """Return the median time of a small answer over a connection that has been used before."""
    connection = http.client.HTTPConnection("localhost", port, timeout=_PATIENCE_SECONDS)

    def fetch() -> None:
        connection.request("GET", path)
        connection.getresponse().read()

    fetch()
    return median_seconds(fetch, 9)


def first_page_seconds(chromium: str) -> float:
    """Return the seconds from a server's start until Chromium shows the first page's text and both cells' drawings."""
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium, args=[*_CHROMIUM]).new_page()
        page.wait_for_timeout(_SETTLING_MS)
        began = time.perf_counter()
        with serving() as (port, _):
            page.goto(f"http://localhost:{port}")
            page.get_by_text(_VERDICT).first.wait_for(timeout=1000 * _PATIENCE_SECONDS)
            page.locator("svg.cell-drawing").nth(1).wait_for(timeout=1000 * _PATIENCE_SECONDS)
            return time.perf_counter() - began


def rows() -> Iterator[Row]:
    """Yield the times of starts and imports, and the memory."""
    if chromium := shutil.which("chromium"):
        yield Row("start: Chromium shows the first page", first_page_seconds(chromium), "s", _FIRST_PAGE_SECONDS)
    began = time.perf_counter()
    with serving() as (port, process):
        answers = time.perf_counter() - began
        visit(port)
        yield Row("start: a new process answers", answers, "s")
        yield Row("start: a new process has drawn the first page", time.perf_counter() - began, "s")
        yield Row("a small file over an open connection", 1000 * seconds_per_small_file(port), "ms", _SMALL_FILE_MS)
        yield Row("the first page for the next visitor", 1000 * seconds(lambda: visit(port)), "ms")
        memory = psutil.Process(process.pid).memory_info().rss / 2**20
        yield Row("memory of the server, two visitors", memory, "MiB")
    # What `ui.server` leaves out before the server listens.
    search = seconds(manifest_scanner.scan_component_manifests)
    yield Row("Streamlit's search for components of other packages, left out", search, "s")
    for room in ROOMS:
        yield Row(f"import {room}, in a new process", import_seconds(room), "s")
    # What `nat_core.learning` saves by deferring torch's compiler and torch-geometric's datasets.
    at_once = import_seconds("torch_geometric, nat_core.transformation")
    yield Row("import nat_core.transformation, nothing deferred", at_once, "s")
    # What `nat_core.garbage` saves in every process of a run.
    yield Row("import nat_core.runs.worker and MLflow, garbage searched as usual", import_seconds(_WORKER), "s")
    seldom = import_seconds(f"nat_core.garbage as own; own.search_seldom(); import {_WORKER}")
    yield Row("import nat_core.runs.worker and MLflow, garbage searched seldom", seldom, "s")
    # What `nat_core.learning.support.optimizers` saves in every training.
    yield Row("new process: one step of torch's SGD", import_seconds(_STEP.format(place="torch.optim")), "s")
    ours = import_seconds(_STEP.format(place="nat_core.learning.support.optimizers"))
    yield Row("new process: one step of ours, without torch's compiler", ours, "s")


def import_seconds(modules: str) -> float:
    """Return the seconds of a new process that imports `modules`, its own start included."""
    return seconds(lambda: subprocess.run([sys.executable, "-c", f"import {modules}"], cwd=PROJECT, check=True))


if __name__ == "__main__":
    sys.exit(report(rows()))

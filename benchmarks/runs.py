"""Speed of the Train page with 200 runs of 5,000 metric points each, and one active run.

Run as `python -m benchmarks.runs`. Limits: the table opens within a second, a run's curves within one and a half, and
following an active run takes less than 5 % of one core. A server is started as a user would, and Chromium opens it:
times are wall-clock, from a click to the drawn result; the share of a core is the server's own processor time while one
page is open and idle. Each figure is taken with the record in a file or, with `python -m benchmarks.runs server`, on an
MLflow server on this machine. `python -m benchmarks.runs reading` needs no browser: it compares MLflow's client with
the page's own reader for listing runs and reading curves; once the client is fast enough, the reader can go.
"""

import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.rows import Row, median_seconds, report
from benchmarks.startup import free_port, serving, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from nat_core.runs.tracking import Tracking

RUNS, METRICS, POINTS = 200, 10, 500
TABLE_SECONDS, CURVES_SECONDS, CORE_SHARE = 1.0, 1.5, 0.05
_REPEATS = 5
_FOLLOWED_SECONDS, _STEP_SECONDS = 30.0, 1.0
_FRESH_SECONDS = 5.0  # until the page's cached answers have expired
_PATIENCE_MS = 300_000
_ROW_PIXELS = 35
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
_NAMES = ("held_out_gain", "gain", "reward", "entropy", "share_worse", "macs_ratio", "weight_loss",
          "weight_accuracy_percent", "probe_gain/DARTS", "reward_model_rank_correlation")  # fmt: skip
_CHARTS = 9  # the held-out and the training gain share a chart
_TABLE_DRAWN = """name => [...document.querySelectorAll("[data-testid='stDataFrame'] [role='gridcell']")]
    .some(cell => cell.textContent === name)"""
_CURVES_DRAWN = """count => [...document.querySelectorAll('.js-plotly-plot')]
    .filter(chart => chart.querySelector('.scatterlayer .trace path')).length >= count"""

_CURVES_BEYOND = """step => [...document.querySelectorAll('.js-plotly-plot')]
    .some(chart => chart.data.some(line => Array.from(line.x).some(x => x > step)))"""


def fill(tracking: "Tracking", database: Path) -> list[str]:
    """Record the runs; points are inserted straight into MLflow's table, since its client takes seconds per run."""
    from nat_core.learning.image_training.presets import preset
    from nat_core.runs.kinds import request_for
    from nat_core.runs.processes import process
    from nat_core.runs.run import State
    from nat_core.runs.store import Point

    request = request_for("train-images", preset("smoke", "fully_concat"), preset="smoke")
    ids = [tracking.create(request.named(f"run {number}"), owner=process()).id for number in range(RUNS)]
    now = int(time.time() * 1000)
    for run_id in ids:
        last = [Point(name, POINTS, 1.0, now / 1000) for name in _NAMES]
        tracking.note(run_id, {"state": State.FINISHED, "step": 70, "best": 1.0, "last": 0.5}, last)
        tracking.client.update_run(run_id, status="FINISHED")
    with sqlite3.connect(database, timeout=60) as connection:
        connection.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)",
            ((name, (step * 37 % 101) / 10, now, run_id, step)
             for run_id in ids for name in _NAMES for step in range(POINTS)),
        )  # fmt: skip
    return ids


def table_opens(page: "Page") -> float:
    """Return the seconds from the click on Train, on another page of the app, to the table."""
    page.get_by_role("link", name="Learn").click()
    page.get_by_role("heading", name="Train a policy").wait_for(state="detached")
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_timeout(1000 * _FRESH_SECONDS)
    began = time.perf_counter()
    page.get_by_role("link", name="Train").click()
    page.wait_for_function(_TABLE_DRAWN, arg=f"run {RUNS - 1}")
    return time.perf_counter() - began


def curves_open(page: "Page", row: int) -> float:
    """Return the seconds from the click on a run's row, not opened before, to all of its charts."""
    page.get_by_role("button", name="Clear all").last.click()
    page.get_by_text("Choose a run to see its curves").wait_for()
    page.wait_for_timeout(1000 * _FRESH_SECONDS)
    table = page.get_by_test_id("stDataFrame").first
    began = time.perf_counter()
    table.click(position={"x": _ROW_PIXELS / 2, "y": _ROW_PIXELS * (row + 1.5)})
    page.wait_for_function(_CURVES_DRAWN, arg=_CHARTS)
    return time.perf_counter() - began


def followed(tracking: "Tracking", run_id: str, page: "Page", address: str, server: psutil.Process) -> float:
    """Return the share of a core that the server uses while a page follows an active run that reports every second."""
    from nat_core.runs.run import State
    from nat_core.runs.store import Point

    def reports(step: int) -> None:
        points = [Point(name, step, step / 100, time.time()) for name in _NAMES]
        tracking.note(run_id, {"step": step, "heartbeat": time.time()}, points)

    tracking.client.update_run(run_id, status="RUNNING")
    tracking.note(run_id, {"state": State.RUNNING})  # the recorded process is this one, which is alive
    time.sleep(_FRESH_SECONDS)
    with _repeated(reports):
        page.goto(f"{address}/train?runs={run_id}")
        page.wait_for_function(_CURVES_BEYOND, arg=POINTS + 10)  # until the first answers are drawn
        before, began = _processor_seconds(server), time.perf_counter()
        page.wait_for_timeout(1000 * _FOLLOWED_SECONDS)
        return (_processor_seconds(server) - before) / (time.perf_counter() - began)


def _processor_seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


@contextmanager
def _repeated(act: Callable[[int], object]) -> Iterator[None]:
    """Call `act` periodically in a thread, with an increasing step."""
    done = threading.Event()

    def work() -> None:
        step = POINTS
        while not done.wait(_STEP_SECONDS):
            act(step := step + 1)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def recorded(folder: Path, on_server: bool) -> Iterator[tuple["Tracking", dict[str, str]]]:
    """Open a new record with its database in `folder`; yield it with the app's environment variables."""
    from nat_core.runs.folders import Folders
    from nat_core.runs.tracking import open_tracking

    folders = Folders(folder)
    environment = {"NAT_LAB_RUNS": str(folder), "MLFLOW_TRACKING_URI": ""}
    if not on_server:
        yield open_tracking(f"sqlite:///{folders.database}", folders), environment
        return
    with mlflow_server(folder) as address:
        yield open_tracking(address, folders), environment | {"MLFLOW_TRACKING_URI": address}


def readings() -> Iterator[Row]:
    """Yield the costs of the same answers by MLflow's client and by the table reader; limits are the page's."""
    with tempfile.TemporaryDirectory() as folder, recorded(Path(folder), on_server=False) as (tracking, _):
        run_id = fill(tracking, Path(folder) / "mlflow.db")[0]
        yield from _costs("MLflow's client", lambda: _listed(tracking), lambda: _curves(tracking, run_id))
        yield from _costs("the reader", tracking.runs, lambda: tracking.points(run_id), limited=True)


def _listed(tracking: "Tracking") -> object:
    client = tracking.client
    numbers = [item.experiment_id for item in client.search_experiments()]
    return client.search_runs(numbers, max_results=RUNS)


def _curves(tracking: "Tracking", run_id: str) -> object:
    return [tracking.client.get_metric_history(run_id, name) for name in _NAMES]


def _costs(
    who: str, listed: Callable[[], object], curves: Callable[[], object], limited: bool = False
) -> Iterator[Row]:
    """Yield the costs of one way of reading; a page that follows an active run does both once a second."""
    for act in (listed, curves):
        act()
    whole = f"{who}: {RUNS} runs are listed"
    yield Row(whole, median_seconds(listed, _REPEATS), "s", TABLE_SECONDS if limited else None)
    whole = f"{who}: curves of {METRICS * POINTS:,} points are read"
    yield Row(whole, median_seconds(curves, _REPEATS), "s", CURVES_SECONDS if limited else None)
    began = time.process_time()
    for _ in range(_REPEATS):
        listed()
        curves()
    share = 100 * (time.process_time() - began) / _REPEATS
    yield Row(f"{who}: both, once a second", share, "% of one core", 100 * CORE_SHARE if limited else None)


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Start an MLflow server with its database in `folder`; yield its address."""
    port = free_port()
    # The process that `mlflow server` would start, without the parent that imports all of MLflow to read its options.
    command = [
        sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "mlflow.server.fastapi_app:app",
    ]  # fmt: skip
    options = {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder / 'mlflow.db'}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "stored"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    server = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, **options},
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def rows(on_server: bool = False) -> Iterator[Row]:
    """Yield the figures with a limit; none without Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium on the PATH: the Train page is not measured", file=sys.stderr)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tracking, environment = stack.enter_context(recorded(folder, on_server))
        ids = fill(tracking, folder / "mlflow.db")
        port, server = stack.enter_context(serving(environment))
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium, args=_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1200})
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(f"http://localhost:{port}/train")
        page.wait_for_function(_CURVES_DRAWN, arg=_CHARTS)  # all modules are loaded
        times = [table_opens(page) for _ in range(_REPEATS)]
        whose = ", on a server" if on_server else ""
        yield Row(f"Train{whose}, table of {RUNS} runs opens", statistics.median(times), "s", TABLE_SECONDS)
        times = [curves_open(page, row) for row in range(1, 1 + _REPEATS)]
        what = f"Train{whose}, curves of a run with {METRICS * POINTS:,} points open"
        yield Row(what, statistics.median(times), "s", CURVES_SECONDS)
        share = followed(tracking, ids[-1], page, f"http://localhost:{port}", psutil.Process(server.pid))
        what = f"Train{whose}, app while a page follows a run at work"
        yield Row(what, 100 * share, "% of one core", 100 * CORE_SHARE)
        browser.close()


if __name__ == "__main__":
    sys.exit(report(readings() if sys.argv[1:] == ["reading"] else rows(sys.argv[1:] == ["server"])))

"""A server of the app and a Chromium to visit it, one of each per test process."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, sync_playwright

from benchmarks.startup import serving
from nat_core.runs.folders import Folders
from nat_core.runs.tracking import Tracking, open_tracking
from tests.support.browser import NOTE_TRAFFIC

FLAGS = (
    "--no-sandbox --disable-gpu --in-process-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="session")
def server(serve):
    """The address of a fresh server on a free port."""
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def serve():
    """Starts another server: `with serve(port, NAME=value) as address`; without a port, on a free one."""

    @contextmanager
    def start(port: int | None = None, **environment: str) -> Iterator[str]:
        with serving(environment, port) as (found, _):
            yield f"http://localhost:{found}"

    return start


@pytest.fixture(scope="session")
def browser():
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        if os.environ.get("NAT_LAB_REQUIRE_BROWSER"):
            pytest.fail("no Chromium on the PATH, and NAT_LAB_REQUIRE_BROWSER is set")
        pytest.skip("no Chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser) -> Iterator[Callable[..., Page]]:
    """A page in a context of its own, as another visitor has it, who wants no animations: they cost processor time."""
    contexts = []

    def start(**options: object) -> Page:
        context = browser.new_context(reduced_motion="reduce", **options)
        contexts.append(context)
        context.add_init_script(NOTE_TRAFFIC)
        return context.new_page()

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def visit(new_page, server) -> Callable[..., Page]:
    """Opens a page of the app; `page.problems` collects what the console complains about."""

    def open_page(path: str, width: int = 1440, height: int = 1000, theme: str = "light") -> Page:
        page = new_page(viewport={"width": width, "height": height}, color_scheme=theme)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        page.goto(server + path)
        return page

    return open_page


@pytest.fixture
def open_page(new_page) -> Callable[..., Page]:
    """Opens an address."""

    def visit(address: str, **options: object) -> Page:
        page = new_page(viewport={"width": 1440, "height": 1200}, **options)
        page.goto(address)
        return page

    return visit


@dataclass(frozen=True)
class Record:
    """A record of runs, what tells the app of it, and where it is."""

    store: Tracking
    environment: dict[str, str]
    where: str


@pytest.fixture(params=["file", "server"])
def record(request, empty_database, new_mlflow_server, tmp_path) -> Iterator[Record]:
    """A record of its own; what a failed test leaves at work is ended."""
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(empty_database, tmp_path)
    with new_mlflow_server(folder) if request.param == "server" else nullcontext("") as address:
        tracking = open_tracking(address or f"sqlite:///{tmp_path / 'mlflow.db'}", Folders(tmp_path))
        yield Record(tracking, {"NAT_LAB_RUNS": str(tmp_path), "MLFLOW_TRACKING_URI": address}, request.param)
        for run in tracking.runs():
            if run.active and run.process is not None:
                run.process.signal(signal.SIGKILL)

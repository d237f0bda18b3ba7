"""A server of the app and a Chromium to visit it, one of each per test process."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks.startup import serving
from nat_core.runs.folders import Folders
from nat_core.runs.tracking import Tracking, open_tracking
from tests.support.browser import NOTE_TRAFFIC

FLAGS = (
    "--no-sandbox --disable-gpu --in-process-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --process-per-site"
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


@pytest.fixture(scope="session")
def context(browser, server) -> BrowserContext:
    """One context for all visitors, each in a tab: with one process, the app's scripts are compiled once."""
    context = browser.new_context()
    context.add_init_script(NOTE_TRAFFIC)
    context.new_page().goto(f"{server}/_stcore/health")  # an open page keeps the process
    return context


@contextmanager
def visiting(context: BrowserContext, address: str, width: int, height: int, theme: str) -> Iterator[Page]:
    """A new page at an address; `page.problems` collects the errors of its console.

    The visitor wants no animations, since they cost processor time, and leaves nothing to the next.
    """
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    problems = page.problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(address)
    yield page
    if not page.is_closed():
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.close()


@pytest.fixture
def open_page(context) -> Iterator[Callable[..., Page]]:
    """Opens an address, each time as another visitor."""
    with ExitStack() as opened:

        def open_at(address: str, width: int = 1440, height: int = 1200, theme: str = "light") -> Page:
            return opened.enter_context(visiting(context, address, width, height, theme))

        yield open_at


@pytest.fixture
def visit(open_page, server) -> Callable[..., Page]:
    """Opens a page of the app."""

    def visit(path: str, width: int = 1440, height: int = 1000, theme: str = "light") -> Page:
        return open_page(server + path, width, height, theme)

    return visit


@dataclass(frozen=True)
class Record:
    """A record of runs, what tells the app of it, and where it is."""

    store: Tracking
    environment: dict[str, str]
    where: str


@pytest.fixture
def record(request, empty_database, new_mlflow_server, tmp_path) -> Iterator[Record]:
    """A record of its own, in a "file" or on a "server"; what a failed test leaves at work is ended."""
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(empty_database, tmp_path)
    with new_mlflow_server(folder) if request.param == "server" else nullcontext("") as address:
        tracking = open_tracking(address or f"sqlite:///{tmp_path / 'mlflow.db'}", Folders(tmp_path))
        yield Record(tracking, {"NAT_LAB_RUNS": str(tmp_path), "MLFLOW_TRACKING_URI": address}, request.param)
        for run in tracking.runs():
            if run.active and run.process is not None:
                run.process.signal(signal.SIGKILL)

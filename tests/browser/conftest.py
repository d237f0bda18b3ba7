"""A server of the app and a Chromium to visit it, one of each per test process."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from benchmarks.startup import serving
from nat_core.runs.folders import Folders
from nat_core.runs.tracking import Tracking, open_tracking
from tests.support.browser import NOTE_TRAFFIC

FLAGS = (
    "--no-sandbox --disable-gpu --in-process-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)

LEFT_PAGES = 2  # that are kept: no more are mostly used, and each takes about 100 MB


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


class Visitors:
    """Pages, each a new visitor's, who wants no animations: they cost processor time.

    Who leaves leaves the page to the next: it holds the app's compiled scripts, so a visit takes half the time.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._left: list[Page] = []

    @contextmanager
    def visit(self, address: str, width: int, height: int, theme: str) -> Iterator[Page]:
        """A page at an address; `page.problems` collects what the console complains about."""
        page = self._left.pop() if self._left else self._first_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        problems = page.problems = []

        def failed(error: Error) -> None:
            problems.append(str(error))

        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                problems.append(message.text)

        page.on("pageerror", failed)
        page.on("console", said)
        page.goto(address)
        yield page
        if page.is_closed() or len(self._left) == LEFT_PAGES:
            page.context.close()
            return
        page.remove_listener("pageerror", failed)
        page.remove_listener("console", said)
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.goto("about:blank")  # nothing of the visit is left but the scripts
        page.context.clear_cookies()
        self._left.append(page)

    def _first_page(self) -> Page:
        page = self._browser.new_context().new_page()
        page.add_init_script(NOTE_TRAFFIC)
        return page


@pytest.fixture(scope="session")
def visitors(browser) -> Visitors:
    return Visitors(browser)


@pytest.fixture
def open_page(visitors) -> Iterator[Callable[..., Page]]:
    """Opens an address, each time as another visitor."""
    with ExitStack() as opened:

        def open_at(address: str, width: int = 1440, height: int = 1200, theme: str = "light") -> Page:
            return opened.enter_context(visitors.visit(address, width, height, theme))

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

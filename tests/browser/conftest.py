"""A server of the app and a Chromium to visit it, one of each per test process."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
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


@pytest.fixture(scope="session")
def left_pages() -> list[Page]:
    """Pages of visitors who have left: they hold the app's compiled scripts, and the next visit takes half the time."""
    return []


def first_page(browser: Browser) -> Page:
    """Of a new visitor."""
    page = browser.new_context().new_page()
    page.add_init_script(NOTE_TRAFFIC)
    return page


@pytest.fixture
def visit(browser, left_pages, server) -> Iterator[Callable[..., Page]]:
    """Opens a page of the app, each visitor's own; `page.problems` collects what the console complains about."""
    opened = []

    def open_page(path: str, width: int = 1440, height: int = 1000, theme: str = "light") -> Page:
        page = left_pages.pop() if left_pages else first_page(browser)
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
        opened.append((page, failed, said))
        page.goto(server + path)
        return page

    yield open_page
    for page, failed, said in opened:
        if len(left_pages) == LEFT_PAGES:
            page.context.close()
            continue
        page.remove_listener("pageerror", failed)
        page.remove_listener("console", said)
        page.goto(f"{server}/_stcore/health")  # nothing of the visit is left but the scripts
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.context.clear_cookies()
        left_pages.append(page)


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

"""A visitor's actions in a browser, and the waits for their effects; mostly for the Train page."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

SLOW = 90_000  # ms; a training process starts slowly on a busy machine
# Records when the page last sent a message and when it last received one.
NOTE_TRAFFIC = """
window.traffic = {sent: 0, received: 0};
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", () => { traffic.received = performance.now(); });
  }
  send(data) {
    traffic.sent = performance.now();
    super.send(data);
  }
};
"""
_ANSWERED = """() => traffic.received > traffic.sent && performance.now() - traffic.received > 150
  && !document.querySelector("[data-testid='stApp'][data-test-script-state='running'], [data-stale='true']")"""
_IDLE = "() => new Promise((done) => requestIdleCallback(done, { timeout: 2000 }))"
_SENT_MS = 150  # longer than the delay of Transform's slider


class Dragged:
    """A file dragged over a page, with the events that Chromium sends."""

    def __init__(self, page: Page, file: Path) -> None:
        self._page, self._file = page, str(file)
        self._session = page.context.new_cdp_session(page)

    def tell(self, kind: str, place: Locator) -> None:
        """Send ``dragEnter``, ``dragOver`` or ``drop`` at the middle of `place`."""
        box = place.bounding_box()
        assert box is not None
        where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        data = {"items": [], "files": [self._file], "dragOperationsMask": 1}
        self._session.send("Input.dispatchDragEvent", {"type": kind, **where, "data": data})

    def leave(self) -> None:
        """Leave the window; Chromium's protocol has no such event, so the page dispatches it."""
        self._page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', {bubbles: true}))")

    def drop(self, place: Locator) -> None:
        for kind in ("dragEnter", "dragOver", "drop"):
            self.tell(kind, place)


def form(page: Page, space: str, preset: str, **texts: str) -> None:
    """Fill the form."""
    settled(page)
    if not page.get_by_role("radio", name=preset).is_visible():
        page.get_by_text("New run", exact=True).click()
    field = page.get_by_role("combobox", name="Space", exact=True)
    field.wait_for(timeout=SLOW)
    if field.input_value() != space:
        field.click()
        page.get_by_role("option", name=space).first.click()
        settled(page)
    page.get_by_role("radio", name=preset).click()
    settled(page)
    for label, text in texts.items():
        fill(page, label.replace("_", " "), text)


def settled(page: Page) -> None:
    """Wait until the server has answered the last action."""
    page.wait_for_timeout(_SENT_MS)  # until the page has sent its message, also on a busy machine
    page.evaluate(_IDLE)
    wait_for(page, _ANSWERED)


def wait_for(page: Page, condition: str, arg: object = None, timeout: int = SLOW) -> None:
    """Wait until a JavaScript condition holds.

    It is polled ten times a second: Playwright's default polls every frame and so makes the page draw sixty a second.
    """
    page.wait_for_function(condition, arg=arg, timeout=timeout, polling=100)


def fits(page: Page) -> bool:
    """Return whether nothing is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def fill(page: Page, label: str, text: str) -> None:
    field = page.get_by_role("textbox", name=label, exact=True).first
    field.fill(text)
    field.press("Tab")
    settled(page)


def status(page: Page, name: str, text: str, timeout: int = SLOW) -> None:
    """Wait until the status line of the shown run has this text."""
    line = page.get_by_test_id("stMarkdown").filter(has_text=re.compile(rf"{re.escape(name)} · .*({text})"))
    expect(line.first).to_be_visible(timeout=timeout)


def press(page: Page, label: str) -> None:
    button = page.get_by_role("button", name=re.compile(rf"(^|\s){label}$"))
    expect(button.last).to_be_enabled(timeout=20_000)
    button.last.click()


def last_point(page: Page) -> float:
    """Return the largest step in the curves on the page."""
    return page.evaluate(
        "Math.max(0, ...[...document.querySelectorAll('.js-plotly-plot')]"
        ".flatMap(chart => chart.data.flatMap(line => Array.from(line.x))))"
    )


def wait_for_curves_beyond(page: Page, step: float) -> None:
    wait_for(
        page,
        "step => [...document.querySelectorAll('.js-plotly-plot')]"
        ".some(chart => chart.data.some(line => Array.from(line.x).some(x => x > step)))",
        step,
    )


def wait_until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)

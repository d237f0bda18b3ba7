"""A visitor who uses only the keyboard: the elements that Tab reaches, and whether their focus is visible."""

import re
from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page

from tests.support.browser import settled

_ROUNDS = 2
_MOST_STOPS = 150  # more stops mean that Tab is trapped in a part of the page
_MOST_MOVES = 20
# The focused element, also inside components.
_FOCUSED = """(() => {
  let item = document.activeElement;
  while (item?.shadowRoot?.activeElement) item = item.shadowRoot.activeElement;
  return item;
})()"""
# Whether it is a table's canvas, which draws its cells and the focused cell's frame itself.
_IN_TABLE = f"""{_FOCUSED}.matches("[data-testid='stDataFrame'] :is(canvas, .dvn-scroller)")"""
# The appearance of an element, its frame and its content.
_LOOKS = """
window.keyboardLook = (item) => {
  const looks = [], note = (part) => {
    const s = getComputedStyle(part);
    const outline = s.outlineStyle === "none" || s.outlineWidth === "0px" ? "" : s.outlineWidth + s.outlineColor;
    looks.push(outline, s.boxShadow, s.borderTopColor, s.borderTopWidth, s.backgroundColor, s.stroke, s.strokeWidth);
  };
  let at = item;
  for (let depth = 0; depth < 6 && at; depth += 1) {
    note(at);
    at = at.parentElement ?? at.getRootNode().host;
  }
  [...item.children].slice(0, 8).forEach(note);
  if (item.nextElementSibling) note(item.nextElementSibling);
  return looks.join(" ");
};
"""


@dataclass
class Stop:
    """An element that Tab has reached.

    Attributes:
        role, name: its accessible role and name.
        is_in_window: whether a part of it was within the window.
        looks_focused: whether the focus changes its appearance; known once Tab has left it, unknown
            if a key removed it from the page.
    """

    role: str
    name: str
    is_in_window: bool
    looks_focused: bool | None = None

    def __str__(self) -> str:
        return f"{self.role} “{self.name}”"


class Keyboard:
    """Presses keys on a page and records every stop."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stops: list[Stop] = []
        self._protocol: CDPSession = page.context.new_cdp_session(page)
        page.evaluate(f"() => {{ {_LOOKS} }}")
        page.add_style_tag(content="* { transition: none !important }")  # so that appearances change at once

    def press(self, *keys: str) -> None:
        """Press keys one after the other and wait for their effects."""
        for key in keys:
            self.page.keyboard.press(key)
            settled(self.page)

    def move(self, key: str, name: str) -> None:
        """Press an arrow key until the focused element's name matches the pattern."""
        for _ in range(_MOST_MOVES):
            stop = self.focused()
            if stop and re.search(name, stop.name):
                return
            self.press(key)
        raise AssertionError(f"{key} never came to “{name}”: the focus is at {stop}")

    def type(self, text: str) -> None:
        """Type a text."""
        self.page.keyboard.insert_text(text)
        settled(self.page)

    def tab(self, backwards: bool = False) -> Stop | None:
        """Go to the next stop; return it, or None at the page's end."""
        page = self.page
        page.evaluate(
            f"() => {{ const item = {_FOCUSED}; window.keyboardLeft = item; "
            "window.keyboardWas = item && item !== document.body ? window.keyboardLook(item) : null; }"
        )
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        changed = page.evaluate(
            # A multiselect is framed as a whole while any of its parts has the focus.
            "() => { const whole = window.keyboardLeft?.closest(\"[data-testid='stMultiSelect']\");"
            "return whole?.contains(document.activeElement) ? null"
            " : window.keyboardWas && window.keyboardLook(window.keyboardLeft) !== window.keyboardWas; }"
        )
        if self.stops and self.stops[-1].looks_focused is None:
            self.stops[-1].looks_focused = changed
        stop = self.focused()
        if stop is not None:
            self.stops.append(stop)
        return stop

    def focused(self) -> Stop | None:
        """Return the focused element, or None."""
        page = self.page
        if page.evaluate(f"{_FOCUSED} === document.body || !{_FOCUSED}"):
            return None
        found = self._protocol.send("Runtime.evaluate", {"expression": _FOCUSED})["result"]["objectId"]
        (node,) = self._protocol.send("Accessibility.getPartialAXTree", {"objectId": found, "fetchRelatives": False})[
            "nodes"
        ]
        in_window = page.evaluate(
            f"() => {{ const box = {_FOCUSED}.getBoundingClientRect();"
            "return box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth; }"
        )
        name = node.get("name", {}).get("value", "")
        role = "table" if page.evaluate(_IN_TABLE) else node.get("role", {}).get("value", "")
        return Stop(role, " ".join(name.split()), in_window)

    def walk(self) -> list[Stop]:
        """Return all stops from here to the page's end, which must be reached; repeat if the page changed meanwhile."""
        for _ in range(_ROUNDS):
            settled(self.page)
            before = self.page.evaluate("traffic.received")
            stops = self._to_the_end()
            if self.page.evaluate("traffic.received") == before:
                break
        return stops

    def _to_the_end(self) -> list[Stop]:
        stops: list[Stop] = []
        for _ in range(_MOST_STOPS):
            stop = self.tab()
            if stop is None:
                return stops
            stops.append(stop)
        raise AssertionError(f"Tab is still within the page after {_MOST_STOPS} stops: {self.stops[-1]}")

    def go(self, name: str, role: str = "", backwards: bool = False) -> Stop:
        """Press Tab until the focused element's name matches the pattern.

        Goes around the page at most once, and once more in case the page was still changing.
        """
        for _ in range(_ROUNDS):
            settled(self.page)
            for _ in range(_MOST_STOPS):
                stop = self.tab(backwards)
                if stop and re.search(name, stop.name) and role in ("", stop.role):
                    return stop
        raise AssertionError(f"Tab never came to {role} “{name}”")

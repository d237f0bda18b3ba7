"""How long the server takes to answer an interaction on the Transform page: `python -m benchmarks.interactions`.

Runs the page's script through Streamlit's own harness, as a browser's interaction would. What the browser adds, and the
first run with its imports, are not in the times. Where no policy fits a cell, the page has no settings of a
transformation, and what would need them is left out.
"""

import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from benchmarks.rows import Row, report

APP = str(Path(__file__).parents[1] / "app.py")
CELLS = {"DARTS": "DARTS", "nasbench201:1462": "a NAS-Bench-201 cell"}
GOAL_MS = 300.0
REPEATS = 5
# Given an element of the page, does something with it.
Act = Callable[[Any], object]


def rows() -> Iterator[Row]:
    """Medians of every interaction that the page offers, cell by cell."""
    warnings.simplefilter("ignore")
    for cell, title in CELLS.items():
        app = AppTest.from_file(APP, default_timeout=120)
        app.query_params["cell"] = cell
        app.run()
        for name, (kind, known_as, act) in _INTERACTIONS.items():
            if kind and not _found(app, kind, known_as):
                continue
            times = [_milliseconds(app, kind, known_as, act) for _ in range(REPEATS)]
            yield Row(f"Transform with {title}, {name}", statistics.median(times), "ms", GOAL_MS)


def _found(app: AppTest, kind: str, known_as: str) -> Any:
    """The first element of a kind with that key or label; None if the page has none."""
    return next((item for item in getattr(app, kind) if known_as in (item.key, item.label)), None)


def _milliseconds(app: AppTest, kind: str, known_as: str, act: Act) -> float:
    """One interaction. Raises RuntimeError if the page failed."""
    if kind:
        act(_found(app, kind, known_as))
    began = time.perf_counter()
    app.run()
    if app.exception:
        raise RuntimeError(app.exception[0].message)
    return 1000 * (time.perf_counter() - began)


def _other_option(box: Any) -> object:
    return box.set_value(random.choice([option for option in box.options if option != box.value]))


def _number(low: int, high: int) -> Act:
    return lambda widget: widget.set_value(random.randrange(low, high))


def _click(button: Any) -> object:
    return button.click()


# Name: kind of element, its key or label, what is done with it.
_INTERACTIONS: dict[str, tuple[str, str, Act]] = {
    "nothing changed": ("", "", lambda _: None),
    "another part selected": ("selectbox", "Selected", _other_option),
    "null edges hidden or shown": ("toggle", "hide_null", lambda toggle: toggle.set_value(not toggle.value)),
    "another budget": ("slider", "budget", _number(60, 101)),
    "another number of candidates": ("number_input", "samples", _number(5, 60)),
    "an edge added": ("button", "Add this edge", _click),
    "a node added": ("button", "Add node", _click),
    "undo": ("button", "Undo", _click),
}

if __name__ == "__main__":
    sys.exit(report(rows()))

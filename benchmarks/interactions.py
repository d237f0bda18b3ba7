"""How long the server takes to answer an interaction on the Transform page: `python -m benchmarks.interactions`.

Runs the page's script through Streamlit's own harness, as a browser's interaction would. What the browser adds, and the
first run with its imports, are not in the times; processor time stands beside them, since a busy neighbour lengthens
only the former. Where no policy fits a cell, the page has no settings of a transformation, and what would need them is
left out.
"""

import gc
import random
import statistics
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from streamlit.testing.v1 import AppTest

from benchmarks.pages import LIMIT_MS, Time, run
from benchmarks.rows import Row, median_seconds, report
from nat_core.paths import PROJECT
from ui import heap

APP = str(PROJECT / "app.py")
CELLS = {"DARTS": "DARTS", "nasbench201:1462": "a NAS-Bench-201 cell"}
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
            times = [_time(app, kind, known_as, act) for _ in range(REPEATS)]
            processor_ms = statistics.median(item.processor_ms for item in times)
            row = f"Transform with {title}, {name} (processor {processor_ms:.0f} ms)"
            yield Row(row, statistics.median(item.elapsed_ms for item in times), "ms", LIMIT_MS)
    yield from collections_of_garbage()


def collections_of_garbage() -> Iterator[Row]:
    """What `ui.heap` saves: Streamlit collects garbage after every run of a script, and frozen objects are left out."""
    heap.settle()
    frozen = median_seconds(gc.collect, REPEATS)
    gc.unfreeze()
    searched = median_seconds(gc.collect, REPEATS)
    gc.freeze()
    yield Row("garbage collection after each run of a script", 1000 * frozen, "ms")
    yield Row("garbage collection without frozen objects", 1000 * searched, "ms")


def _found(app: AppTest, kind: str, known_as: str) -> Any:
    """The first element of a kind with that key or label; None if the page has none."""
    return next((item for item in getattr(app, kind) if known_as in (item.key, item.label)), None)


def _time(app: AppTest, kind: str, known_as: str, act: Act) -> Time:
    """Of one interaction. Raises RuntimeError if the page failed."""
    if kind:
        act(_found(app, kind, known_as))
    return run(app)


def _other_option(box: Any) -> object:
    return box.set_value(random.choice([option for option in box.options if option != box.value]))


def _number(low: int, high: int) -> Act:
    return lambda widget: widget.set_value(random.randrange(low, high))


def _click(button: Any) -> object:
    return button.click()


def _either(one: str, other: str) -> Act:
    return lambda widget: widget.set_value(other if widget.value == one else one)


def _switch(toggle: Any) -> object:
    return toggle.set_value(not toggle.value)


# Name: kind of element, its key or label, what is done with it.
_INTERACTIONS: dict[str, tuple[str, str, Act]] = {
    "nothing changed": ("", "", lambda _: None),
    "another part selected": ("selectbox", "Selected", _other_option),
    "another cell drawn": ("segmented_control", "cell_name", _either("normal", "reduction")),
    "another layout": ("segmented_control", "Layout", _either("side", "overlay")),
    "null edges hidden or shown": ("toggle", "hide_null", _switch),
    "FLOPs or MACs": ("toggle", "flops", _switch),
    "another candidate": ("selectbox", "Shown as output", _other_option),
    "another number of candidates": ("number_input", "samples", _number(5, 60)),
    "another operation": ("selectbox", "Operation", _other_option),  # and with it, perhaps, of no policy any more
    "an edge added": ("button", "Add this edge", _click),
    "a node added": ("button", "Add node", _click),
    "undo": ("button", "Undo", _click),
}

if __name__ == "__main__":
    sys.exit(report(rows()))

"""Response time of the server to interactions on the Transform page: `python -m benchmarks.interactions`.

Runs the page's script in Streamlit's test harness, as a browser's interaction would. Times exclude the browser and the
first run with its imports; processor time is also reported, since other load on the machine lengthens only wall-clock
time. Where no policy fits a cell, the page has no transformation settings, and interactions with them are skipped.
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
# Acts on an element of the page.
Act = Callable[[Any], object]


def rows() -> Iterator[Row]:
    """Yield the median time of every interaction, cell by cell."""
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
    """Measure what `ui.heap` saves: the collection after every run of a script skips frozen objects."""
    heap.settle()
    frozen = median_seconds(gc.collect, REPEATS)
    gc.unfreeze()
    searched = median_seconds(gc.collect, REPEATS)
    gc.freeze()
    yield Row("garbage collection after each run of a script", 1000 * frozen, "ms")
    yield Row("garbage collection without frozen objects", 1000 * searched, "ms")


def _found(app: AppTest, kind: str, known_as: str) -> Any:
    """Return the first element of a kind with that key or label, or None."""
    return next((item for item in getattr(app, kind) if known_as in (item.key, item.label)), None)


def _time(app: AppTest, kind: str, known_as: str, act: Act) -> Time:
    """Time one interaction. Raises RuntimeError if the page failed."""
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


# Name of the interaction: kind of element, its key or label, action.
_INTERACTIONS: dict[str, tuple[str, str, Act]] = {
    "nothing changed": ("", "", lambda _: None),
    "another part selected": ("selectbox", "Selected", _other_option),
    "another cell drawn": ("segmented_control", "cell_name", _either("normal", "reduction")),
    "another layout": ("segmented_control", "Layout", _either("side", "overlay")),
    "null edges hidden or shown": ("toggle", "hide_null", _switch),
    "FLOPs or MACs": ("toggle", "flops", _switch),
    "another candidate": ("selectbox", "Shown as output", _other_option),
    "another number of candidates": ("number_input", "samples", _number(5, 60)),
    "another operation": ("selectbox", "Operation", _other_option),  # perhaps without a policy that fits
    "an edge added": ("button", "Add this edge", _click),
    "a node added": ("button", "Add node", _click),
    "undo": ("button", "Undo", _click),
}

if __name__ == "__main__":
    sys.exit(report(rows()))

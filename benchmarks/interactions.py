"""How long the server takes to answer an interaction on the Transform page: `python -m benchmarks.interactions`.

Runs the page's script through Streamlit's own harness, as a browser's interaction would, and prints milliseconds. What
the browser adds, and the first run with its imports, are not in them.
"""

import random
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).parents[1] / "app.py")
GOAL_MS = 300
REPEATS = 5


def main() -> None:
    warnings.simplefilter("ignore")
    for cell in ("DARTS", "nasbench201:1462"):
        app = AppTest.from_file(APP, default_timeout=120)
        app.query_params["cell"] = cell
        app.run()
        print(f"{cell}, median and worst of {REPEATS}, goal {GOAL_MS} ms")
        for name, interaction in _INTERACTIONS.items():
            times = [_milliseconds(app, interaction) for _ in range(REPEATS)]
            mark = "" if statistics.median(times) < GOAL_MS else "  over the goal"
            print(f"  {name:<34}{statistics.median(times):7.0f}{max(times):7.0f}{mark}")


def _milliseconds(app: AppTest, interaction: Callable[[AppTest], None]) -> float:
    interaction(app)
    start = time.perf_counter()
    app.run()
    if app.exception:
        raise RuntimeError(app.exception[0].message)
    return 1000 * (time.perf_counter() - start)


def _box(label: str) -> Callable[[AppTest], None]:
    """Chooses another option of the first select box of that label."""

    def interaction(app: AppTest) -> None:
        box = next(item for item in app.selectbox if item.label == label)
        box.set_value(random.choice([option for option in box.options if option != box.value]))

    return interaction


def _button(label: str) -> Callable[[AppTest], None]:
    return lambda app: next(item for item in app.button if item.label == label).click()


def _toggle(key: str) -> Callable[[AppTest], None]:
    return lambda app: app.toggle(key=key).set_value(not app.toggle(key=key).value)


_INTERACTIONS: dict[str, Callable[[AppTest], None]] = {
    "nothing changed": lambda app: None,
    "another part selected": _box("Selected"),
    "null edges hidden or shown": _toggle("hide_null"),
    "another budget": lambda app: app.slider(key="budget").set_value(random.randrange(60, 101)),
    "another number of candidates": lambda app: app.number_input(key="samples").set_value(random.randrange(5, 60)),
    "an edge added": _button("Add this edge"),
    "a node added": _button("Add node"),
    "undo": _button("Undo"),
}

if __name__ == "__main__":
    main()

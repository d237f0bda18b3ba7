"""Run time of the pages' scripts on the server per interaction, without a browser.

Run as `python -m benchmarks.pages`. Every interaction that trains nothing must answer within 300 milliseconds. A
page's first opening also loads data, policies and libraries; it is reported without a limit. Times are taken in
Streamlit's test harness, which runs the script as the server does; processor time is also reported, since other load
on the machine lengthens only wall-clock time.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from streamlit.testing.v1 import AppTest

from benchmarks.rows import Row, report
from nat_core.architecture.library import library
from nat_core.paths import PROJECT

APP = PROJECT / "app.py"
LIMIT_MS = 300.0
_REPEATS = 6


@dataclass(frozen=True)
class Interaction:
    """A widget and the values that it is set to in turn.

    Attributes:
        title: description in the table.
        find: returns the page's widget.
        values: at least two, so that every step is a change; (None,) clicks.
        before: brings the page to the state that shows the widget.
    """

    title: str
    find: Callable[[AppTest], Any]
    values: tuple[Any, ...]
    before: tuple[tuple[Callable[[AppTest], Any], Any], ...] = ()


def keyed(kind: str, key: str) -> Callable[[AppTest], Any]:
    """Return a function that finds the widget of a kind by its key."""
    return lambda app: getattr(app, kind)(key=key)


def labelled(label: str) -> Callable[[AppTest], Any]:
    """Return a function that finds a button by its label."""
    return lambda app: next(item for item in app.button if item.label == label)


_ARCHITECTURES = ((keyed("segmented_control", "compare"), "architectures"),)


def _step(name: str) -> tuple[tuple[Callable[[AppTest], Any], Any], ...]:
    return ((keyed("segmented_control", "step"), name),)


PAGES: dict[str, tuple[Interaction, ...]] = {
    "compare": (
        Interaction("another input", keyed("number_input", "cell201"), (5, 77, 5000, 9930, 12000, 15624)),
        Interaction("random input", labelled("Random"), (None,)),
        Interaction("axis across", keyed("selectbox", "x"), ("pixel3", "parameters", "macs")),
        Interaction("axis up", keyed("selectbox", "y"), ("cifar100_test", "imagenet16_120_valid", "cifar10_valid")),
        Interaction("best of 100", keyed("segmented_control", "output"), (100, 10)),
        Interaction("channels", keyed("number_input", "channels-cifar"), (16, 20, 44, 48, 64, 36), _ARCHITECTURES),
        Interaction("layers", keyed("number_input", "layers-cifar"), (8, 11, 14, 17, 25, 20), _ARCHITECTURES),
        Interaction("network", keyed("segmented_control", "network"), ("imagenet", "cifar"), _ARCHITECTURES),
        Interaction("chart", keyed("segmented_control", "pairs_y"), ("published", "parameters"), _ARCHITECTURES),
        Interaction("two edge by edge", keyed("selectbox", "first"), tuple(library())[:6], _ARCHITECTURES),
    ),
    "learn": (
        Interaction("part of the cell", keyed("selectbox", "learn_part"), ("normal-node-2", "normal-edge-3")),
        Interaction("operation", keyed("selectbox", "learn_operation"), ("conv_3x3", "null"), _step("Transitions")),
        Interaction("rule", keyed("segmented_control", "learn_rule"), ("nat", "nat++"), _step("Transitions")),
        Interaction("channels", keyed("select_slider", "learn_channels"), (16, 32, 64, 256, 128), _step("Costs")),
        Interaction("edited edge", keyed("selectbox", "learn_edge"), (1, 2, 3, 4, 5, 0), _step("Policy")),
        Interaction("edit", keyed("selectbox", "learn_edit"), ("null", "skip_connect", "conv_1x1"), _step("Policy")),
        Interaction("rounds", keyed("slider", "learn_rounds"), (0, 2, 3, 1), _step("Policy")),
        Interaction("curve", keyed("segmented_control", "learn_curve"), ("entropy", "gain"), _step("Training")),
    ),
}


@dataclass(frozen=True)
class Time:
    """One run of a script: wall-clock and processor time in milliseconds."""

    elapsed_ms: float
    processor_ms: float


def run(app: AppTest) -> Time:
    """Runs the script once.

    Raises:
        RuntimeError: the page failed.
    """
    began, processor = time.perf_counter(), time.process_time()
    app.run()
    elapsed = Time(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - processor))
    if app.exception:
        raise RuntimeError(f"the page failed: {app.exception[0].message}")
    return elapsed


def act(app: AppTest, interaction: Interaction) -> list[Time]:
    """Return the times of `_REPEATS` rounds of the interaction, after its preparation."""
    for find, value in interaction.before:
        find(app).set_value(value)
        run(app)
    times = []
    for _, value in zip(range(_REPEATS), cycle(interaction.values), strict=False):
        widget = interaction.find(app)
        if value is None:
            widget.click()
        else:
            widget.set_value(value)
        times.append(run(app))
    return times


def rows() -> Iterator[Row]:
    """Yield per page the time of its first opening, then the median of each interaction."""
    for page, interactions in PAGES.items():
        app = AppTest.from_file(str(APP), default_timeout=120)
        app.switch_page(f"pages/{page}.py")
        yield Row(f"{page.title()}, first opening", run(app).elapsed_ms, "ms")
        for interaction in interactions:
            times = act(app, interaction)
            processor_ms = statistics.median(item.processor_ms for item in times)
            title = f"{page.title()}, {interaction.title} (processor {processor_ms:.0f} ms)"
            yield Row(title, statistics.median(item.elapsed_ms for item in times), "ms", LIMIT_MS)


if __name__ == "__main__":
    sys.exit(report(rows()))

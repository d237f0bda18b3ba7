"""How fast the Train page is with many runs: 200 of them, 5,000 metric points each, and one that is at work.

Run as `python -m benchmarks.runs`. Limits: the table opens within a second, a run's curves within one and a half, and
following a run at work takes less than 5 % of one core. Times are of the server's script, through Streamlit's own
test harness, with the page's modules loaded.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rows import Row, median_seconds, report

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

RUNS, METRICS, POINTS = 200, 10, 500
TABLE_SECONDS, CURVES_SECONDS, CORE_SHARE = 1.0, 1.5, 0.05
_REPEATS = 5
_APP = Path(__file__).parent.parent / "app.py"
_NAMES = ("held_out_gain", "gain", "reward", "entropy", "share_worse", "macs_ratio", "weight_loss",
          "weight_accuracy_percent", "probe_gain/DARTS", "reward_model_rank_correlation")  # fmt: skip


def fill(folder: Path) -> list[str]:
    """Records the runs; the points go straight into MLflow's table, whose own way takes seconds per run."""
    import sqlite3

    from nat_core.learning.image_presets import preset
    from nat_core.runs.folders import Folders
    from nat_core.runs.kinds import request_for
    from nat_core.runs.processes import process
    from nat_core.runs.states import State
    from nat_core.runs.tracking import Point, open_tracking

    tracking = open_tracking(folders=Folders(folder))
    request = request_for("train-images", preset("smoke", "fully_concat"), preset="smoke")
    ids = [tracking.create(request.named(f"run {number}"), owner=process()).id for number in range(RUNS)]
    now = int(time.time() * 1000)
    for run_id in ids:
        last = [Point(name, POINTS, 1.0, now / 1000) for name in _NAMES]
        tracking.note(run_id, {"state": State.FINISHED, "step": 70, "best": 1.0, "last": 0.5}, last)
    with sqlite3.connect(tracking.folders.database) as connection:
        connection.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)",
            ((name, (step * 37 % 101) / 10, now, run_id, step)
             for run_id in ids for name in _NAMES for step in range(POINTS)),
        )  # fmt: skip
    tracking.note(ids[-1], {"state": State.RUNNING})  # the newest, and this process's
    return ids


def processor_seconds(action: Callable[[], object], before: Callable[[], object], repeats: int = _REPEATS) -> float:
    """Mean processor time; what is done before each time is not counted."""
    total = 0.0
    for _ in range(repeats):
        before()
        began = time.process_time()
        action()
        total += time.process_time() - began
    return total / repeats


def _what_is_polled() -> None:
    """The fragment alone; it runs by itself, as Streamlit runs it again."""
    from ui.train import live
    from ui.train.board import board

    runs = board().runs()
    live.follow(board(), runs, runs[:1])


def visit(run_id: str = "") -> "AppTest":
    """The page of a new visitor, to whom nothing is known yet."""
    from streamlit.testing.v1 import AppTest

    from ui.train.board import board

    board().changed()
    app = AppTest.from_file(str(_APP), default_timeout=60)
    if run_id:
        app.query_params["runs"] = run_id
    app.switch_page("pages/train.py").run()
    assert not app.exception
    return app


def following(run_id: str) -> Row:
    """The processor time of what a browser asks for again and again while a run is at work."""
    from streamlit.testing.v1 import AppTest

    from nat_core.runs.tracking import Point
    from ui.train.board import board
    from ui.train.live import POLL

    app = AppTest.from_function(_what_is_polled, default_timeout=60).run()
    steps = iter(range(POINTS, POINTS + _REPEATS))

    def write() -> None:
        """What a run at work writes between two polls: half of its metrics have a new point."""
        step = next(steps)
        points = [Point(name, step, step / 100, time.time()) for name in _NAMES[::2]]
        board().tracking.note(run_id, {"step": step}, points)
        board().changed()
        time.sleep(1.1)  # curves are read at most once a second

    share = processor_seconds(app.run, write) / float(POLL.removesuffix("s"))
    return Row(f"Train, following a run at work, every {POLL}", 100 * share, "% of one core", 100 * CORE_SHARE)


def rows() -> Iterator[Row]:
    """The figures with a limit. Changes which record of runs this process has; use a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAT_LAB_RUNS"] = folder
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        ids = fill(Path(folder))
        visit()  # loads the modules
        yield Row(f"Train, table of {RUNS} runs opens", median_seconds(visit, _REPEATS), "s", TABLE_SECONDS)
        visitors = iter(ids)
        curves = median_seconds(lambda: visit(next(visitors)), _REPEATS)
        yield Row(f"Train, curves of a run with {METRICS * POINTS:,} points open", curves, "s", CURVES_SECONDS)
        yield following(ids[-1])


if __name__ == "__main__":
    sys.exit(report(rows()))

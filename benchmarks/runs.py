"""How fast the Train page is with many runs: 200 of them, 5,000 metric points each, and one that is at work.

Run as `python -m benchmarks.runs`. Limits: the table opens within a second, a run's curves within one and a half, and
following a run at work takes less than 5 % of one core. Times are of the server's script, through Streamlit's own
test harness, with the page's modules loaded.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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


def seconds(action: Callable[[], object], repeats: int = _REPEATS) -> float:
    """The median of a few times."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


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


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAT_LAB_RUNS"] = folder
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        ids = fill(Path(folder))
        from streamlit.testing.v1 import AppTest

        from nat_core.runs.tracking import Point
        from ui.train.board import board
        from ui.train.live import POLL

        def visit(run_id: str = "") -> AppTest:
            """A new visitor, to whom nothing is known yet."""
            board().changed()
            app = AppTest.from_file(str(_APP), default_timeout=60)
            if run_id:
                app.query_params["runs"] = run_id
            app.switch_page("pages/train.py").run()
            assert not app.exception
            return app

        visit()  # loads the modules
        table = seconds(visit)
        visitors = iter(ids)
        curves = seconds(lambda: visit(next(visitors)))
        following = AppTest.from_function(_what_is_polled, default_timeout=60).run()

        steps = iter(range(POINTS, POINTS + _REPEATS))

        def report() -> None:
            """What a run at work writes between two polls: half of its metrics have a new point."""
            step = next(steps)
            points = [Point(name, step, step / 100, time.time()) for name in _NAMES[::2]]
            board().tracking.note(ids[-1], {"step": step}, points)
            board().changed()
            time.sleep(1.1)  # curves are read at most once a second

        share = processor_seconds(following.run, report) / float(POLL.removesuffix("s"))
        rows = (
            (f"table of {RUNS} runs opens", table, TABLE_SECONDS, "s"),
            (f"curves of a run with {METRICS * POINTS:,} points open", curves, CURVES_SECONDS, "s"),
            (f"following a run at work, every {POLL}", 100 * share, 100 * CORE_SHARE, "% of one core"),
        )
        for title, value, limit, unit in rows:
            print(f"{title:45} {value:6.2f} {unit:14} limit {limit:g}: {'met' if value < limit else 'MISSED'}")
        return 0 if all(value < limit for _, value, limit, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

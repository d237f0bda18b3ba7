"""The page's cache of runs: the record is read at most once a second, for any number of browsers."""

import math
import threading
import time
from collections.abc import Sequence
from functools import cache

import streamlit as st

from nat_core.runs.run import Run
from nat_core.runs.store import Points
from nat_core.runs.tracking import Tracking, open_tracking
from ui import notices

_FRESH_SECONDS = 1.0
_FRESH_FROM_SERVER_SECONDS = 4.0
CURVE_POINTS = 200


class Board:
    """Runs and their curves, shared by all visitors of this server."""

    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking
        self._lock = threading.Lock()
        self._runs: tuple[float, list[Run]] = (0.0, [])
        self._curves: dict[str, tuple[float, bool, dict[str, Points]]] = {}
        self._fresh = _FRESH_SECONDS if tracking.is_local else _FRESH_FROM_SERVER_SECONDS

    def runs(self) -> list[Run]:
        """Return all runs, newest first. Raises OSError if the record cannot be reached."""
        with self._lock:
            read, runs = self._runs
            if time.monotonic() - read > self._fresh or not read:
                runs = self.tracking.runs()
                self._runs = (time.monotonic(), runs)
            return runs

    def changed(self) -> None:
        """Discard the cached runs after a change to a run."""
        with self._lock:
            self._runs = (0.0, [])

    def curves(self, run: Run) -> dict[str, Points]:
        """Return all metrics of a run by name, thinned to a chart's resolution."""
        with self._lock:
            read, ended, found = self._curves.get(run.id, (0.0, False, {}))
            fresh = time.monotonic() - read < self._fresh
            if read and ((ended and not run.active) or fresh):
                return found
            whole = self.tracking.points(run.id)
            found = {name: thinned(points, CURVE_POINTS) for name, points in whole.items()}
            self._curves = {key: item for key, item in self._curves.items() if len(self._curves) < 64 or not item[1]}
            self._curves[run.id] = (time.monotonic(), not run.active, found)
            return found


def show_launched(board: Board, run_id: str, form: str) -> None:
    """Select only the run that a form has launched, and close the form."""
    st.session_state.update({"train_shown": [run_id], f"{form}_name": "", f"{form}_open": False})
    board.changed()


def thinned(points: Sequence[tuple[int, float]], limit: int) -> Points:
    """Return about `limit` points: both ends, and the minimum and maximum of each group of neighbours.

    This keeps peaks, so that the curve looks as with all of its points.
    """
    if len(points) <= limit:
        return list(points)
    size = math.ceil(2 * len(points) / (limit - 2))
    kept = {0, len(points) - 1}
    for start in range(0, len(points), size):
        part = range(start, min(start + size, len(points)))
        kept |= {min(part, key=lambda i: points[i][1]), max(part, key=lambda i: points[i][1])}
    return [points[i] for i in sorted(kept)]


@cache
def _board(tracking: Tracking) -> Board:
    return Board(tracking)


def board() -> Board:
    """Return the board of the environment's record; end the page with a sentence if it cannot be opened."""
    try:
        with st.spinner("Opening the record of runs…", show_time=False):
            return _board(open_tracking())
    except (ValueError, OSError) as error:
        notices.problem(error)
        st.stop()

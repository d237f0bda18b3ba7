"""The runs as the page sees them: read from the record at most once a second, however many browsers look."""

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
    """Runs and their curves; the same for all visitors of this server."""

    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking
        self._lock = threading.Lock()
        self._runs: tuple[float, list[Run]] = (0.0, [])
        self._curves: dict[str, tuple[float, bool, dict[str, Points]]] = {}
        self._fresh = _FRESH_SECONDS if tracking.is_local else _FRESH_FROM_SERVER_SECONDS

    def runs(self) -> list[Run]:
        """All runs, the newest first. Raises OSError where the record cannot be reached."""
        with self._lock:
            read, runs = self._runs
            if time.monotonic() - read > self._fresh or not read:
                runs = self.tracking.runs()
                self._runs = (time.monotonic(), runs)
            return runs

    def changed(self) -> None:
        """The next question is answered anew: something was done to a run."""
        with self._lock:
            self._runs = (0.0, [])

    def curves(self, run: Run) -> dict[str, Points]:
        """All metrics of a run by name, thinned to what a chart can show."""
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
    """Shows the run that a form has launched, and no other, and closes the form."""
    st.session_state.update({"train_shown": [run_id], f"{form}_name": "", f"{form}_open": False})
    board.changed()


def thinned(points: Sequence[tuple[int, float]], limit: int) -> Points:
    """At most about `limit` of the points: of equally many neighbours the lowest and the highest, ends included.

    Peaks stay where they are, so a curve looks as it would with all of its points.
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
    """The board of the record that the environment names; the page ends here, with a sentence, if there is none."""
    try:
        with st.spinner("Opening the record of runs…", show_time=False):
            return _board(open_tracking())
    except (ValueError, OSError) as error:
        notices.problem(error)
        st.stop()

"""A run's reports on their way to the record: gathered, and written every few seconds with a sign of life.

A step that was written before an interruption is not written again: a resumed run does its last steps since the
checkpoint once more, gives the same values, and they are left out here.
"""

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from nat_core.runs.run import Run
from nat_core.runs.tracking import Point, Tracking

INTERVAL_SECONDS = 2.0


class Reporter:
    """Writes what one run reports; a context that writes the rest when it is left.

    Args:
        tracking: where to.
        run: as it stood when this part of its work began.
        headline: name of the metric whose best and last value are kept beside the run.
        higher_is_better: of that metric.
        complain: called with one sentence when the record cannot be reached; it is tried again.
        besides: gives more facts to note with every write.
        interval_seconds: between writes.
    """

    def __init__(
        self,
        tracking: Tracking,
        run: Run,
        headline: str,
        higher_is_better: bool,
        complain: Callable[[str], None],
        besides: Callable[[], Mapping[str, object]] = dict,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._tracking = tracking
        self._run = run
        self._headline = headline
        self._better = max if higher_is_better else min
        self._complain = complain
        self._besides = besides
        self._interval = interval_seconds
        self._points: list[Point] = []
        self._facts: dict[str, object] = {}
        self._best = run.best
        self._began: float | None = None
        self._first_step: tuple[float, int] | None = None
        self._written: dict[str, int] = {}
        self._done = threading.Event()
        self._points_lock, self._writing_lock = threading.Lock(), threading.Lock()
        self._thread = threading.Thread(target=self._keep_writing, name="reporter", daemon=True)

    def __enter__(self) -> "Reporter":
        self._written = self._tracking.last_steps(self._run.id)
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        try:
            self._write()
        except Exception:
            if error is None:
                raise

    def working(self) -> None:
        """Work begins now: from here on time counts."""
        self._began = time.monotonic()

    def progress(self, step: int, metrics: Mapping[str, float]) -> None:
        """Notes values of metrics after `step` steps."""
        now = time.time()
        with self._points_lock:
            for name, value in metrics.items():
                if step > self._written.get(name, -1):
                    self._written[name] = step
                    self._points.append(Point(name, step, float(value), now))
            if (last := metrics.get(self._headline)) is not None:
                self._best = last if self._best is None else self._better(self._best, last)
                self._facts |= {"best": self._best, "last": last}
            self._facts |= {"step": step, "eta_seconds": self._seconds_left(step)}

    def flush(self) -> None:
        """Writes what is gathered now, if the record can be reached."""
        try:
            self._write()
        except Exception as error:
            self._complain(f"the record could not be reached and is tried again ({' '.join(str(error).split())[:200]})")

    @property
    def elapsed_seconds(self) -> float:
        """Time worked, earlier parts of the run included."""
        return self._run.elapsed_seconds + (time.monotonic() - self._began if self._began is not None else 0.0)

    def _seconds_left(self, step: int) -> float | None:
        if self._began is None:
            return None
        now = time.monotonic()
        if self._first_step is None:
            self._first_step = (now, step)
        began, first = self._first_step
        return (now - began) / (step - first) * (self._run.steps - step) if step > first else None

    def _keep_writing(self) -> None:
        while not self._done.wait(self._interval):
            self.flush()

    def _write(self) -> None:
        with self._writing_lock:
            with self._points_lock:
                points, self._points = self._points, []
                facts, self._facts = self._facts, {}
            try:
                alive = {"heartbeat": time.time(), "elapsed_seconds": round(self.elapsed_seconds, 3)}
                self._tracking.note(self._run.id, {**facts, **alive, **self._besides()}, points)
            except Exception:
                with self._points_lock:
                    self._points, self._facts = points + self._points, facts | self._facts
                raise

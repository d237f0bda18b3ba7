"""When a run whose process seems to be gone may be recorded as ended: never one that only looks so for an instant.

A process on this machine is either there or not. One on another machine is known by its signs of life alone. These
carry that machine's clock, so what counts is that none has come for a while by ours.
"""

import threading
import time

from nat_core.runs.run import Run
from nat_core.runs.states import State

SILENCE_SECONDS = 120.0
# Whoever stops a run sees to its end within this time, and says how it ended.
_STOPPING_SECONDS = 60.0


class Watch:
    """Remembers since when runs have been silent; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, float]] = {}

    def is_gone(self, run: Run) -> bool:
        """Whether what `run.state` says, other than the record, is certain to stay true."""
        if run.state not in (State.LOST, State.STOPPED) or run.state is run.recorded:
            return False
        if run.process is None or not run.process.is_here:
            return self._silent_seconds(run) > SILENCE_SECONDS
        return run.state is State.LOST or abs(time.time() - run.heartbeat) > _STOPPING_SECONDS

    def _silent_seconds(self, run: Run) -> float:
        """Since this process first saw the run's last sign of life."""
        now = time.monotonic()
        with self._lock:
            heartbeat, since = self._seen.get(run.id, (run.heartbeat, now))
            if heartbeat != run.heartbeat:
                since = now
            self._seen[run.id] = (run.heartbeat, since)
        return now - since

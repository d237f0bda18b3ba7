"""One worker that judges proposals for everyone who asks, one evaluation of each in turn.

Judging takes seconds and an answer should come at once, so whoever asks gets what is known so far and asks again. What
nobody has asked for in a while, or what was stopped, waits until somebody asks again.
"""

import atexit
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from threading import Condition, Thread

from nat_core.learning.accuracy import AccuracySource
from nat_core.transform import Transformation, judging


@dataclass(frozen=True)
class Progress:
    """What is known of a proposal.

    Attributes:
        outcome: with the accuracies so far; `outcome.judged` says how many.
        state: "running", also while others are served; "stopped"; "finished"; "failed".
        problem: why it failed, one sentence.
    """

    outcome: Transformation
    state: str
    problem: str = ""


@dataclass(eq=False)
class _Job:
    steps: Iterator[Transformation]
    outcome: Transformation
    state: str = "running"
    problem: str = ""
    asked_at: float = field(default_factory=time.monotonic)
    begun_at: float = field(default_factory=time.monotonic)

    def advance(self) -> None:
        try:
            self.outcome = next(self.steps)
        except StopIteration:
            self.state = "finished"
        except Exception as error:  # whatever happens to one job, the others go on
            self.state, self.problem = "failed", " ".join(str(error).split()) or type(error).__name__


class Judge:
    """Judges in a thread of its own, which starts with the first proposal.

    Args:
        most_jobs: remembered; those not asked for the longest are forgotten.
        lease_seconds: after which a job that nobody asks for rests.
        pause_seconds: before a new job starts, so that whoever asked can show the proposal undisturbed.
    """

    def __init__(self, most_jobs: int = 256, lease_seconds: float = 15, pause_seconds: float = 0.3) -> None:
        self._most_jobs = most_jobs
        self._lease_seconds = lease_seconds
        self._pause_seconds = pause_seconds
        self._jobs: OrderedDict[Hashable, _Job] = OrderedDict()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._is_closed = False

    def ask(self, key: Hashable, proposal: Transformation, source: AccuracySource) -> Progress:
        """What is known of `proposal` by now; whatever is not, is worked on unless it was stopped.

        Args:
            key: of the proposal and the source; equal keys mean equal work.
        """
        with self._changed:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = _Job(judging(proposal, source), proposal)
                while len(self._jobs) > self._most_jobs:
                    self._jobs.popitem(last=False)
            job.asked_at = time.monotonic()
            self._jobs.move_to_end(key)
            self._start()
            self._changed.notify_all()
            return Progress(job.outcome, job.state, job.problem)

    def stop(self, key: Hashable) -> None:
        """Leaves the job as it is, until `go_on`."""
        self._set(key, "running", "stopped")

    def go_on(self, key: Hashable) -> None:
        """Continues a stopped job where it was left."""
        self._set(key, "stopped", "running")

    def close(self) -> None:
        """Ends the thread after the evaluation at hand; called when the process ends, too."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _set(self, key: Hashable, old: str, new: str) -> None:
        with self._changed:
            job = self._jobs.get(key)
            if job is not None and job.state == old:
                job.state, job.asked_at = new, time.monotonic()
                self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None and not self._is_closed:
            atexit.register(self.close)
            self._thread = Thread(target=self._work, name="judge", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        served: _Job | None = None
        while True:
            with self._changed:
                while not (waiting := self._waiting()) and not self._is_closed:
                    self._changed.wait(self._pause_seconds + 0.01 if self._wanted() else None)
                if self._is_closed:
                    return
                served = waiting[(waiting.index(served) + 1) % len(waiting)] if served in waiting else waiting[0]
            served.advance()

    def _wanted(self) -> list[_Job]:
        """Jobs that somebody waits for."""
        oldest = time.monotonic() - self._lease_seconds
        return [job for job in self._jobs.values() if job.state == "running" and job.asked_at >= oldest]

    def _waiting(self) -> list[_Job]:
        """Jobs to work on now: those of `_wanted` that are not quite new."""
        newest = time.monotonic() - self._pause_seconds
        return [job for job in self._wanted() if job.begun_at <= newest]

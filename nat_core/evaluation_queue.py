"""One worker thread that evaluates the candidates of every visitor, one evaluation of each proposal in turn.

An evaluation takes seconds, and a page should answer at once. So a caller gets what is known so far, and asks again.
A proposal that was stopped, or that nobody has asked about for a while, waits until somebody asks again.
"""

import atexit
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from threading import Condition, Thread

import torch

from nat_core.learning.accuracy import AccuracySource
from nat_core.transformation import Transformation, evaluation_steps


@dataclass(frozen=True)
class Progress:
    """The progress of evaluating a proposal.

    Attributes:
        outcome: the proposal with the accuracies so far; `outcome.evaluated` counts the evaluations.
        state: "running" (also while other proposals have their turn), "stopped", "finished" or "failed".
        problem: why it failed, in one sentence.
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


class EvaluationQueue:
    """Evaluates proposals in a thread of its own, which starts with the first proposal.

    Args:
        most_jobs: number of jobs that are kept; the one asked about least recently is dropped first.
        lease_seconds: how long a job goes on after the last question about it.
        pause_seconds: how long a new job waits, so that the page can draw the proposal undisturbed.
        threads: torch's threads for one evaluation.
    """

    def __init__(
        self, most_jobs: int = 256, lease_seconds: float = 15, pause_seconds: float = 0.3, threads: int = 1
    ) -> None:
        self._most_jobs = most_jobs
        self._lease_seconds = lease_seconds
        self._pause_seconds = pause_seconds
        self._threads = threads
        self._jobs: OrderedDict[Hashable, _Job] = OrderedDict()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._is_closed = False

    def ask(self, key: Hashable, proposal: Transformation, source: AccuracySource) -> Progress:
        """Return the results for `proposal` so far; the remaining candidates are evaluated unless the job was stopped.

        Args:
            key: identifies the proposal and the source; equal keys mean equal work.
        """
        with self._changed:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = _Job(evaluation_steps(proposal, source), proposal)
                while len(self._jobs) > self._most_jobs:
                    self._jobs.popitem(last=False)
            job.asked_at = time.monotonic()
            self._jobs.move_to_end(key)
            self._start()
            self._changed.notify_all()
            return Progress(job.outcome, job.state, job.problem)

    def stop(self, key: Hashable) -> None:
        """Suspends the job until `go_on`."""
        self._set(key, "running", "stopped")

    def go_on(self, key: Hashable) -> None:
        """Resumes a stopped job where it was left."""
        self._set(key, "stopped", "running")

    def close(self) -> None:
        """Ends the thread after the current evaluation. It is also called when the process ends."""
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
            self._thread = Thread(target=self._work, name="evaluation queue", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        served: _Job | None = None
        torch.set_num_threads(self._threads)
        while True:
            with self._changed:
                while not (waiting := self._waiting()) and not self._is_closed:
                    self._changed.wait(self._pause_seconds + 0.01 if self._wanted() else None)
                if self._is_closed:
                    return
                served = waiting[(waiting.index(served) + 1) % len(waiting)] if served in waiting else waiting[0]
            served.advance()

    def _wanted(self) -> list[_Job]:
        """Running jobs that somebody has asked about recently."""
        oldest = time.monotonic() - self._lease_seconds
        return [job for job in self._jobs.values() if job.state == "running" and job.asked_at >= oldest]

    def _waiting(self) -> list[_Job]:
        """Jobs to work on now: wanted ones whose first pause is over."""
        newest = time.monotonic() - self._pause_seconds
        return [job for job in self._wanted() if job.begun_at <= newest]

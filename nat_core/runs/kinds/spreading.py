"""An evaluation on a Ray cluster: every (architecture, seed) is a task on any node with free resources.

Checkpoints of tasks are in the shared storage. So a task whose node is lost resumes on another node, and all tasks
resume after a restart of the driver, which submits them and records their results.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nat_core.learning.scratch.config import EvaluationConfig
from nat_core.learning.scratch.measured import MeasuredResult
from nat_core.learning.scratch.queue import evaluate, images_of, label
from nat_core.learning.support.hooks import Hooks
from nat_core.runs.artifacts import StoredCheckpoints
from nat_core.runs.cluster.connection import connected
from nat_core.runs.cluster.progress import Report, start_progress
from nat_core.runs.cluster.storage import Storage
from nat_core.runs.folders import default_folders

# How often a task is restarted after the loss of its node or process.
_RETRIES = 10
_TURN_SECONDS = 0.5
# How long a task waits for the progress actor's answer before it saves.
_PATIENCE_SECONDS = 10.0
# Seconds between checkpoints; shorter for short trainings, which would end without one otherwise.
_SAVE_SECONDS, _SHORT_SAVE_SECONDS, _SHORT_EPOCHS = 30.0, 3.0, 30


@dataclass(frozen=True)
class Place:
    """Settings of a run's tasks.

    Attributes:
        run_id: the run's id.
        storage: place of its checkpoints.
        device: torch's name; "cuda" gives every task its own GPU.
        threads: processor threads of every task.
    """

    run_id: str
    storage: str
    device: str
    threads: int


@dataclass(frozen=True)
class Driver:
    """The driver's callbacks for its tasks.

    Attributes:
        should_stop: polled; once true, tasks save and end.
        progress: called with a training's position, steps done and metrics.
        record: called once for each training with its position and result.
        log: called with other messages of tasks.
    """

    should_stop: Callable[[], bool]
    progress: Callable[[int, int, Mapping[str, float]], None]
    record: Callable[[int, MeasuredResult], None]
    log: Callable[[str], None]


def spread(config: EvaluationConfig, positions: list[int], place: Place, driver: Driver) -> bool:
    """Run the trainings at these `positions` of `config.jobs` on this process's cluster; return False if stopped.

    Raises:
        ValueError: a training failed; the others have saved their state.
    """
    import ray

    with connected():
        channel = start_progress()
        gpus = 1 if place.device.startswith("cuda") else 0
        task = ray.remote(_train).options(num_cpus=place.threads, num_gpus=gpus, max_retries=_RETRIES)
        tasks = {task.remote(config.to_dict(), position, place, channel): position for position in positions}
        return _RunningTasks(tasks, channel, driver).until_done()


class _RunningTasks:
    """Submitted tasks and their outcomes."""

    def __init__(self, tasks: dict[Any, int], channel: Any, driver: Driver) -> None:
        self.tasks, self.channel, self.driver = tasks, channel, driver
        self.failure: BaseException | None = None
        self.stopping = False

    def until_done(self) -> bool:
        """Wait for all tasks; return whether none was stopped."""
        import ray

        while self.tasks:
            ready, _ = ray.wait(list(self.tasks), timeout=_TURN_SECONDS)
            self._pass_reports_on()
            for task in ready:
                self._end(task, self.tasks.pop(task))
            if self.driver.should_stop() or self.failure:
                self._stop()
        self._pass_reports_on()  # the last ones
        if self.failure is not None:
            raise self.failure
        return not self.stopping

    def _pass_reports_on(self) -> None:
        import ray

        for report in ray.get(self.channel.take.remote()):
            if report.text:
                self.driver.log(report.text)
            if report.metrics:
                self.driver.progress(report.position, report.done, report.metrics)

    def _end(self, task: Any, position: int) -> None:
        import ray
        from ray.exceptions import RayTaskError, TaskCancelledError

        try:
            result = ray.get(task)
        except TaskCancelledError:
            self.stopping = True
        except RayTaskError as error:
            self.failure = self.failure or getattr(error, "cause", None) or error
        else:
            if result is None:
                self.stopping = True
            else:
                self.driver.record(position, MeasuredResult.from_dict(result))

    def _stop(self) -> None:
        """Make begun tasks save and end, and cancel the others; later calls do nothing."""
        import ray

        if self.stopping:
            return
        self.stopping = True
        begun = ray.get(self.channel.stop.remote())
        for task, position in self.tasks.items():
            if position not in begun:
                ray.cancel(task)


def _train(config: dict[str, Any], position: int, place: Place, channel: Any) -> dict[str, Any] | None:
    """Run or resume one training inside a task; return its result, or None if stopped."""
    torch.set_num_threads(place.threads)
    queue = EvaluationConfig.from_dict(config)
    item, seed = queue.jobs[position]
    alone = EvaluationConfig((item,), queue.budget, (seed,), queue.preset)
    name = f"{position:06d}"
    folder = default_folders().checkpoints(place.run_id)
    checkpoints = StoredCheckpoints(folder, Storage(place.storage), place.run_id)
    checkpoints.restore(name)
    sender = _Sender(channel, position)
    again = ", from its checkpoint" if checkpoints.path(name).exists() else ""
    sender.log(f"{label(queue, position)} trains on {socket.gethostname()}, node {_node()}{again}")
    seconds = _SHORT_SAVE_SECONDS if queue.budget.epochs < _SHORT_EPOCHS else _SAVE_SECONDS

    @contextmanager
    def saving() -> Iterator[Path]:
        sender.flush()
        with checkpoints.saving(name) as path:
            yield path

    hooks = Hooks(sender.progress, sender.should_stop, checkpoints.path(name), saving, seconds, sender.log)
    try:
        found = evaluate(alone, images_of(queue.budget), place.device, hooks)
    finally:
        sender.flush()
    checkpoints.forget(name)
    return found.results[0].to_dict() if found.finished else None


def _node() -> str:
    """Return Ray's id of this node, since nodes on one machine share an address."""
    import ray

    return ray.get_runtime_context().get_node_id()[:8]


class _Sender:
    """Sends a task's reports to the progress actor; if the actor is gone, so is the driver, and the task must stop.

    Reports are sent in batches: short trainings progress dozens of times a second, and every call costs both sides a
    millisecond. The answer, whether to stop, is not awaited with `ray.get`: Ray would lend a blocked task's processor
    to another task, and then both would train on it.
    """

    def __init__(self, channel: Any, position: int) -> None:
        self._channel, self._position = channel, position
        self._unsent: list[Report] = []
        self._stopping, self._sent_at = False, 0.0
        self._answer: Future[bool] | None = None

    def log(self, text: str) -> None:
        self._unsent.append(Report(self._position, 0, {}, text))
        self._send()

    def progress(self, done: int, metrics: Mapping[str, float]) -> None:
        self._unsent.append(Report(self._position, done, dict(metrics)))

    def should_stop(self) -> bool:
        """Return whether to stop; called before every step."""
        if self._answer is not None and self._answer.done():
            self._stopping = self._answer.exception() is not None or self._answer.result()
            self._answer = None
        if self._answer is None and not self._stopping and time.monotonic() - self._sent_at > _TURN_SECONDS:
            self._send()
        return self._stopping

    def flush(self) -> None:
        """Wait until all reports have arrived, because a task resumed from a checkpoint does not repeat them."""
        if self._unsent:
            self._send()
        if self._answer is not None:
            wait([self._answer], _PATIENCE_SECONDS)

    def _send(self) -> None:
        self._answer = self._channel.report.remote(self._position, self._unsent).future()
        self._unsent, self._sent_at = [], time.monotonic()

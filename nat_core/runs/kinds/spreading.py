"""An evaluation on a Ray cluster: every (architecture, seed) is a task, on whichever node has room for it.

A task's checkpoint is in the storage that all nodes see. So a task whose node is lost goes on elsewhere from there,
and so do all of them when the driver, which hands them out and records what comes back, is started again.
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
from nat_core.runs.cluster.desk import Report, desk_here
from nat_core.runs.cluster.storage import Storage
from nat_core.runs.folders import default_folders

# How often a task is begun again whose node or process was lost.
_RETRIES = 10
_TURN_SECONDS = 1.0
# How long a task waits for a desk that does not answer before it saves.
_PATIENCE_SECONDS = 10.0
# Between checkpoints; a short training would not come to one otherwise.
_SAVE_SECONDS, _SHORT_SAVE_SECONDS, _SHORT_EPOCHS = 30.0, 3.0, 30


@dataclass(frozen=True)
class Place:
    """Where and how the tasks of a run work.

    Attributes:
        run_id: of the run.
        storage: of its checkpoints.
        device: torch's name; every task has a GPU of its own on "cuda".
        threads: of the processor, for every task.
    """

    run_id: str
    storage: str
    device: str
    threads: int


@dataclass(frozen=True)
class Driver:
    """What the driver does with what tasks say.

    Attributes:
        should_stop: asked all the time; once true, tasks save and end.
        progress: called with a training's position, its progress, and metrics.
        record: called with a training's position and result, once for each.
        log: called with what else there is to say.
    """

    should_stop: Callable[[], bool]
    progress: Callable[[int, int, Mapping[str, float]], None]
    record: Callable[[int, MeasuredResult], None]
    log: Callable[[str], None]


def spread(config: EvaluationConfig, positions: list[int], place: Place, driver: Driver) -> bool:
    """Trains those of `config.jobs` on the cluster that this process belongs to; False if it was asked to stop.

    Raises:
        ValueError: a training failed; the others have saved what they had.
    """
    import ray

    with connected():
        desk = desk_here()
        gpus = 1 if place.device.startswith("cuda") else 0
        task = ray.remote(_train).options(num_cpus=place.threads, num_gpus=gpus, max_retries=_RETRIES)
        tasks = {task.remote(config.to_dict(), position, place, desk): position for position in positions}
        return _Attended(tasks, desk, driver).until_done()


class _Attended:
    """The tasks at work, and what came of them."""

    def __init__(self, tasks: dict[Any, int], desk: Any, driver: Driver) -> None:
        self.tasks, self.desk, self.driver = tasks, desk, driver
        self.failure: BaseException | None = None
        self.stopping = False

    def until_done(self) -> bool:
        """Whether all came to an end without being stopped."""
        import ray

        while self.tasks:
            ready, _ = ray.wait(list(self.tasks), timeout=_TURN_SECONDS)
            self._hear()
            for task in ready:
                self._end(task, self.tasks.pop(task))
            if self.driver.should_stop() or self.failure:
                self._stop()
        self._hear()  # what was said last
        if self.failure is not None:
            raise self.failure
        return not self.stopping

    def _hear(self) -> None:
        import ray

        for report in ray.get(self.desk.take.remote()):
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
        """Once: those that have begun save and end, the others do not begin."""
        import ray

        if self.stopping:
            return
        self.stopping = True
        begun = ray.get(self.desk.stop.remote())
        for task, position in self.tasks.items():
            if position not in begun:
                ray.cancel(task)


def _train(config: dict[str, Any], position: int, place: Place, desk: Any) -> dict[str, Any] | None:
    """Inside a task: one training, from its checkpoint on if there is one; None if it was stopped."""
    torch.set_num_threads(place.threads)
    queue = EvaluationConfig.from_dict(config)
    item, seed = queue.jobs[position]
    alone = EvaluationConfig((item,), queue.budget, (seed,), queue.preset)
    name = f"{position:06d}"
    folder = default_folders().checkpoints(place.run_id)
    checkpoints = StoredCheckpoints(folder, Storage(place.storage), place.run_id)
    checkpoints.restore(name)
    talk = _Talk(desk, position)
    again = ", from its checkpoint" if checkpoints.path(name).exists() else ""
    talk.say(f"{label(queue, position)} trains on {socket.gethostname()}, node {_node()}{again}")
    seconds = _SHORT_SAVE_SECONDS if queue.budget.epochs < _SHORT_EPOCHS else _SAVE_SECONDS

    @contextmanager
    def saving() -> Iterator[Path]:
        talk.settle()
        with checkpoints.saving(name) as path:
            yield path

    hooks = Hooks(talk.progress, talk.should_stop, checkpoints.path(name), saving, seconds, talk.say)
    try:
        found = evaluate(alone, images_of(queue.budget), place.device, hooks)
    finally:
        talk.settle()
    checkpoints.forget(name)
    return found.results[0].to_dict() if found.finished else None


def _node() -> str:
    """What Ray calls it: its address does not tell apart nodes on one machine."""
    import ray

    return ray.get_runtime_context().get_node_id()[:8]


class _Talk:
    """A task's side of the desk; a desk that is gone means that nobody waits for the task any more.

    What there is to say is passed on now and then, all at once: short trainings progress dozens of times a second, and
    every call costs both sides a millisecond. Its answer, whether to stop, is not waited for in `ray.get`: a task that
    waits there gives its processor to another one meanwhile, and then both train on it.
    """

    def __init__(self, desk: Any, position: int) -> None:
        self._desk, self._position = desk, position
        self._untold: list[Report] = []
        self._stopping, self._told = False, 0.0
        self._answer: Future[bool] | None = None

    def say(self, text: str) -> None:
        self._untold.append(Report(self._position, 0, {}, text))
        self._tell()

    def progress(self, done: int, metrics: Mapping[str, float]) -> None:
        self._untold.append(Report(self._position, done, dict(metrics)))

    def should_stop(self) -> bool:
        """Asked before every step."""
        if self._answer is not None and self._answer.done():
            self._stopping = self._answer.exception() is not None or self._answer.result()
            self._answer = None
        if self._answer is None and not self._stopping and time.monotonic() - self._told > _TURN_SECONDS:
            self._tell()
        return self._stopping

    def settle(self) -> None:
        """Waits until the desk has all that was said: a task that goes on from a checkpoint does not say it again."""
        if self._untold:
            self._tell()
        if self._answer is not None:
            wait([self._answer], _PATIENCE_SECONDS)

    def _tell(self) -> None:
        self._answer = self._desk.report.remote(self._position, self._untold).future()
        self._untold, self._told = [], time.monotonic()

"""A queue of trainings from scratch: architectures and seeds, one after the other; stops and resumes exactly."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from nat_core.learning.images.images import ImageData, load_images
from nat_core.learning.scratch.config import Budget, EvaluationConfig
from nat_core.learning.scratch.measured import MeasuredResult, Verdict, measured_result
from nat_core.learning.scratch.state import QueueState, ScratchState, load_queue, new_state, save_queue
from nat_core.learning.scratch.training import Trainer
from nat_core.learning.support.hooks import Hooks, Saver

# Progress is counted in such parts of an epoch, since nobody knows the steps before the images are loaded.
TICKS_PER_EPOCH = 20
# The state is saved by the clock and, where the clock is slow, after this many steps.
STEPS_BETWEEN_SAVES = 1000


@dataclass(frozen=True)
class Evaluation:
    """The results of a queue.

    Attributes:
        results: results of the finished trainings, in order.
        finished: whether all trainings are finished.
    """

    results: tuple[MeasuredResult, ...]
    finished: bool


def ticks(config: EvaluationConfig) -> int:
    """Return the total progress of the whole queue."""
    return len(config.jobs) * _ticks_each(config)


def evaluate(
    config: EvaluationConfig,
    data: ImageData | None = None,
    device: torch.device | str = "cpu",
    hooks: Hooks | None = None,
    record: Callable[[MeasuredResult], None] = lambda result: None,
) -> Evaluation:
    """Train every architecture with every seed, one after the other, and evaluate each.

    Args:
        config: what to train and how.
        data: the images; by default those that the budget names.
        device: target device.
        hooks: progress, stopping, messages and checkpoints; one is also written after every finished training. Progress
            is in ticks; the metrics are loss in nats, training accuracy in percent, learning rate, drop path, pace,
            and those of a `Verdict` once a network has been evaluated. In a queue of several trainings, the names of
            metrics begin with the training's label and a slash.
        record: called with every result as soon as it is known.

    Raises:
        ValueError: the images are not available, the checkpoint is of another configuration, a training diverges,
            or too many images cannot be read.
    """
    if data is None:
        data = images_of(config.budget)
    with torch.backends.cudnn.flags(enabled=True, benchmark=True):
        return _Queue(config, data.to(device), device, hooks or Hooks(), record).run()


def images_of(budget: Budget) -> ImageData:
    """Return the images that the budget names. Raises ValueError if they are not available."""
    return load_images(
        budget.data, resolution=budget.resolution, split_seed=budget.split_seed, way=budget.way, share=budget.share,
        most_broken=budget.most_broken, first_classes=budget.first_classes,
    )  # fmt: skip


class _Queue:
    """The loop over the trainings, and the one over a training's steps."""

    def __init__(
        self,
        config: EvaluationConfig,
        data: ImageData,
        device: torch.device | str,
        hooks: Hooks,
        record: Callable[[MeasuredResult], None],
    ) -> None:
        self.config, self.data, self.device, self.hooks, self.record = config, data, device, hooks, record
        self.network = config.budget.network(len(data.classes))
        self.trainer = Trainer(config.budget, data)
        self.state = QueueState()
        if hooks.saved is not None:
            self.state = load_queue(hooks.saved, config, self.network, device)
        self._watch_images()
        self.saver = Saver(hooks, lambda path: save_queue(path, config, self.state))

    def _watch_images(self) -> None:
        """Says what is to be known about the images, and keeps count of the broken ones across interruptions."""
        broken, known = self.data.broken, self.state.broken
        self.data.watch(self.hooks.tell, known)
        broken.sentences = self.state.broken = {**known, **broken.sentences}

    def run(self) -> Evaluation:
        results, jobs = self.state.results, self.config.jobs
        while len(results) < len(jobs):
            item, seed = jobs[len(results)]
            if self.state.current is None:
                budget = self.config.budget
                self.state.current = new_state(item.architecture, self.network, budget, seed, self.device)
            verdict = self._train(self.state.current)
            if verdict is None:
                self.saver.save()
                return Evaluation(tuple(results), finished=False)
            elapsed = round(self.state.current.elapsed_seconds, 1)
            result = measured_result(item, seed, verdict, elapsed, self.config, self.data, self.device)
            self.record(result)
            self.hooks.progress((len(results) + 1) * _ticks_each(self.config), verdict.metrics())
            results.append(result)
            self.state.current = None
            self.saver.save()
        return Evaluation(tuple(results), finished=True)

    def _train(self, state: ScratchState) -> Verdict | None:
        """Train a network to the last step and evaluate it; return None if stopped before."""
        began = time.perf_counter() - state.elapsed_seconds
        per_epoch, verdict = self.trainer.steps_per_epoch, None
        while state.step < self.trainer.steps and not self.hooks.should_stop():
            self.trainer.step(state)
            done = TICKS_PER_EPOCH * state.step // per_epoch
            if done > TICKS_PER_EPOCH * (state.step - 1) // per_epoch:
                self._report(done, {**self.trainer.report(state), **self._broken()})
            state.elapsed_seconds = time.perf_counter() - began
            self.saver.save_if_due(early=state.step % STEPS_BETWEEN_SAVES == 0)
        if state.step == self.trainer.steps:
            verdict = self.trainer.evaluate(state.network, self.hooks.should_stop)
        state.elapsed_seconds = time.perf_counter() - began
        return verdict

    def _broken(self) -> dict[str, float]:
        """Return the number of images that could not be read so far, if any."""
        return {"broken_images": float(len(self.data.broken))} if len(self.data.broken) else {}

    def _report(self, done: int, metrics: Mapping[str, float]) -> None:
        position = len(self.state.results)
        self.hooks.progress(position * _ticks_each(self.config) + done, of_training(self.config, position, metrics))


def of_training(config: EvaluationConfig, position: int, metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics under the names that they have in the whole queue: with the training's label, if there are several."""
    prefix = f"{label(config, position)}/" if len(config.jobs) > 1 else ""
    return {f"{prefix}{name}": value for name, value in metrics.items()}


def label(config: EvaluationConfig, position: int) -> str:
    """A short, unambiguous name of one training in the queue, of letters that metrics' names may have."""
    item, seed = config.jobs[position]
    name = "".join(mark if mark.isascii() and (mark.isalnum() or mark in "_-.") else "_" for mark in item.name)[:40]
    number = config.architectures.index(item) + 1
    seed_text = f" seed {seed}" if len(config.seeds) > 1 else ""
    return f"{number}{' ' if name else ''}{name}{seed_text}"


def _ticks_each(config: EvaluationConfig) -> int:
    return config.budget.epochs * TICKS_PER_EPOCH

"""Hooks of every training loop: progress, stopping, and checkpoints."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

Metrics = Mapping[str, float]
Progress = Callable[[int, Metrics], None]
Saving = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Hooks:
    """The callbacks of a training.

    Attributes:
        progress: called with the number of steps done and metrics by name.
        should_stop: asked before every step; once true, the state is saved and the training returns as it is.
        checkpoint: file of the state; if it exists, the training continues from there exactly. None saves nothing.
        saving: a context entered around every save.
        save_seconds: seconds between saves.
        tell: called with one sentence at a time that people should know, such as notes about the images.
    """

    progress: Progress = lambda step, metrics: None
    should_stop: Callable[[], bool] = lambda: False
    checkpoint: Path | None = None
    saving: Saving = nullcontext
    save_seconds: float = 60.0
    tell: Callable[[str], None] = lambda sentence: None

    @property
    def saved(self) -> Path | None:
        """The checkpoint to continue from; None where there is none yet."""
        return self.checkpoint if self.checkpoint is not None and self.checkpoint.exists() else None


class Saver:
    """Saves a training's state to the checkpoint of its hooks at intervals.

    Args:
        hooks: hooks of the training.
        save: writes the state to a file.
    """

    def __init__(self, hooks: Hooks, save: Callable[[Path], None]) -> None:
        self._hooks, self._save = hooks, save
        self._saved_at = time.monotonic()

    def save(self) -> None:
        """Saves now, if there is a place for it."""
        if self._hooks.checkpoint is not None:
            with self._hooks.saving():
                self._save(self._hooks.checkpoint)
        self._saved_at = time.monotonic()

    def save_if_due(self, early: bool = False) -> None:
        """Saves if the time between saves has passed, or `early`."""
        if early or time.monotonic() - self._saved_at >= self._hooks.save_seconds:
            self.save()

"""The interface of a kind of run, and the context that its code receives."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from nat_core.learning.support.hooks import Hooks
from nat_core.runs.artifacts import POLICY, SNAPSHOTS, Checkpoints, PolicyOf, Snapshots, keep_policy
from nat_core.runs.folders import Folders
from nat_core.runs.run import Run
from nat_core.runs.store import reason
from nat_core.runs.tracking import Tracking

if TYPE_CHECKING:
    from nat_core.learning.scratch.measured import MeasuredResult


class ReportedProgress(Protocol):
    """Called with a step and its metrics; `done` counts all steps of the run if that differs from `step`."""

    def __call__(self, step: int, metrics: Mapping[str, float], done: int | None = None) -> None: ...


class Config(Protocol):
    """A frozen dataclass that converts to JSON and back."""

    def to_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self: ...


@dataclass(frozen=True)
class Work:
    """The code of a kind of run.

    Attributes:
        config: the class of its configuration.
        do: the work; returns True when it is finished, False when `context.should_stop()` ended it. It reports to
            `context.progress`, saves inside `context.saving()`, and continues from `context.checkpoint()` if there is
            one.
        steps: returns a configuration's number of steps.
        headline: the main metric, whose best and last value are shown for a run.
        higher_is_better: whether higher values of that metric are better.
        space: returns the search space of a configuration's architectures.
        arguments: returns the equivalent command line, without output and device.
        outcome: returns the text that a finished run in the foreground prints; by default the output folder.
        spreads: whether a run on a cluster submits its work as tasks.
        is_shared: whether several processes can do it together; see `learning.support.parallel`.
        policy_of: reads a checkpoint's policy, given a command line for its card; None if it has no policy.
    """

    config: type[Config]
    do: "Callable[[Any, RunContext], bool]"
    steps: Callable[[Any], int]
    headline: str
    higher_is_better: bool = True
    space: Callable[[Any], str] = field(default=lambda config: getattr(config, "space", ""))
    arguments: Callable[[Any, str], list[str]] = field(default=lambda config, preset: [])
    outcome: Callable[[Tracking, Run], str] = field(default=lambda tracking, run: str(tracking.output_of(run)))
    spreads: bool = False
    is_shared: bool = False
    policy_of: PolicyOf | None = None


@dataclass(frozen=True)
class RunContext:
    """The context that the code of a run receives.

    Attributes:
        run: the run when this process began its work.
        should_stop: poll it often; once true, save and return False.
        progress: reports a step's metrics; cheap, and repeated steps are ignored.
        log: adds a line to the run's log.
    """

    run: Run
    should_stop: Callable[[], bool]
    progress: "ReportedProgress"
    log: Callable[[str], None]
    _tracking: Tracking
    _checkpoints: Checkpoints
    _policy_of: PolicyOf | None
    _flush: Callable[[], None]

    @property
    def device(self) -> str:
        """torch's name of the device, which the run has to itself."""
        return self.run.request.device

    @property
    def command(self) -> str:
        """The complete equivalent command line."""
        return self.run.request.whole.command

    def hooks(self, save_seconds: float = 60.0) -> Hooks:
        """Return the hooks that connect a training with this run."""
        return Hooks(self.progress, self.should_stop, self.checkpoint(), self.saving, save_seconds, self.tell)

    def tell(self, sentence: str) -> None:
        """Write a sentence to the run's log and, in the foreground, to stderr."""
        self.log(sentence)
        if not _is_stderr(self.folders.log(self.run.id)):
            print(sentence, file=sys.stderr)

    @property
    def folders(self) -> Folders:
        """The runs' files."""
        return self._tracking.folders

    def checkpoint(self) -> Path:
        """Return the path of the checkpoint, which exists if there is work to continue."""
        return self._checkpoints.path()

    @contextmanager
    def saving(self) -> Iterator[Path]:
        """Yield the path for an atomic save, after sending pending reports; the old checkpoint is kept beside it.

        The checkpoint's policy is kept, too.

        Raises:
            OSError: the checkpoint could not be written; the message says which one remains.
        """
        self._flush()
        with self._checkpoints.saving() as path:
            yield path
        if self._policy_of is not None and path.exists():
            self._keep_policy(path, self._policy_of)

    def _keep_policy(self, checkpoint: Path, policy_of: PolicyOf) -> None:
        try:
            kept = Snapshots.of(self.folders, self.run).take(checkpoint, policy_of, self.command)
            if kept is not None:
                self._tracking.artifact(self.run.id, kept, f"{SNAPSHOTS}/{kept.name}")
        except Exception as error:  # the work must not fail because of a preview
            self.log(f"the policy of this checkpoint was not kept: {sentence(error)}")

    def publish(self, write: Callable[[Path], Path]) -> None:
        """Store the policy that `write` writes: in the run's folder, in the record, and in the requested output folder.

        Raises:
            OSError: the policy cannot be written.
        """
        from nat_core.learning.training.policy_folder import copy_whole

        with tempfile.TemporaryDirectory(dir=self.checkpoint().parent) as folder:
            written = write(Path(folder) / POLICY)
            self._tracking.artifact(self.run.id, written, POLICY)
            own = keep_policy(self.folders, self.run, written)
        if self.run.request.output:
            copy_whole(own, Path(self.run.request.output))

    def stored_results(self) -> "dict[int, MeasuredResult]":
        """Return the results that `store_result` has stored, by position."""
        from nat_core.runs.results import stored_results

        return stored_results(self._tracking, self.run.id)

    def store_result(self, position: int, result: "MeasuredResult") -> None:
        """Store the result of one training of a queue with the record."""
        from nat_core.runs.results import store_result

        store_result(self._tracking, self.run.id, position, result)


def _is_stderr(log: Path) -> bool:
    """Return whether stderr is redirected to this file, as in a run's own process."""
    try:
        return os.path.samestat(os.fstat(sys.stderr.fileno()), log.stat())
    except (OSError, ValueError):
        return False


def sentence(error: BaseException) -> str:
    """Return an error in one line."""
    text = reason(error, 500)
    return text if isinstance(error, ValueError | OSError) and text else f"{type(error).__name__}: {text}".rstrip(": ")

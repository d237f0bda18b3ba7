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
    """Called with steps done and metrics; `done` are the steps of the whole, where that is something else."""

    def __call__(self, step: int, metrics: Mapping[str, float], done: int | None = None) -> None: ...


class Config(Protocol):
    """A frozen dataclass that survives JSON."""

    def to_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self: ...


@dataclass(frozen=True)
class Work:
    """The code of a kind of run.

    Attributes:
        config: class of its configuration.
        do: the work; returns True when it is finished, False when `context.should_stop()` ended it. It reports to
            `context.progress`, saves inside `context.saving()`, and continues from `context.checkpoint()` if there is
            one.
        steps: how many steps of progress a configuration has.
        headline: the metric whose best and last value stand for a run.
        higher_is_better: of that metric.
        space: whose architectures a configuration is about.
        arguments: of the command line that asks for the same; without output and device.
        outcome: what a finished run in the foreground prints; the folder of its output by default.
        spreads: whether it hands its work out to tasks where it is done on a cluster.
        is_shared: whether several processes can do it together; see `learning.support.parallel`.
        policy_of: the policy in a checkpoint, given a command line for its card; None where there is none.
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
        run: as it stood when this part of the work began.
        should_stop: ask it often; once true, save and return False.
        progress: reports metrics after so many steps; cheap, and a step that was reported before is left out.
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
        """torch's name of the device that is the run's own meanwhile."""
        return self.run.request.device

    @property
    def command(self) -> str:
        """The command line that does the same, in full."""
        return self.run.request.whole.command

    def hooks(self, save_seconds: float = 60.0) -> Hooks:
        """The hooks that connect a training with this run."""
        return Hooks(self.progress, self.should_stop, self.checkpoint(), self.saving, save_seconds, self.tell)

    def tell(self, sentence: str) -> None:
        """Says something in the run's log and, in the foreground, on stderr."""
        self.log(sentence)
        if not _is_stderr(self.folders.log(self.run.id)):
            print(sentence, file=sys.stderr)

    @property
    def folders(self) -> Folders:
        """Where runs keep their files."""
        return self._tracking.folders

    def checkpoint(self) -> Path:
        """Where the state of the work belongs; exists if there is something to continue."""
        return self._checkpoints.path()

    @contextmanager
    def saving(self) -> Iterator[Path]:
        """Around every (atomic) save of `checkpoint()`: reports come first, and the old file is kept beside it.

        What the policy is like then is kept, too.

        Raises:
            OSError: it could not be written; says what is left.
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
        except Exception as error:  # what is only to be looked at must not end the work
            self.log(f"the policy of this checkpoint was not kept: {sentence(error)}")

    def publish(self, write: Callable[[Path], Path]) -> None:
        """Keeps the policy that `write` puts into a folder: as the run's own, in the record, and where it was asked.

        Raises:
            OSError: it cannot be written.
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
        """Stores the result of one training of a queue with the record."""
        from nat_core.runs.results import store_result

        store_result(self._tracking, self.run.id, position, result)


def _is_stderr(log: Path) -> bool:
    """Whether what is written to stderr goes into this file, as in a run's own process."""
    try:
        return os.path.samestat(os.fstat(sys.stderr.fileno()), log.stat())
    except (OSError, ValueError):
        return False


def sentence(error: BaseException) -> str:
    """An error in one line."""
    text = reason(error, 500)
    return text if isinstance(error, ValueError | OSError) and text else f"{type(error).__name__}: {text}".rstrip(": ")

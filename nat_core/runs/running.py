"""Inside a run's process: wait for the device, do the work, report, save, stop when asked, and say how it ended."""

import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, chdir, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from nat_core.learning.support.hooks import Hooks
from nat_core.runs.checkpoints import Checkpoints
from nat_core.runs.fetching import keep
from nat_core.runs.folders import Folders, waiting_for
from nat_core.runs.kinds import Work, work_of
from nat_core.runs.processes import process
from nat_core.runs.reporter import Reporter
from nat_core.runs.run import Run
from nat_core.runs.signals import stop_signals
from nat_core.runs.states import State
from nat_core.runs.tracking import LOG_TAIL_CHARACTERS, Tracking
from nat_core.runs.usage import Meter

Listener = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class RunContext:
    """What the work of a run sees of the world.

    Attributes:
        run: as it stood when this part of the work began.
        should_stop: ask it often; once true, save and return False.
    """

    run: Run
    should_stop: Callable[[], bool]
    _tracking: Tracking
    _reporter: Reporter
    _checkpoints: Checkpoints
    _listener: Listener = field(default=lambda step, metrics: None)

    @property
    def device(self) -> str:
        """torch's name of the device that is the run's own meanwhile."""
        return self.run.request.device

    @property
    def command(self) -> str:
        """The command line that does the same, in full."""
        return self.run.request.whole.command

    def hooks(self, save_seconds: float = 60.0) -> Hooks:
        """How a training and this run meet."""
        return Hooks(self.progress, self.should_stop, self.checkpoint(), self.saving, save_seconds)

    @property
    def folders(self) -> Folders:
        """Where runs keep their files."""
        return self._tracking.folders

    def progress(self, step: int, metrics: Mapping[str, float]) -> None:
        """Reports metrics after `step` steps; cheap, and a step that was reported before is left out."""
        self._reporter.progress(step, metrics)
        self._listener(step, metrics)

    def checkpoint(self, name: str = "state") -> Path:
        """Where the state of the work belongs; exists if there is something to continue."""
        return self._checkpoints.path(name)

    def saving(self, name: str = "state") -> AbstractContextManager[Path]:
        """Around every (atomic) save of `checkpoint(name)`: reports come first, and the old file is kept beside it.

        What the policy is like then is kept, too.

        Raises:
            OSError: it could not be written; says what is left.
        """
        self._reporter.flush()
        return self._saving(name)

    @contextmanager
    def _saving(self, name: str) -> Iterator[Path]:
        with self._checkpoints.saving(name) as path:
            yield path
        if name == "state":
            self._keep_policy(path)

    def _keep_policy(self, checkpoint: Path) -> None:
        policy_of = work_of(self.run.request.kind).policy_of
        if policy_of is None or not checkpoint.exists():
            return
        try:
            kept = self._tracking.snapshots_of(self.run).take(checkpoint, policy_of, self.command)
            if kept is not None:
                self.artifact(kept, f"snapshots/{kept.name}")
        except Exception as error:  # what is only to be looked at must not end the work
            self.log(f"the policy of this checkpoint was not kept: {sentence(error)}")

    def restore(self, name: str) -> None:
        """For other checkpoints than "state": a newest one that cannot be read is replaced by the one before."""
        self._checkpoints.restore(name)

    def publish(self, write: Callable[[Path], Path]) -> None:
        """Keeps the policy that `write` puts into a folder: as the run's own, in the record, and where it was asked.

        Raises:
            OSError: it cannot be written.
        """
        from nat_core.learning.training.policy_folder import copy_whole

        with tempfile.TemporaryDirectory(dir=self.checkpoint().parent) as folder:
            written = write(Path(folder) / "policy")
            self.artifact(written, "policy")
            own = keep(self._tracking, self.run, written)
        if self.run.request.output:
            copy_whole(own, Path(self.run.request.output))

    def artifact(self, path: Path, folder: str = "") -> None:
        """Stores a result with the record: a file, or a folder with what is in it."""
        self._tracking.artifact(self.run.id, path, folder)

    def log(self, text: str) -> None:
        """Adds a line to the run's log."""
        _log(self._tracking, self.run.id, text)


def execute(tracking: Tracking, run_id: str, listener: Listener | None = None) -> State:
    """Does a queued run in this process, in its main thread; returns how it ended.

    Args:
        tracking: where it is recorded.
        run_id: of a queued run.
        listener: called with every report, besides the record.

    Raises:
        ValueError: the run is not queued, or another process is at it.
        Exception: what the work raised; it is recorded first, as one sentence.
    """
    run = tracking.get(run_id)
    other = run.process is not None and run.process.alive and run.process.pid != os.getpid()
    # A process that took long to start finds its run given up for lost, but still recorded as waiting for it.
    waiting = run.state in (State.QUEUED, State.STOPPING) or (run.state, run.recorded) == (State.LOST, State.QUEUED)
    if not waiting or other:
        raise ValueError(f"the run {run.short_id} ({run.name}) is {run.state} and does not wait for this process")
    tracking.attach(run_id, process())
    if run.recorded is State.STOPPING:
        _end(tracking, run_id, State.STOPPED)
        return State.STOPPED
    _log(tracking, run_id, f"process {process().pid} on {process().host}: {run.name}")
    with stop_signals() as should_stop:
        try:
            state = _work(tracking, run, should_stop, listener)
        except BaseException as error:
            _log(tracking, run_id, "".join(traceback.format_exception(error)).rstrip())
            _end(tracking, run_id, State.FAILED, sentence(error))
            raise
        _end(tracking, run_id, state)
    if state is State.FINISHED:
        Checkpoints(tracking.folders.checkpoints(run_id)).delete()
        tracking.snapshots_of(run).finish()
    return state


def sentence(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())[:500]
    return text if isinstance(error, ValueError | OSError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def _work(tracking: Tracking, run: Run, should_stop: Callable[[], bool], listener: Listener | None) -> State:
    work = work_of(run.request.kind)
    config = work.config.from_dict(run.config)
    lock = tracking.folders.lock(run.request.device)
    with _directory(run), _reporter(tracking, run, work) as reporter, waiting_for(lock, should_stop) as ours:
        if not (ours and _begin(tracking, run.id)):
            return State.STOPPED
        context = _context(tracking, run, should_stop, reporter, listener)
        _prepare_torch(run.request.threads)
        reporter.working()
        return State.FINISHED if work.do(config, context) else State.STOPPED


def _directory(run: Run) -> AbstractContextManager[None]:
    """Makes the folder current in which the run was asked for, if it is here, for relative paths start there."""
    folder = run.request.directory
    return chdir(folder) if folder and Path(folder).is_dir() else nullcontext()


def _begin(tracking: Tracking, run_id: str) -> bool:
    """From queued to running; False if somebody asked it to stop meanwhile."""
    try:
        tracking.transition(run_id, State.RUNNING)
    except ValueError:
        if tracking.get(run_id).recorded is State.STOPPING:
            return False
        raise
    return True


def _reporter(tracking: Tracking, run: Run, work: Work) -> Reporter:
    meter = Meter(run.request.device)

    def besides() -> Mapping[str, object]:
        facts = {"usage": json.dumps(meter().to_dict())}
        return facts if tracking.is_local else facts | {"log_tail": _log_tail(tracking, run.id)}

    def complain(text: str) -> None:
        _log(tracking, run.id, text)

    return Reporter(tracking, run, work.headline, work.higher_is_better, complain, besides)


def _context(
    tracking: Tracking, run: Run, should_stop: Callable[[], bool], reporter: Reporter, listener: Listener | None
) -> RunContext:
    checkpoints = Checkpoints(tracking.folders.checkpoints(run.id))
    if checkpoints.restore():
        _log(tracking, run.id, "the newest checkpoint could not be read; the one before takes its place")

    def listen(step: int, metrics: Mapping[str, float]) -> None:
        values = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        _log(tracking, run.id, f"step {step}/{run.steps}  {values}")
        if listener is not None:
            listener(step, metrics)

    return RunContext(run, should_stop, tracking, reporter, checkpoints, listen)


def _end(tracking: Tracking, run_id: str, state: State, error: str = "") -> None:
    """Writes the last state, after everything else: whoever reads it finds all of the run."""
    _log(tracking, run_id, f"{state}{': ' if error else ''}{error}")
    with suppress(Exception):
        tracking.artifact(run_id, tracking.folders.log(run_id))
    facts = {} if tracking.is_local else {"log_tail": _log_tail(tracking, run_id)}
    tracking.transition(run_id, state, error, facts)


def _log_tail(tracking: Tracking, run_id: str) -> str:
    """For those who watch from another machine: whole lines, unless a single one is too long."""
    text = "\n".join(tracking.log_lines(run_id, 40))
    cut = text[-LOG_TAIL_CHARACTERS:]
    return cut if cut == text or "\n" not in cut else cut.partition("\n")[2]


def _log(tracking: Tracking, run_id: str, text: str) -> None:
    with suppress(OSError), tracking.folders.log(run_id).open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")


def _prepare_torch(threads: int) -> None:
    """Unless the work's own module has not even imported it."""
    if "torch" in sys.modules:
        from nat_core.learning.support.allocator import keep_freed_memory

        sys.modules["torch"].set_num_threads(threads)
        keep_freed_memory()

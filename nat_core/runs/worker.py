"""A run's process: waits for the device, does the work, reports, saves, stops on request, and records the outcome."""

import json
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, chdir, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from nat_core.garbage import search_as_usual
from nat_core.runs.artifacts import Snapshots, checkpoints_of
from nat_core.runs.folders import waiting_for
from nat_core.runs.kinds import work_of
from nat_core.runs.processes import Meter, process, stop_signals
from nat_core.runs.run import Run, State
from nat_core.runs.store import Point, reason
from nat_core.runs.tracking import Tracking
from nat_core.runs.work import RunContext, Work, sentence

Listener = Callable[[int, Mapping[str, float]], None]
INTERVAL_SECONDS = 2.0
_LOG_TAIL_CHARACTERS = 4000
_ERROR = re.compile(r"\b(\w*Error|Exception|Traceback|failed|lost|killed|could not|WARNING|Warning)\b")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ")


class Reporter:
    """Records one run's metrics and a heartbeat every few seconds, and the rest on exit.

    Steps recorded before an interruption are not recorded again: a resumed run repeats the steps since its checkpoint
    with the same values.

    Args:
        tracking: the record.
        run: the run when this process began its work.
        headline: name of the main metric, whose best and last value are recorded as facts.
        higher_is_better: whether higher values of that metric are better.
        complain: called with one sentence if the record cannot be reached; writing is retried.
        besides: returns more facts to record with every write.
        interval_seconds: time between writes.
    """

    def __init__(
        self,
        tracking: Tracking,
        run: Run,
        headline: str,
        higher_is_better: bool,
        complain: Callable[[str], None],
        besides: Callable[[], Mapping[str, object]] = dict,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._tracking = tracking
        self._run = run
        self._headline = headline
        self._better = max if higher_is_better else min
        self._complain = complain
        self._besides = besides
        self._interval = interval_seconds
        self._points: list[Point] = []
        self._facts: dict[str, object] = {}
        self._best = run.best
        self._began: float | None = None
        self._first_step: tuple[float, int] | None = None
        self._written: dict[str, int] = {}
        self._done = threading.Event()
        self._points_lock, self._writing_lock = threading.Lock(), threading.Lock()
        self._thread = threading.Thread(target=self._keep_writing, name="reporter", daemon=True)

    def __enter__(self) -> "Reporter":
        self._written = self._tracking.last_steps(self._run.id)
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        try:
            self._write()
        except Exception:
            if error is None:
                raise

    def working(self) -> None:
        """Start the clock of the time worked."""
        self._began = time.monotonic()

    def progress(self, step: int, metrics: Mapping[str, float], done: int | None = None) -> None:
        """Add a step's metrics; `done` counts all steps of the run if that differs from `step`."""
        now = time.time()
        with self._points_lock:
            for name, value in metrics.items():
                if step > self._written.get(name, -1):
                    self._written[name] = step
                    self._points.append(Point(name, step, float(value), now))
            if (last := metrics.get(self._headline)) is not None:
                self._best = last if self._best is None else self._better(self._best, last)
                self._facts |= {"best": self._best, "last": last}
            done = step if done is None else done
            self._facts |= {"step": done, "eta_seconds": self._seconds_left(done)}

    def flush(self) -> None:
        """Write the pending metrics and facts, if the record can be reached."""
        try:
            self._write()
        except Exception as error:
            self._complain(f"the record could not be reached and is tried again ({reason(error)})")

    @property
    def elapsed_seconds(self) -> float:
        """Time worked, including that of earlier processes of the run."""
        return self._run.elapsed_seconds + (time.monotonic() - self._began if self._began is not None else 0.0)

    def _seconds_left(self, step: int) -> float | None:
        if self._began is None:
            return None
        now = time.monotonic()
        if self._first_step is None:
            self._first_step = (now, step)
        began, first = self._first_step
        return (now - began) / (step - first) * (self._run.steps - step) if step > first else None

    def _keep_writing(self) -> None:
        while not self._done.wait(self._interval):
            self.flush()

    def _write(self) -> None:
        with self._writing_lock:
            with self._points_lock:
                points, self._points = self._points, []
                facts, self._facts = self._facts, {}
            try:
                alive = {"heartbeat": time.time(), "elapsed_seconds": round(self.elapsed_seconds, 3)}
                self._tracking.note(self._run.id, {**facts, **alive, **self._besides()}, points)
            except Exception:
                with self._points_lock:
                    self._points, self._facts = points + self._points, facts | self._facts
                raise


def execute(tracking: Tracking, run_id: str, listener: Listener | None = None) -> State:
    """Do a queued run in this process's main thread; return its final state.

    Args:
        tracking: the record of the run.
        run_id: id of a queued run.
        listener: also called with every report.

    Raises:
        ValueError: the run is not queued, or another process has it.
        Exception: any error of the work, which is first recorded as one sentence.
    """
    run = tracking.get(run_id)
    other = run.process is not None and run.process.alive and run.process.pid != os.getpid()
    # After a slow start of this process, its run may count as lost although it is recorded as queued.
    waiting = run.state in (State.QUEUED, State.STOPPING) or (run.state, run.recorded) == (State.LOST, State.QUEUED)
    if not waiting or other:
        raise ValueError(f"the run {run.label} is {run.state} and does not wait for this process")
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
        checkpoints_of(tracking.folders, run).delete()
        Snapshots.of(tracking.folders, run).finish()
    return state


def errors_of(lines: Sequence[str]) -> list[str]:
    """Return the lines of a log that report errors, with whole tracebacks."""
    found: list[str] = []
    inside = False
    for line in lines:
        starts = _STAMP.match(line) is not None
        if "Traceback (most recent call last)" in line:
            inside = True
        elif starts:
            inside = False
        if inside or _ERROR.search(line):
            found.append(line)
    return found


def _work(tracking: Tracking, run: Run, should_stop: Callable[[], bool], listener: Listener | None) -> State:
    work = work_of(run.request.kind)
    config = work.config.from_dict(run.config)
    with _directory(run), _reporter(tracking, run, work) as reporter, _device(tracking, run, should_stop) as ours:
        if not (ours and _begin(tracking, run.id)):
            return State.STOPPED
        context = _context(tracking, run, work, should_stop, reporter, listener)
        _prepare_torch(run.request.threads)
        search_as_usual()
        with _companions(run, should_stop) as have_come:
            if run.request.workers > 1 and have_come:
                _log(tracking, run.id, f"{run.request.workers} processes of the cluster share the work")
            reporter.working()
            return State.FINISHED if have_come and work.do(config, context) else State.STOPPED


def _companions(run: Run, should_stop: Callable[[], bool]) -> AbstractContextManager[bool]:
    """Start the cluster processes that share the run's work, if requested."""
    request = run.request
    if not request.cluster or request.workers == 1:
        return nullcontext(True)
    from nat_core.runs.cluster.companions import companions

    return companions(request.workers - 1, request.device, request.threads, should_stop)


def _directory(run: Run) -> AbstractContextManager[None]:
    """Change to the folder in which the run was requested, if it exists, since relative paths refer to it."""
    folder = run.request.directory
    return chdir(folder) if folder and Path(folder).is_dir() else nullcontext()


def _device(tracking: Tracking, run: Run, should_stop: Callable[[], bool]) -> AbstractContextManager[bool]:
    """Wait for the device, unless a cluster has assigned the run one."""
    if run.request.cluster:
        return nullcontext(True)
    return waiting_for(tracking.folders.lock(run.request.device), should_stop)


def _begin(tracking: Tracking, run_id: str) -> bool:
    """Change the run from queued to running; return False if a stop was requested meanwhile."""
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
        facts = {"usage": json.dumps(asdict(meter()))}
        return facts if tracking.is_local else facts | {"log_tail": _log_tail(tracking, run.id)}

    def complain(text: str) -> None:
        _log(tracking, run.id, text)

    return Reporter(tracking, run, work.headline, work.higher_is_better, complain, besides)


def _context(
    tracking: Tracking,
    run: Run,
    work: Work,
    should_stop: Callable[[], bool],
    reporter: Reporter,
    listener: Listener | None,
) -> RunContext:
    checkpoints = checkpoints_of(tracking.folders, run)
    if checkpoints.restore():
        _log(tracking, run.id, "the newest checkpoint could not be read; the previous one is used")

    def log(text: str) -> None:
        _log(tracking, run.id, text)

    def progress(step: int, metrics: Mapping[str, float], done: int | None = None) -> None:
        reporter.progress(step, metrics, done)
        log(f"step {step}/{run.steps}  {'  '.join(f'{name} {value:.4g}' for name, value in metrics.items())}")
        if listener is not None:
            listener(step, metrics)

    return RunContext(run, should_stop, progress, log, tracking, checkpoints, work.policy_of, reporter.flush)


def _end(tracking: Tracking, run_id: str, state: State, error: str = "") -> None:
    """Write the final state last, so that its readers find the run complete."""
    _log(tracking, run_id, f"{state}{': ' if error else ''}{error}")
    with suppress(Exception):
        tracking.artifact(run_id, tracking.folders.log(run_id))
    facts = {} if tracking.is_local else {"log_tail": _log_tail(tracking, run_id)}
    tracking.transition(run_id, state, error, facts)


def _log_tail(tracking: Tracking, run_id: str) -> str:
    """Return the end of the log for readers on other machines: whole lines, unless the last one is too long."""
    text = "\n".join(tracking.log_lines(run_id, 40))
    cut = text[-_LOG_TAIL_CHARACTERS:]
    return cut if cut == text or "\n" not in cut else cut.partition("\n")[2]


def _log(tracking: Tracking, run_id: str, text: str) -> None:
    with suppress(OSError), tracking.folders.log(run_id).open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")


def _prepare_torch(threads: int) -> None:
    """Set torch's number of threads if the work has imported it."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)

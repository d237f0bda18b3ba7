"""The record of runs: a small interface to MLflow, by default a SQLite file in the folder of runs.

`MLFLOW_TRACKING_URI` names a team's server or another database instead. Experiment "nat-lab"; our facts are tags under
"nat.". MLflow appends metrics and never replaces them, so no step may be logged twice (see `Reporter`).
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import Timeout

from nat_core.demo import refuse_if_public
from nat_core.runs.cluster.jobs import JobServer
from nat_core.runs.folders import Folders, adopt_policies, default_folders
from nat_core.runs.processes import Process
from nat_core.runs.request import Request, unused_name
from nat_core.runs.run import ACTIVE, PREFIX, Run, State, Watch, check_transition, first_facts, owner_facts, run_of
from nat_core.runs.store import Address, Point, Points, Reader, address_of, connect, reason, record_of, unusable

if TYPE_CHECKING:
    from mlflow.entities import Run as Record
    from mlflow.tracking import MlflowClient

_REQUEST = "request.json"
_BATCH = 500
_OPENING = threading.Lock()
_STATUS = {
    State.QUEUED: "SCHEDULED",
    State.RUNNING: "RUNNING",
    State.STOPPING: "RUNNING",
    State.STOPPED: "KILLED",
    State.FINISHED: "FINISHED",
    State.FAILED: "FAILED",
    State.LOST: "FAILED",
}  # MLflow's status for each state


class Tracking:
    """The record of all runs.

    Attributes:
        client: MLflow's client.
        uri: the record's address, valid in every process.
        folders: the runs' files.
        is_local: whether the record is a local file rather than a server.

    Methods that take a run's id raise ValueError if there is no such run.
    """

    def __init__(
        self, client: "MlflowClient", experiment_id: str, reader: Reader, address: Address, folders: Folders
    ) -> None:
        self.client = client
        self.uri = address.uri
        self.folders = folders
        self.is_local = address.database is not None
        self._experiment_id = experiment_id
        self._reader = reader
        self._watch = Watch()
        self._request_of = lru_cache(maxsize=2048)(self._request)

    def create(self, request: Request, owner: Process | None = None) -> Run:
        """Record a queued run; `owner` is the process that will do it, if known.

        Raises:
            ValueError: another run has its name.
        """
        with self.folders.lock("creating"):
            name = self.free_name(request.name) if request.name.strip() else self._next_name(request)
            run_id = self.client.create_run(self._experiment_id, run_name=name).info.run_id
            try:
                self._log(run_id, parameters=request.parameters())
                self.client.log_text(run_id, request.named(name).to_json(), _REQUEST)
                self.client.update_run(run_id, status=_STATUS[State.QUEUED])
                # From here on readers list it.
                self._log(run_id, tags=_tags(first_facts(request, owner) | {"folder": self.folders.root}))
            except BaseException:
                self.client.delete_run(run_id)
                raise
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        """Return the run in its current state; a run that has ended without reporting is recorded as lost."""
        return self._seen(self._current(run_id))

    def runs(self) -> list[Run]:
        """Return all runs that are not deleted, newest first; ended ones are recorded as `get` does."""
        read = [run for item in self._reader.records() if (run := run_of(item, self._request_of))]
        return [run for item in read if (run := self._if_there(item))]

    def find(self, text: str) -> Run:
        """Return the run whose name is `text` or whose id begins with it.

        Raises:
            ValueError: no run or several match; the message names some.
        """
        runs = self.runs()
        found = [run for run in runs if run.name == text] or [
            run for run in runs if text and run.id.startswith(text.lower())
        ]
        if len(found) == 1:
            return found[0]
        known = ", ".join(run.label for run in (found or runs)[:5]) or "none, there are no runs"
        problem = "is not a run" if not found else f"means {len(found)} runs"
        raise ValueError(f"{text[:40]!r} {problem}; accepted: {known}")

    def transition(self, run_id: str, state: State, error: str = "", facts: Mapping[str, Any] | None = None) -> None:
        """Change the run from its true state to another and record `facts`, under a lock.

        Raises:
            ValueError: the transition is not allowed.
        """
        with self.changing(run_id) as run:
            check_transition(run.label, run.state, state)
            self._write_state(run_id, state, {"error": error, "heartbeat": time.time(), **(facts or {})})

    def settle(self, run_id: str, error: str = "") -> State:
        """Record the true state of a run whose process is gone, and return it."""
        with self.changing(run_id) as run:
            self._settle(run, error)
            return run.state

    @contextmanager
    def changing(self, run_id: str) -> Iterator[Run]:
        """Yield the run in its current state, under a lock that keeps others in this folder of runs from changing
        it.
        """
        self._record(run_id)  # no lock file is created for an unknown run
        with self.folders.run_lock(run_id):
            yield self._current(run_id)

    def attach(self, run_id: str, owner: Process) -> None:
        """Record which process does the run, and that its files are in this folder of runs."""
        self.note(run_id, owner_facts(owner) | {"folder": self.folders.root})

    def note(self, run_id: str, facts: Mapping[str, Any], points: Iterable[Point] = ()) -> None:
        """Write facts, which replace older ones, and points of metrics, which are appended."""
        from mlflow.entities import Metric

        metrics = [Metric(item.name, item.value, int(item.time * 1000), item.step) for item in points]
        for start in range(0, len(metrics), _BATCH):
            self._log(run_id, metrics=metrics[start : start + _BATCH])
        self._log(run_id, tags=_tags(facts))

    def fact(self, run_id: str, name: str) -> str | None:
        """Return one fact as text, or None if it was never written."""
        return self._record(run_id).data.tags.get(PREFIX + name)

    def points(self, run_id: str, after: int = -1) -> dict[str, Points]:
        """Return (step, value) of all metrics by name, for steps after `after`; {} for an unknown run."""
        return self._reader.points(run_id, after)

    def rename(self, run_id: str, name: str) -> None:
        """Rename a run and its policies.

        Raises:
            ValueError: the run is active, or the name is invalid or taken.
        """
        from nat_core.learning.policies.checkpoint import name_policy

        with self.folders.lock("creating"), self.changing(run_id) as run:
            if run.active:
                raise ValueError(f"the run {run.label} is {run.state}; rename it when it has ended")
            name = self.free_name(name, run_id)
            self.client.update_run(run_id, name=name)
            for place, title in self.folders.policies_of(run_id, name):
                if place.is_dir():
                    name_policy(place, title)
        self._reader.forget()

    def free_name(self, name: str, but: str = "") -> str:
        """Return `name` as a valid run name: one line, not taken by another run; names of deleted runs are free.

        Args:
            but: id of the run that may already have it.

        Raises:
            ValueError: `name` is empty, too long, not one line, or taken.
        """
        return unused_name(name, (item.name for item in self._reader.records() if item.id != but))

    def last_steps(self, run_id: str) -> dict[str, int]:
        """Return the last recorded step of each metric."""
        return {name: points[-1][0] for name, points in self.points(run_id).items()}

    def artifact(self, run_id: str, path: Path, folder: str = "") -> None:
        """Store a file or a whole folder."""
        store = self.client.log_artifacts if path.is_dir() else self.client.log_artifact
        store(run_id, str(path), folder or None)

    def output_of(self, run: Run) -> Path:
        """Return the folder of a run's results: the requested one, else its own."""
        return Path(run.request.output) if run.request.output else self.folders.policy(run.id)

    def is_elsewhere(self, run: Run) -> bool:
        """Return whether a run has begun but has neither log nor checkpoint in this folder of runs."""
        folders = self.folders
        return run.process is not None and not (folders.log(run.id).exists() or folders.checkpoints(run.id).exists())

    def log_lines(self, run_id: str, count: int = 200) -> list[str]:
        """Return the last lines of the run's log; for a run on another machine, those stored in its record."""
        path = self.folders.log(run_id)
        if not path.exists():
            return (self.fact(run_id, "log_tail") or self._job_log(run_id)).splitlines()[-count:]
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 1000 * count))
            return file.read().decode(errors="replace").splitlines()[-count:]

    def _job_log(self, run_id: str) -> str:
        """Return the output of a job that failed before it could report, if its cluster answers."""
        run = self._get(run_id)
        try:
            return JobServer(run.job.server).log(run.job.id) if run.job else ""
        except (OSError, ValueError):
            return ""

    def delete(self, run_id: str) -> None:
        """Remove the record and our facts in it; the caller ensures that no process does the run.

        MLflow keeps name, curves and parameters of deleted runs until its command `gc` is used.
        """
        for name in self._record(run_id).data.tags:
            if name.startswith(PREFIX):
                self.client.delete_tag(run_id, name)
        self.client.delete_run(run_id)
        self._reader.forget()

    def _write_state(self, run_id: str, state: State, facts: Mapping[str, Any]) -> None:
        self.note(run_id, {"state": state, f"{state}_at": time.time(), **facts})
        if state in ACTIVE:
            self.client.update_run(run_id, status=_STATUS[state])
        else:
            self.client.set_terminated(run_id, _STATUS[state])

    def _settle(self, run: Run, error: str = "") -> None:
        """Record `run.state` if it differs from the recorded state."""
        if run.state is not run.recorded:
            self._write_state(run.id, run.state, {"error": error, "silent_since": run.heartbeat})

    def _seen(self, run: Run) -> Run:
        """Return the run; if its process is gone for good, its final state is recorded first."""
        if not self._watch.is_gone(run):
            return run
        with suppress(Timeout, OSError), self.folders.run_lock(run.id).acquire(timeout=0):
            now = self._current(run.id)
            if self._watch.is_gone(now):
                self._settle(now)
            return self._get(run.id)
        return run  # the next reader records it

    def _current(self, run_id: str) -> Run:
        return self._settled(self._get(run_id))

    def _settled(self, run: Run) -> Run:
        """Read the run again if its process is gone, which may have written its last state since `run` was read."""
        return run if run.state is run.recorded else self._get(run.id)

    def _if_there(self, run: Run) -> Run | None:
        try:
            return self._seen(self._settled(run))
        except ValueError:  # deleted since it was read
            return None

    def _request(self, run_id: str, text: str, command: str) -> Request:
        return Request.recorded(text, command, lambda: self._stored_request(run_id))

    def _stored_request(self, run_id: str) -> Request:
        """Return the complete request of a run. Raises OSError if the record cannot be read."""
        from mlflow.exceptions import MlflowException

        # MLflow's local path, tried first because its client is slow.
        here = self.folders.artifacts / run_id / "artifacts" / _REQUEST
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = here if here.is_file() else self.client.download_artifacts(run_id, _REQUEST, folder)
                return Request.from_json(Path(path).read_text(encoding="utf-8"))
        except (MlflowException, OSError, ValueError) as error:
            raise OSError(f"the configuration of the run {run_id[:8]} cannot be read ({reason(error)})") from error

    def _get(self, run_id: str) -> Run:
        run = run_of(record_of(self._record(run_id)), self._request_of)
        if run is None:
            raise ValueError(f"{run_id[:40]!r} is not a run of this program")
        return run

    def _record(self, run_id: str) -> "Record":
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_run(run_id)
        except MlflowException as error:  # all other errors are OSErrors
            raise ValueError(f"there is no run {run_id[:40]!r}") from error
        if found.info.lifecycle_stage == "deleted":  # perhaps by another server on this record
            raise ValueError(f"there is no run {run_id[:40]!r} any more, it was deleted")
        return found

    def _log(
        self, run_id: str, metrics: Sequence[Any] = (), parameters: Mapping[str, str] | None = None, tags: Any = ()
    ) -> None:
        from mlflow.entities import Param

        pairs = [Param(key, value) for key, value in (parameters or {}).items()]
        for start in range(0, max(1, len(pairs)), 100):
            self.client.log_batch(run_id, metrics=metrics, params=pairs[start : start + 100], tags=tags)
            metrics, tags = (), ()

    def _next_name(self, request: Request) -> str:
        stem = "-".join(filter(None, (request.space or request.kind, request.preset))) + "-"
        numbers = [name.removeprefix(stem) for name in self._reader.names() if name.startswith(stem)]
        return f"{stem}{1 + max((int(number) for number in numbers if number.isdecimal()), default=0)}"


def open_tracking(uri: str | None = None, folders: Folders | None = None) -> Tracking:
    """Open the record at `uri`: by default `MLFLOW_TRACKING_URI`, else the database in the folder of runs.

    Raises:
        ValueError: MLflow cannot use the record.
    """
    refuse_if_public("the record of runs")
    folders = folders or default_folders()
    try:
        asked = uri or os.environ.get("MLFLOW_TRACKING_URI", "").strip()
        address = address_of(asked or f"sqlite:///{folders.database}")
    except OSError as error:
        raise unusable(folders.root, error) from error
    with _OPENING:  # simultaneous imports in threads would see a half-imported MLflow
        return _open(address, folders)


@lru_cache(maxsize=8)
def _open(address: Address, folders: Folders) -> Tracking:
    tracking = Tracking(*connect(address, folders), address, folders)
    with suppress(OSError):  # unmoved policies are still found
        adopt_policies(folders, tracking.runs)
    return tracking


def _tags(facts: Mapping[str, Any]) -> list[Any]:
    from mlflow.entities import RunTag

    return [RunTag(PREFIX + name, "" if value is None else str(value)) for name, value in facts.items()]

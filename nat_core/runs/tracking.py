"""Where runs are recorded: a narrow door to MLflow, by default a SQLite file in the folder of runs.

`MLFLOW_TRACKING_URI` names a team's server or another database instead. Experiment "nat-lab"; our facts are tags under
"nat.". Metrics are appended by MLflow and never replaced, so whoever logs must not log a step twice (see `reporter`).
"""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nat_core.runs.client import reason, speaking
from nat_core.runs.folders import Folders, default_folders, folder_name
from nat_core.runs.processes import Process
from nat_core.runs.reading import FileReader, Points, Reader, RunRecord
from nat_core.runs.request import Request
from nat_core.runs.run import PREFIX, Run, run_of
from nat_core.runs.server_reading import ServerReader
from nat_core.runs.snapshots import Snapshots
from nat_core.runs.states import State, check_transition

if TYPE_CHECKING:
    from mlflow.entities import Run as Record
    from mlflow.tracking import MlflowClient

EXPERIMENT = "nat-lab"
LOG_TAIL_CHARACTERS = 4000
_LOCAL = "sqlite:///"
_BATCH = 500
_OPENING = threading.Lock()
# A server that is away is tried again by the reporter, and must not hold up the work for minutes meanwhile.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
_STATUS = {
    State.QUEUED: "SCHEDULED",
    State.RUNNING: "RUNNING",
    State.STOPPING: "RUNNING",
    State.STOPPED: "KILLED",
    State.FINISHED: "FINISHED",
    State.FAILED: "FAILED",
    State.LOST: "FAILED",
}  # MLflow's own word for each of ours


class Point(NamedTuple):
    """One value of one metric."""

    name: str
    step: int
    value: float
    time: float


class Tracking:
    """The record of all runs.

    Methods that take a run's id raise ValueError if there is no such run.
    """

    def __init__(self, client: "MlflowClient", experiment_id: str, uri: str, folders: Folders) -> None:
        self.client = client
        self.uri = uri
        self.folders = folders
        self._experiment_id = experiment_id
        file = Path(uri.removeprefix(_LOCAL)).resolve()
        self._reader: Reader = FileReader(file, experiment_id) if self.is_local else ServerReader(client, experiment_id)

    @property
    def is_local(self) -> bool:
        """Whether the record is a file here rather than a server's."""
        return self.uri.startswith(_LOCAL)

    def create(self, request: Request, owner: Process | None = None) -> Run:
        """Records a queued run; `owner` is the process that will do it, if it is known already."""
        with self.folders.lock("creating"):
            name = request.name or self._free_name(request)
            facts = _texts(_first_facts(request, owner) | {"folder": self.folders.root})
            record = self.client.create_run(self._experiment_id, run_name=name, tags=facts)
        run_id = record.info.run_id
        self._log(run_id, parameters=request.parameters())
        self.client.update_run(run_id, status=_STATUS[State.QUEUED])
        text = json.dumps({**asdict(request), "name": name}, indent=2, ensure_ascii=False)
        self.client.log_text(run_id, text, "request.json")
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        """The run as it stands now."""
        return self._settled(self._get(run_id))

    def runs(self) -> list[Run]:
        """All runs that are not deleted, the newest first."""
        read = [run for record in self._reader.records() if (run := _run(record))]
        return [run for item in read if (run := self._if_there(item))]

    def find(self, text: str) -> Run:
        """The run whose id begins with `text` or whose name it is.

        Raises:
            ValueError: none or several; names some that there are.
        """
        runs = self.runs()
        found = [run for run in runs if text and run.id.startswith(text.lower())] or [
            run for run in runs if run.name == text
        ]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{run.short_id} ({run.name})" for run in (found or runs)[:5]) or "none, there are no runs"
        problem = "is not a run" if not found else f"means {len(found)} runs"
        raise ValueError(f"{text[:40]!r} {problem}; accepted: {known}")

    def transition(self, run_id: str, state: State, error: str = "", facts: Mapping[str, Any] | None = None) -> None:
        """Takes the run from its true state to another and notes `facts`; nobody else can do so meanwhile.

        Raises:
            ValueError: not allowed from where it is.
        """
        with self.folders.lock(f"run-{run_id}"):
            run = self.get(run_id)
            check_transition(f"{run.short_id} ({run.name})", run.state, state)
            self._write_state(run_id, state, error, facts or {})

    def settle(self, run_id: str, error: str = "") -> State:
        """Writes down the true state of a run whose process is gone; returns it."""
        with self.folders.lock(f"run-{run_id}"):
            run = self.get(run_id)
            if run.state is not run.recorded:
                self._write_state(run_id, run.state, error, {})
            return run.state

    def attach(self, run_id: str, owner: Process) -> None:
        """Notes which process does the run."""
        self.note(run_id, owner_facts(owner))

    def note(self, run_id: str, facts: Mapping[str, Any], points: Iterable[Point] = ()) -> None:
        """Writes facts (replacing older ones) and points of metrics (added to those that are there)."""
        from mlflow.entities import Metric

        metrics = [Metric(item.name, item.value, int(item.time * 1000), item.step) for item in points]
        for start in range(0, len(metrics), _BATCH):
            self._log(run_id, metrics=metrics[start : start + _BATCH])
        self._log(run_id, tags=_tags(facts))

    def fact(self, run_id: str, name: str) -> str | None:
        """One fact as text; None if it was never written."""
        return self._record(run_id).data.tags.get(PREFIX + name)

    def history(self, run_id: str, name: str) -> list[tuple[int, float]]:
        """(step, value) of one metric, by step."""
        return [(step, value) for step, value, _ in self._points(run_id, name)]

    def points(self, run_id: str, after: int = -1) -> dict[str, Points]:
        """(step, value) of all metrics by name, from the step following `after` on; {} for an unknown run."""
        return self._reader.points(run_id, after)

    def rename(self, run_id: str, name: str) -> None:
        """Gives a run another name; its own policy folders follow.

        Raises:
            ValueError: it is at work, or the name is not acceptable or taken.
        """
        run, name = self.get(run_id), name.strip()
        if run.active:
            raise ValueError(f"the run {run.short_id} ({run.name}) is {run.state}; rename it when it has ended")
        if not name:
            raise ValueError("the name is empty")
        run.request.named(name)  # checks it
        if name in (other.name for other in self.runs() if other.id != run_id):
            raise ValueError(f"another run is called {name[:40]!r} already")
        for place in (lambda text: self.folders.policies / folder_name(text), self.folders.latest_of):
            old, new = place(run.name), place(name)
            if old != new and new.exists():
                raise ValueError(f"there is a policy called {new.name[:40]!r} already")
            if old.exists() or old.is_symlink():
                old.rename(new)
        self.client.update_run(run_id, name=name)
        self._reader.forget()

    def last_steps(self, run_id: str) -> dict[str, int]:
        """The last step that was written of each metric."""
        return {name: self._points(run_id, name)[-1][0] for name in self._record(run_id).data.metrics}

    def artifact(self, run_id: str, path: Path, folder: str = "") -> None:
        """Stores a file, or a folder with what is in it."""
        store = self.client.log_artifacts if path.is_dir() else self.client.log_artifact
        store(run_id, str(path), folder or None)

    def output_of(self, run: Run) -> Path:
        """The folder for what comes out of a run: as asked for, else of its own."""
        return Path(run.request.output) if run.request.output else self.folders.policies / folder_name(run.name)

    def snapshots_of(self, run: Run) -> Snapshots:
        """The policies of a run's checkpoints that are on this machine."""
        return Snapshots(self.folders.snapshots(run.id), self.folders.latest_of(run.name), run.steps)

    def log_lines(self, run_id: str, count: int = 200) -> list[str]:
        """The last lines of the run's log; of one on another machine, what its record has of it."""
        path = self.folders.log(run_id)
        if not path.exists():
            return (self.fact(run_id, "log_tail") or "").splitlines()[-count:]
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 1000 * count))
            return file.read().decode(errors="replace").splitlines()[-count:]

    def delete(self, run_id: str) -> None:
        """Removes the record; whoever calls has made sure that nobody works on it."""
        self.client.delete_run(self._record(run_id).info.run_id)
        self._reader.forget()

    def _write_state(self, run_id: str, state: State, error: str, facts: Mapping[str, Any]) -> None:
        now = time.time()
        self.note(run_id, {"state": state, "error": error, "heartbeat": now, f"{state}_at": now, **facts})
        self.client.update_run(run_id, status=_STATUS[state])

    def _settled(self, run: Run) -> Run:
        """Read once more where its process is gone: it may have written its last state since `run` was read."""
        return run if run.state is run.recorded else self._get(run.id)

    def _if_there(self, run: Run) -> Run | None:
        try:
            return self._settled(run)
        except ValueError:  # deleted since it was read
            return None

    def _get(self, run_id: str) -> Run:
        run = _read(self._record(run_id))
        if run is None:
            raise ValueError(f"{run_id[:40]!r} is not a run of this program")
        return run

    def _record(self, run_id: str) -> "Record":
        from mlflow.exceptions import MlflowException

        try:
            record = self.client.get_run(run_id)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise OSError(f"the tracking store {self.uri} does not answer ({error})") from error
            raise ValueError(f"there is no run {run_id[:40]!r}") from error
        if record.info.lifecycle_stage == "deleted":  # perhaps by another server on this record
            raise ValueError(f"there is no run {run_id[:40]!r} any more, it was deleted")
        return record

    def _points(self, run_id: str, name: str) -> list[tuple[int, float, int]]:
        return sorted((item.step, item.value, item.timestamp) for item in self.client.get_metric_history(run_id, name))

    def _log(
        self, run_id: str, metrics: Sequence[Any] = (), parameters: Mapping[str, str] | None = None, tags: Any = ()
    ) -> None:
        from mlflow.entities import Param

        pairs = [Param(key, value) for key, value in (parameters or {}).items()]
        for start in range(0, max(1, len(pairs)), 100):
            self.client.log_batch(run_id, metrics=metrics, params=pairs[start : start + 100], tags=tags)
            metrics, tags = (), ()

    def _free_name(self, request: Request) -> str:
        stem = "-".join(filter(None, (request.space or request.kind, request.preset))) + "-"
        numbers = [name.removeprefix(stem) for name in self._reader.names() if name.startswith(stem)]
        return f"{stem}{1 + max((int(number) for number in numbers if number.isdecimal()), default=0)}"


def open_tracking(uri: str | None = None, folders: Folders | None = None) -> Tracking:
    """The record at `uri`: by default `MLFLOW_TRACKING_URI`, else the database in the folder of runs.

    Raises:
        ValueError: nothing that MLflow can use is there.
    """
    folders = folders or default_folders()
    try:
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{_LOCAL}{folders.database}"
    except OSError as error:
        raise _unusable(folders.root, error) from error
    with _OPENING:  # threads that import MLflow at the same time find half of it
        return _open(uri, folders)


@lru_cache(maxsize=8)
def _open(uri: str, folders: Folders) -> Tracking:
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    _quieten()
    local = uri.startswith(_LOCAL)
    try:
        with folders.lock("opening"):  # two at once would both create the tables
            if local:
                _let_readers_read(Path(uri.removeprefix(_LOCAL)))
            client = MlflowClient(tracking_uri=uri)
            number = _experiment(client, folders.artifacts.as_uri() if local else None)
    except (MlflowException, sqlite3.Error, OSError) as error:
        raise _unusable(uri, error) from error
    return Tracking(speaking(client, uri, local), number, uri, folders)


def _unusable(where: object, error: Exception) -> ValueError:
    return ValueError(f"no runs can be recorded at {where} ({reason(error)}); see MLFLOW_TRACKING_URI and NAT_LAB_RUNS")


def _experiment(client: "MlflowClient", artifacts: str | None) -> str:
    """The number of our experiment; created if need be, unless another machine does so at the same moment."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    try:
        return client.create_experiment(EXPERIMENT, artifacts)
    except MlflowException:
        if found := client.get_experiment_by_name(EXPERIMENT):
            return found.experiment_id
        raise


def _quieten() -> None:
    import logging

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _let_readers_read(path: Path) -> None:
    """Write-ahead logging: pages that read do not hold up the processes that write, nor the other way round."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=20)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _first_facts(request: Request, owner: Process | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": request.kind,
        "space": request.space,
        "preset": request.preset,
        "device": request.device,
    }
    facts |= {"request": request.to_json(), "state": State.QUEUED, "heartbeat": time.time(), "command": request.command}
    return facts | owner_facts(owner)


def owner_facts(owner: Process | None) -> dict[str, Any]:
    """The facts that say which process does a run; empty ones for none."""
    if owner is None:
        return {"host": "", "pid": "", "process_created": ""}
    return {"host": owner.host, "pid": owner.pid, "process_created": owner.created}


def _tags(facts: Mapping[str, Any]) -> list[Any]:
    from mlflow.entities import RunTag

    return [RunTag(name, text) for name, text in _texts(facts).items()]


def _texts(facts: Mapping[str, Any]) -> dict[str, str]:
    return {PREFIX + name: "" if value is None else str(value) for name, value in facts.items()}


def _read(record: "Record") -> Run | None:
    info, data = record.info, record.data
    return run_of(info.run_id, info.run_name or "", info.start_time / 1000, data.tags, data.metrics)


def _run(record: RunRecord) -> Run | None:
    return run_of(record.id, record.name, record.created, record.tags, record.metrics)

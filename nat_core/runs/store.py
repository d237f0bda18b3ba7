"""MLflow's store of runs: its address, a client with one kind of error, and readers of all runs at once.

MLflow's client creates an object for every parameter and point, which is too slow for a page that follows hundreds of
runs (`benchmarks.runs` prints the times). If the store is a SQLite file, its tables are read directly; from a server,
only runs that may have changed are read.
"""

import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from nat_core.runs.folders import Folders
from nat_core.runs.run import RunRecord
from nat_core.sentences import seen, without_password

if TYPE_CHECKING:
    from mlflow.entities import Run as Record
    from mlflow.tracking import MlflowClient

EXPERIMENT = "nat-lab"
# (step, value) by increasing step.
Points = list[tuple[int, float]]
# Seconds between two readings of all runs of a server.
WHOLE_SECONDS = 60.0
# MLflow's states of runs that may still change.
_AT_WORK = ("RUNNING", "SCHEDULED")
_IDS_AT_ONCE = 50
_LONGEST_ADDRESS = 2000
_ACCEPTED = "accepted: sqlite:///FILE, or the address of an MLflow server"
# Errors of a request, as opposed to errors of the record.
_ANSWERS = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS")
# The reporter retries if a server does not answer; the client must not block the work for minutes meanwhile.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Address:
    """The address of a record, with the same meaning in every process and current folder.

    Attributes:
        uri: passed to MLflow; the path of a database file is absolute.
        database: the SQLite file; None for a server or another database.
    """

    uri: str
    database: Path | None


def address_of(uri: str) -> Address:
    """Return the address that `uri` means here: relative paths start from the current folder, and parameters are kept.

    Raises:
        ValueError: `uri` is a database that other processes cannot open.
    """
    uri = uri.strip()
    scheme, separator, rest = uri.partition("://")
    shown = without_password(uri, 100)
    if seen(uri) != uri or len(uri) > _LONGEST_ADDRESS:
        raise ValueError(f"no runs can be recorded at {shown}: it is too long, or no line of text; {_ACCEPTED}")
    if not separator or scheme.split("+")[0] != "sqlite":
        return Address(uri, None)
    text, question, parameters = rest.partition("?")
    name = text.removeprefix("/")
    if not text.startswith("/") or name in ("", ":memory:"):
        raise ValueError(f"no runs can be recorded at {shown}: it names no file; {_ACCEPTED}")
    if name.startswith("file:"):
        raise ValueError(f"no runs can be recorded at {shown}: it holds a URI of SQLite's own; {_ACCEPTED}")
    database = Path(name).resolve()
    return Address(f"{scheme}:///{database}{question}{parameters}", database)


def connect(address: Address, folders: Folders) -> tuple["MlflowClient", str, "Reader"]:
    """Return a client of the record at `address`, our experiment's number, and its reader; create the record if needed.

    The client's methods raise OSError, with one sentence, if the record cannot be reached.

    Raises:
        ValueError: MLflow cannot use what is there.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with folders.lock("opening"):  # two at once would both create the tables
            if address.database:
                _let_readers_read(address.database)
            client = MlflowClient(tracking_uri=address.uri)
            number = _experiment(client, folders.artifacts.as_uri() if address.database else None)
    except Exception as error:  # database drivers, web clients and plug-ins raise errors of their own
        raise unusable(address.uri, error) from error
    speaking = cast("MlflowClient", _Client(client, address))
    reader = FileReader(address.database, number) if address.database else ServerReader(speaking, number)
    return speaking, number, reader


def unusable(where: object, error: Exception) -> ValueError:
    """Return the error to raise if no record can be kept."""
    why = reason(error, 120) or type(error).__name__
    return ValueError(
        f"no runs can be recorded at {without_password(where)} ({why}); see MLFLOW_TRACKING_URI and NAT_LAB_RUNS"
    )


def reason(error: BaseException, most: int = 200) -> str:
    """Return an error's message in one line of at most `most` characters, without passwords and SQL statements."""
    return without_password(str(error).split("[SQL:")[0], most)


class _Client:
    """MLflow's client, whose methods raise OSError if the record cannot be reached."""

    def __init__(self, client: "MlflowClient", address: Address) -> None:
        self._client = client
        self._problem = (
            f"the record of runs at {without_password(address.uri)} cannot be used"
            if address.database
            else f"the tracking server {without_password(address.uri)} does not answer"
        )

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._failing_in_one_way(found) if callable(found) else found

    def _failing_in_one_way(self, method: Callable[..., Any]) -> Callable[..., Any]:
        from mlflow.exceptions import MlflowException

        @wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return method(*arguments, **named)
            except MlflowException as error:
                if error.error_code in _ANSWERS:
                    raise
                raise OSError(f"{self._problem} ({reason(error)})") from error

        return call


def _experiment(client: "MlflowClient", artifacts: str | None) -> str:
    """Return our experiment's number; create the experiment unless another machine does so at the same moment."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    try:
        return client.create_experiment(EXPERIMENT, artifacts)
    except MlflowException:
        if found := client.get_experiment_by_name(EXPERIMENT):
            return found.experiment_id
        raise


def _let_readers_read(path: Path) -> None:
    """Switch to write-ahead logging, so that reading pages and writing processes do not block each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


class Point(NamedTuple):
    """One value of one metric."""

    name: str
    step: int
    value: float
    time: float


class Reader(Protocol):
    """Reads one experiment.

    Every method raises OSError where the store cannot be reached.
    """

    def records(self) -> list[RunRecord]:
        """Return all runs that are not deleted, newest first."""
        ...

    def names(self) -> list[str]:
        """Return the names of all runs, including deleted ones."""
        ...

    def points(self, run_id: str, after: int = -1) -> dict[str, Points]:
        """Return all metrics of a run by name, with the points after step `after`."""
        ...

    def forget(self) -> None:
        """Discard cached runs that had ended, because one was changed."""
        ...


class FileReader:
    """Reads MLflow's tables in a SQLite file."""

    def __init__(self, path: Path, experiment_id: str) -> None:
        self._path = path
        self._experiment = experiment_id

    def records(self) -> list[RunRecord]:
        chosen = "run_uuid IN (SELECT run_uuid FROM runs WHERE experiment_id = ? AND lifecycle_stage = 'active')"
        with self._connect() as connection:
            runs = connection.execute(
                "SELECT run_uuid, name, start_time FROM runs WHERE experiment_id = ? AND lifecycle_stage = 'active' "
                "ORDER BY start_time DESC, run_uuid",
                (self._experiment,),
            ).fetchall()
            tags = connection.execute(f"SELECT run_uuid, key, value FROM tags WHERE {chosen}", (self._experiment,))
            texts = _by_run(tags)
            metrics = connection.execute(
                f"SELECT run_uuid, key, CASE is_nan WHEN 1 THEN NULL ELSE value END FROM latest_metrics WHERE {chosen}",
                (self._experiment,),
            )
            values = _by_run((run, key, _number(value)) for run, key, value in metrics)
        return [
            RunRecord(run, name or "", start / 1000, texts.get(run, {}), values.get(run, {}))
            for run, name, start in runs
        ]

    def names(self) -> list[str]:
        with self._connect() as connection:
            found = connection.execute("SELECT name FROM runs WHERE experiment_id = ?", (self._experiment,))
            return [name or "" for (name,) in found]

    def points(self, run_id: str, after: int = -1) -> dict[str, Points]:
        found: dict[str, Points] = {}
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT key, step, CASE is_nan WHEN 1 THEN NULL ELSE value END FROM metrics "
                "WHERE run_uuid = ? AND step > ? ORDER BY step, timestamp",
                (run_id, after),
            )
            for name, step, value in rows:
                found.setdefault(name, []).append((step, _number(value)))
        return found

    def forget(self) -> None:
        """Do nothing, since this reader caches nothing."""

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=20)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise OSError(f"the record of runs {self._path} cannot be read ({error})") from error


class ServerReader:
    """A `Reader` through MLflow's client; threads may share it.

    A server needs milliseconds per run and always returns everything about it. So all runs are read once; afterwards
    only new runs and runs that were active at the last reading. To find ended runs that others have renamed or deleted,
    all runs are read again in the background once a minute.

    Args:
        client: client of the server, from `connect`.
        experiment_id: the experiment to read.
    """

    def __init__(self, client: "MlflowClient", experiment_id: str) -> None:
        self._client = client
        self._experiment = experiment_id
        self._lock = threading.Lock()
        self._known: dict[str, RunRecord] = {}
        self._at_work: set[str] = set()
        # Runs read since the last reading of all runs.
        self._newer: set[str] = set()
        self._asked_for_all: float | None = None

    def records(self) -> list[RunRecord]:
        with self._lock:
            if self._asked_for_all is None:
                now, self._known = time.monotonic(), {item.id: item for item in self._all()}
                self._asked_for_all = now
            elif time.monotonic() - self._asked_for_all > WHOLE_SECONDS:
                self._asked_for_all, self._newer = time.monotonic(), set()
                threading.Thread(target=self._read_again, args=(self._asked_for_all,), daemon=True).start()
            self._follow()
            return sorted(self._known.values(), key=lambda item: (-item.created, item.id))

    def names(self) -> list[str]:
        return [item.info.run_name or "" for item in self._search(deleted=True)]

    def points(self, run_id: str, after: int = -1) -> dict[str, Points]:
        from mlflow.exceptions import MlflowException

        try:
            names = self._client.get_run(run_id).data.metrics
        except MlflowException:  # no such run; all other errors are OSErrors
            return {}
        found = {name: self._history(run_id, name, after) for name in names}
        return {name: points for name, points in found.items() if points}

    def forget(self) -> None:
        with self._lock:
            self._asked_for_all = None

    def _follow(self) -> None:
        """Read new runs, active runs, and runs that were active at the last reading."""
        found = {item.id: item for status in _AT_WORK for item in self._records(f"attributes.status = '{status}'")}
        at_work = set(found)
        latest = round(1000 * max((item.created for item in self._known.values()), default=0.0))
        found |= {item.id: item for item in self._records(f"attributes.start_time > {latest}")}
        ended = sorted(self._at_work - at_work)
        for start in range(0, len(ended), _IDS_AT_ONCE):
            ids = ", ".join(f"'{item}'" for item in ended[start : start + _IDS_AT_ONCE])
            found |= {item.id: item for item in self._records(f"attributes.run_id IN ({ids})")}
        for item in self._at_work - set(found):
            self._known.pop(item, None)  # deleted
        self._known |= found
        self._newer |= set(found)
        self._at_work = at_work

    def _read_again(self, asked: float) -> None:
        """Replace all cached runs except those that were read since."""
        with suppress(OSError):  # the next reading reports it
            whole = {item.id: item for item in self._all()}
            with self._lock:
                if self._asked_for_all == asked:
                    newer = {key: item for key, item in self._known.items() if key in self._newer}
                    self._known = whole | newer

    def _history(self, run_id: str, name: str, after: int) -> Points:
        items = self._client.get_metric_history(run_id, name)
        return sorted((item.step, item.value) for item in items if item.step > after)

    def _all(self) -> Iterator[RunRecord]:
        return self._records("")

    def _records(self, condition: str) -> Iterator[RunRecord]:
        return map(record_of, self._search(deleted=False, condition=condition))

    def _search(self, deleted: bool, condition: str = "") -> Iterator["Record"]:
        from mlflow.entities import ViewType

        view = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment], condition, run_view_type=view, max_results=1000, page_token=token
            )
            yield from page
            if not (token := page.token):
                return


def record_of(found: "Record") -> RunRecord:
    """Convert a run of MLflow's client to the common form of both readers."""
    info, data = found.info, found.data
    return RunRecord(info.run_id, info.run_name or "", info.start_time / 1000, data.tags, data.metrics)


def _by_run(rows: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run, key, value in rows:
        found.setdefault(run, {})[key] = value
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else value

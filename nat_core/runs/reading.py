"""Reading many runs, or all metrics of one, at once: what a page that watches them needs, fast.

MLflow's client builds every parameter and every point as an object, which takes too long for a page that follows
hundreds of runs (`benchmarks.runs` says how long). Where the store is a SQLite file, its tables are read directly; of a
server's runs, only those that may have changed are asked for.
"""

import math
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

# (step, value) by rising step.
Points = list[tuple[int, float]]
WHOLE_SECONDS = 60.0
# MLflow's words for runs that may change by themselves.
_AT_WORK = ("RUNNING", "SCHEDULED")
_IDS_AT_ONCE = 50


class Point(NamedTuple):
    """One value of one metric."""

    name: str
    step: int
    value: float
    time: float


@dataclass(frozen=True)
class RunRecord:
    """A run as MLflow keeps it: its start in seconds since the epoch, its tags, the last value of its metrics."""

    id: str
    name: str
    created: float
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


class Reader(Protocol):
    """Reads one experiment.

    Every method raises OSError where the store cannot be reached.
    """

    def records(self) -> list[RunRecord]:
        """All runs that are not deleted, the newest first."""
        ...

    def names(self) -> list[str]:
        """Of all runs, deleted ones too."""
        ...

    def points(self, run_id: str, after: int = -1) -> dict[str, Points]:
        """All metrics of a run by name, from the step following `after` on."""
        ...

    def forget(self) -> None:
        """Whatever was remembered of ended runs is read anew: one was changed."""
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
        """Nothing is remembered."""

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=20)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise OSError(f"the record of runs {self._path} cannot be read ({error})") from error


class ServerReader:
    """A `Reader` through MLflow's client; threads may share it.

    A server takes milliseconds per run to tell all that it knows of it, and cannot leave anything out. So all runs are
    read once; from then on only new ones and those that are at work, or were when last asked. What others did to runs
    that had ended (renamed, deleted) is found by reading all again in the background, once a minute.

    Args:
        client: of the server, as `connection.connect` gives it.
        experiment_id: what is read.
    """

    def __init__(self, client: "MlflowClient", experiment_id: str) -> None:
        self._client = client
        self._experiment = experiment_id
        self._lock = threading.Lock()
        self._known: dict[str, RunRecord] = {}
        self._at_work: set[str] = set()
        # Read since all runs were last asked for.
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
        except MlflowException:  # no such run: whatever else goes wrong is an OSError
            return {}
        found = {name: self._history(run_id, name, after) for name in names}
        return {name: points for name, points in found.items() if points}

    def forget(self) -> None:
        with self._lock:
            self._asked_for_all = None

    def _follow(self) -> None:
        """Reads the runs at work, those that were when last asked, and new ones."""
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
        """Replaces what is known of all runs but of those that were read since."""
        with suppress(OSError):  # whoever looks next is told
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
        for item in self._search(deleted=False, condition=condition):
            info, data = item.info, item.data
            yield RunRecord(info.run_id, info.run_name or "", info.start_time / 1000, data.tags, data.metrics)

    def _search(self, deleted: bool, condition: str = "") -> Iterable[Any]:
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


def thinned(points: Sequence[tuple[int, float]], limit: int) -> Points:
    """At most about `limit` of the points: of equally many neighbours the lowest and the highest, ends included.

    Peaks stay where they are, so a curve looks as it would with all of its points.
    """
    if len(points) <= limit:
        return list(points)
    size = math.ceil(2 * len(points) / (limit - 2))
    kept = {0, len(points) - 1}
    for start in range(0, len(points), size):
        part = range(start, min(start + size, len(points)))
        kept |= {min(part, key=lambda i: points[i][1]), max(part, key=lambda i: points[i][1])}
    return [points[i] for i in sorted(kept)]


def _by_run(rows: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run, key, value in rows:
        found.setdefault(run, {})[key] = value
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else value

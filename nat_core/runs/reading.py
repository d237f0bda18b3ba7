"""Reading many runs, or all metrics of one, at once: what a page that watches them needs, fast.

MLflow's client builds every parameter and every point as an object, which takes seconds for hundreds of runs. Where
the store is a SQLite file, its tables are read directly; how a server is asked is in `server_reading`.
"""

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

# (step, value) by rising step.
Points = list[tuple[int, float]]


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

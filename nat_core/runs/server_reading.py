"""Reading many runs from an MLflow server.

A server takes milliseconds per run to tell all that it knows of it, and cannot leave anything out. So all runs are read
once; from then on only new ones and those that are at work, or were when last asked. What others did to runs that had
ended (renamed, deleted) is found by reading all again in the background, once a minute.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nat_core.runs.reading import Points, RunRecord

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

WHOLE_SECONDS = 60.0
# MLflow's words for runs that may change by themselves.
_AT_WORK = ("RUNNING", "SCHEDULED")
_IDS_AT_ONCE = 50


class ServerReader:
    """A `Reader` through MLflow's client; threads may share it.

    Args:
        client: of the server, as `client.speaking` makes it.
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

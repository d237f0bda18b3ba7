"""The results of an evaluation, stored with its record on a server, where every machine finds all of them."""

import json
import tempfile
from collections.abc import Collection
from pathlib import Path

from nat_core.learning.scratch.measured import MeasuredResult, add_measured
from nat_core.runs.run import Run
from nat_core.runs.store import reason
from nat_core.runs.tracking import Tracking
from nat_core.specification import from_json

_FOLDER = "results"


def store_result(tracking: Tracking, run_id: str, position: int, result: MeasuredResult) -> None:
    """Store the result of one training under its position in the queue. Raises OSError if the record does not
    answer.
    """
    text = json.dumps(result.to_dict(), ensure_ascii=False)
    tracking.client.log_text(run_id, text, f"{_FOLDER}/{position:06d}.json")


def stored_results(tracking: Tracking, run_id: str, known: Collection[int] = ()) -> dict[int, MeasuredResult]:
    """Return the stored results by position, without those that are `known`.

    Raises:
        OSError: the record does not answer, or holds something else.
    """
    from mlflow.exceptions import MlflowException

    found = {}
    try:
        names = [item.path for item in tracking.client.list_artifacts(run_id, _FOLDER)]
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                if (position := int(Path(name).stem)) not in known:
                    text = Path(tracking.client.download_artifacts(run_id, name, folder)).read_text(encoding="utf-8")
                    found[position] = MeasuredResult.from_dict(from_json(text))
    except (MlflowException, ValueError) as error:
        raise OSError(f"the results of the run {run_id[:8]} cannot be read ({reason(error)})") from error
    return found


def fetch_results(tracking: Tracking, run: Run, known: Collection[int] = ()) -> dict[int, MeasuredResult]:
    """Add a run's stored results to the table in this folder of runs; return those that are not `known`.

    Raises:
        OSError: like `stored_results`, or the table cannot be written.
        ValueError: the table is damaged.
    """
    found = stored_results(tracking, run.id, known)
    if found:
        add_measured(tracking.folders.measured, *found.values())
    return found

"""Runs of a shared record whose files are not here: another machine does them, or this one in another folder.

Their curves and the last lines of their log are in the record; their checkpoints and whole log are where they work.
Their policies can be fetched: every run stores its finished one and those of its kept checkpoints with its record.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nat_core.runs.connection import reason
from nat_core.runs.policies import keep_policy
from nat_core.runs.run import RESUMABLE, Run, State
from nat_core.runs.tracking import Tracking

# What runs store under which name.
_POLICY, _SNAPSHOTS = "policy", "snapshots"
_CALLED = {_POLICY: "policy", _SNAPSHOTS: "checkpoint's policy"}


def is_elsewhere(tracking: Tracking, run: Run) -> bool:
    """Whether a run that has begun left neither log nor checkpoint in this folder of runs."""
    folders = tracking.folders
    return run.process is not None and not (folders.log(run.id).exists() or folders.checkpoints(run.id).exists())


def place(run: Run) -> str:
    """Where a run's files are, as it noted: ``/srv/runs on gpu-7``; without the machine's name if that is this one."""
    folder = run.folder or "another folder of runs"
    return folder if run.process is None or run.process.is_here else f"{folder} on {run.process.host}"


def why_not_stopped(run: Run) -> str:
    """One sentence if a run at work cannot be stopped from this machine, else ""."""
    if not run.active or run.job is not None or run.process is None or run.process.is_here:
        return ""
    return f"it works on {run.process.host} and can be stopped only there"


def why_not_resumed(tracking: Tracking, run: Run) -> str:
    """One sentence if a run that did not finish cannot be continued from this folder of runs, else ""."""
    if run.state not in RESUMABLE or run.request.storage or not is_elsewhere(tracking, run):
        return ""
    return f"its checkpoint is in {place(run)}, and it can be resumed only there"


def is_known(tracking: Tracking, run: Run) -> bool:
    """Whether a finished run's policy is among those that can be chosen here."""
    from nat_core.learning.policies.checkpoint import list_policies

    return bool(list_policies(tracking.folders.policy(run.id)))


def fetch_policy(tracking: Tracking, run: Run) -> None:
    """Puts a finished run's policy among those that can be chosen here, from its record.

    Raises:
        ValueError: it is not finished, or no policy is stored with it.
        OSError: the record does not answer, or nothing can be written.
    """
    if run.state is not State.FINISHED:
        raise ValueError(f"the run {run.short_id} ({run.name}) is {run.state}; its policy can be fetched when finished")
    if is_known(tracking, run):
        return
    with _stored(tracking, run, _POLICY) as found:
        keep_policy(tracking.folders, run, found)


def fetch_snapshots(tracking: Tracking, run: Run) -> None:
    """Copies the policies of a run's kept checkpoints from its record to where those of own runs are.

    Raises:
        ValueError: none is stored with it.
        OSError: the record does not answer, or nothing can be written.
    """
    folder = tracking.folders.snapshots(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    with _stored(tracking, run, _SNAPSHOTS) as found:
        for snapshot in found.iterdir():
            if not (folder / snapshot.name).exists():
                snapshot.rename(folder / snapshot.name)


@contextmanager
def _stored(tracking: Tracking, run: Run, name: str) -> Iterator[Path]:
    """A copy of what a run stored under this name, in a folder that goes away."""
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory(dir=tracking.folders.root, prefix="fetching-") as folder:
        try:
            found = (
                Path(tracking.client.download_artifacts(run.id, name, folder)) if _has(tracking, run, name) else None
            )
        except MlflowException as error:
            raise OSError(f"the record does not answer ({reason(error)})") from error
        if found is None:
            raise ValueError(f"no {_CALLED[name]} is stored with the run {run.short_id} ({run.name})")
        yield found


def _has(tracking: Tracking, run: Run, name: str) -> bool:
    return any(item.path == name for item in tracking.client.list_artifacts(run.id))

"""Policies of runs for use here: those of runs in another folder, or on another machine, are fetched.

Every run stores its finished policy and those of its kept checkpoints with its record.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nat_core.runs.kinds import work_of
from nat_core.runs.run import Run
from nat_core.runs.states import State
from nat_core.runs.tracking import Tracking

# What runs store under which name.
_POLICY, _SNAPSHOTS = "policy", "snapshots"
_CALLED = {_POLICY: "policy", _SNAPSHOTS: "checkpoint's policy"}


def trains_a_policy(run: Run) -> bool:
    """Whether a policy comes out of runs of this kind."""
    try:
        return work_of(run.request.kind).policy_of is not None
    except ValueError:  # of a newer program
        return False


def is_known(tracking: Tracking, run: Run) -> bool:
    """Whether a finished run's policy is among those that can be chosen here."""
    from nat_core.learning.policies.checkpoint import list_policies

    return bool(list_policies(tracking.folders.policy(run.id)))


def bring(tracking: Tracking, run: Run) -> None:
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
        keep(tracking, run, found)


def keep(tracking: Tracking, run: Run, found: Path) -> Path:
    """Copies a policy to where those of this folder's runs are, under its run's name; returns its folder.

    Raises:
        ValueError: there is no policy in `found`.
    """
    from nat_core.learning.policies.checkpoint import name_policy
    from nat_core.learning.training.policy_folder import copy_whole

    known = copy_whole(found, tracking.folders.policy(run.id))
    name_policy(known, run.name)
    return known


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
            raise OSError(f"the record does not answer ({' '.join(str(error).split())[:200]})") from error
        if found is None:
            raise ValueError(f"no {_CALLED[name]} is stored with the run {run.short_id} ({run.name})")
        yield found


def _has(tracking: Tracking, run: Run, name: str) -> bool:
    return any(item.path == name for item in tracking.client.list_artifacts(run.id))

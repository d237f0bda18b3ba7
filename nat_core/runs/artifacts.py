"""The files that a run writes: checkpoints, the policies in these checkpoints, and the final policy.

A run keeps its newest checkpoint and the previous one, so that one damaged file does not lose the run. It also keeps
about sixteen policies, evenly spaced over its steps, in `snapshots/<run id>/<step>/`. The policy of the latest
checkpoint is in `latest/<run id>/`, where pages find it like a finished policy. Policies are also stored with the run's
record, so another machine can fetch them; checkpoints are not.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from safetensors import SafetensorError, safe_open

from nat_core.runs.cluster.storage import Storage
from nat_core.runs.folders import Folders, latest_title
from nat_core.runs.run import Run, State
from nat_core.runs.store import reason
from nat_core.runs.tracking import Tracking

if TYPE_CHECKING:
    from nat_core.learning.policies.checkpoint import PolicyCard
    from nat_core.learning.policies.policy import Policy

KEPT = 16
# Descriptions of the artifacts of a run's record, by artifact name.
POLICY, SNAPSHOTS = "policy", "snapshots"
_CALLED = {POLICY: "policy", SNAPSHOTS: "checkpoint's policy"}
PolicyOf = Callable[[Path, str], "tuple[Policy, PolicyCard]"]
_SUFFIX = ".safetensors"
_PREVIOUS = ".previous"


class Checkpoints:
    """Checkpoints in a folder, each under a name such as "state"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str = "state") -> Path:
        """Return the path of the newest checkpoint of this name, which may not exist yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{name}{_SUFFIX}"

    def previous(self, name: str = "state") -> Path:
        """Return the path of the previous checkpoint of this name."""
        return self.folder / f"{name}{_PREVIOUS}{_SUFFIX}"

    @contextmanager
    def saving(self, name: str = "state") -> Iterator[Path]:
        """Yield the path to write to, which the caller must replace atomically; the old file becomes the previous
        checkpoint.

        Raises:
            OSError: the checkpoint cannot be written; the message says why and which checkpoint remains.
        """
        path, kept = self.path(name), self.folder / f".{name}.kept"
        try:
            if path.exists():
                _link(path, kept)
            yield path
            if kept.exists():
                kept.replace(self.previous(name))
        except OSError as error:
            left = (
                "the previous one is kept, and the run can be resumed from it" if path.exists() else "there is none yet"
            )
            raise OSError(f"a checkpoint could not be written ({error.strerror or error}); {left}") from error
        finally:
            kept.unlink(missing_ok=True)

    def restore(self, name: str = "state") -> bool:
        """Replace a newest checkpoint that cannot be read by the previous one; return whether that was done.

        Temporary files of an interrupted save are removed.
        """
        path = self.path(name)
        for rest in (*self.folder.glob(f".{name}{_SUFFIX}.*"), *self.folder.glob(f".{name}.kept*")):
            rest.unlink(missing_ok=True)
        if not self.previous(name).exists() or _readable(path):
            return False
        self.previous(name).replace(path)
        return True

    def delete(self) -> None:
        """Remove all checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)


class StoredCheckpoints(Checkpoints):
    """Checkpoints of a run; the newest ones are also kept in a shared storage.

    Args:
        folder: folder of the checkpoints on this node.
        storage: storage shared by all nodes.
        run_id: the run's id.
    """

    def __init__(self, folder: Path, storage: Storage, run_id: str) -> None:
        super().__init__(folder)
        self._storage = storage
        self._stored = f"checkpoints/{run_id}"

    @contextmanager
    def saving(self, name: str = "state") -> Iterator[Path]:
        with super().saving(name) as path:
            yield path
        self._storage.put(path, f"{self._stored}/{path.name}")

    def restore(self, name: str = "state") -> bool:
        """Fetch the stored checkpoint, which replaces this node's copy because that may be older."""
        path = self.path(name)
        self._storage.get(f"{self._stored}/{path.name}", path)
        return super().restore(name)

    def forget(self, name: str) -> None:
        """Remove this node's copies; the stored checkpoint stays."""
        for path in (self.path(name), self.previous(name)):
            path.unlink(missing_ok=True)

    def delete(self) -> None:
        super().delete()
        self._storage.delete(self._stored)


def checkpoints_of(folders: Folders, run: Run) -> Checkpoints:
    """Return the checkpoints of a run: on this machine, and in its shared storage if it has one."""
    folder = folders.checkpoints(run.id)
    storage = run.request.storage
    return StoredCheckpoints(folder, Storage(storage), run.id) if storage else Checkpoints(folder)


class Snapshots:
    """The policies that one run has kept.

    Args:
        folder: holds the kept policies.
        latest: folder of the latest checkpoint's policy.
        steps: number of steps of the whole run.
        name: name of the latest checkpoint's policy.
    """

    def __init__(self, folder: Path, latest: Path, steps: int, name: str = "") -> None:
        self.folder = folder
        self.latest = latest
        self._steps = max(1, steps)
        self._name = name

    @classmethod
    def of(cls, folders: Folders, run: Run) -> Self:
        """Return the policies of a run that are on this machine."""
        return cls(folders.snapshots(run.id), folders.latest_of(run.id), run.steps, latest_title(run.name))

    def kept(self) -> dict[int, Path]:
        """Return the folders of the kept policies by step, in increasing order."""
        from nat_core.learning.policies.checkpoint import list_policies

        return {int(name): path for name, path in list_policies(self.folder).items() if name.isdecimal()}

    def take(self, checkpoint: Path, policy_of: PolicyOf, command: str) -> Path | None:
        """Make the checkpoint's policy the latest one; return its folder if it is also kept, else None.

        Raises:
            ValueError: the checkpoint holds no policy.
            OSError: nothing can be written.
        """
        from nat_core.learning.policies.checkpoint import name_policy, save_policy

        policy, card = policy_of(checkpoint, command)
        save_policy(self.latest, policy, card)
        if self._name:
            name_policy(self.latest, self._name)
        step = int(card.training["steps_done"])
        last = max((kept for kept in self.kept() if kept < step), default=None)
        if last is not None and self._part(last) == self._part(step):
            return None
        return save_policy(self.folder / f"{step:09d}", policy, card)

    def finish(self) -> None:
        """Remove the latest checkpoint's policy, since the finished policy replaces it."""
        shutil.rmtree(self.latest, ignore_errors=True)

    def delete(self) -> None:
        """Remove all policies."""
        self.finish()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _part(self, step: int) -> int:
        return KEPT * step // self._steps


def keep_policy(folders: Folders, run: Run, found: Path) -> Path:
    """Copy a policy to the policies of this folder of runs, under its run's name; return the copy's folder.

    Raises:
        ValueError: there is no policy in `found`.
    """
    from nat_core.learning.policies.checkpoint import name_policy
    from nat_core.learning.training.policy_folder import copy_whole

    known = copy_whole(found, folders.policy(run.id))
    name_policy(known, run.name)
    return known


def is_known(tracking: Tracking, run: Run) -> bool:
    """Whether a finished run's policy can be chosen on this machine."""
    from nat_core.learning.policies.checkpoint import list_policies

    return bool(list_policies(tracking.folders.policy(run.id)))


def fetch_policy(tracking: Tracking, run: Run) -> None:
    """Fetch a finished run's policy from its record, so that it can be chosen on this machine.

    Raises:
        ValueError: the run is not finished, or no policy is stored with it.
        OSError: the tracking server does not answer, or nothing can be written.
    """
    if run.state is not State.FINISHED:
        raise ValueError(f"the run {run.label} is {run.state}; its policy can be fetched when finished")
    if is_known(tracking, run):
        return
    with _stored(tracking, run, POLICY) as found:
        keep_policy(tracking.folders, run, found)


def fetch_snapshots(tracking: Tracking, run: Run) -> None:
    """Fetch the policies that a run has kept from its record.

    Raises:
        ValueError: no policy is stored with the run.
        OSError: the tracking server does not answer, or nothing can be written.
    """
    folder = tracking.folders.snapshots(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    with _stored(tracking, run, SNAPSHOTS) as found:
        for snapshot in found.iterdir():
            if not (folder / snapshot.name).exists():
                snapshot.rename(folder / snapshot.name)


@contextmanager
def _stored(tracking: Tracking, run: Run, name: str) -> Iterator[Path]:
    """Yield a temporary copy of what a run has stored under this name."""
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory(dir=tracking.folders.root, prefix="fetching-") as folder:
        try:
            if name not in (item.path for item in tracking.client.list_artifacts(run.id)):
                raise ValueError(f"no {_CALLED[name]} is stored with the run {run.label}")
            found = tracking.client.download_artifacts(run.id, name, folder)
        except MlflowException as error:
            raise OSError(f"the tracking server does not answer ({reason(error)})") from error
        yield Path(found)


def _link(path: Path, other: Path) -> None:
    other.unlink(missing_ok=True)
    try:
        other.hardlink_to(path)
    except OSError:
        shutil.copy2(path, other)


def _readable(path: Path) -> bool:
    """Whether the file is a complete safetensors file, by its header and size."""
    try:
        with safe_open(path, framework="numpy"):
            return True
    except (SafetensorError, OSError):
        return False

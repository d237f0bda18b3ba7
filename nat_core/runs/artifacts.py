"""What a run leaves: checkpoints to go on from, the policies in them, and the policy that it ends with.

The newest checkpoint and the one before are kept, so that no accident takes both. About sixteen policies are kept on
the way, evenly over the steps, in `snapshots/<run id>/<step>/`. The latest checkpoint's is in `latest/<run id>/`, where
other pages find it as they find finished policies. All but checkpoints are stored with the run's record, too, and can
be fetched from there on another machine.
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
# What is stored with a run's record, under which name.
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
        """The newest checkpoint of this name; need not exist yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{name}{_SUFFIX}"

    def previous(self, name: str = "state") -> Path:
        """The one before."""
        return self.folder / f"{name}{_PREVIOUS}{_SUFFIX}"

    @contextmanager
    def saving(self, name: str = "state") -> Iterator[Path]:
        """Gives the path to write to, which must be replaced atomically; then keeps the old one as the previous.

        Raises:
            OSError: it could not be written; says why and what is left.
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
        """Puts the previous checkpoint in the place of a newest one that cannot be read; whether it did.

        Also removes what an interrupted save left behind.
        """
        path = self.path(name)
        for rest in (*self.folder.glob(f".{name}{_SUFFIX}.*"), *self.folder.glob(f".{name}.kept*")):
            rest.unlink(missing_ok=True)
        if not self.previous(name).exists() or _readable(path):
            return False
        self.previous(name).replace(path)
        return True

    def delete(self) -> None:
        """Removes all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)


class StoredCheckpoints(Checkpoints):
    """Checkpoints of a run whose newest ones are in a storage, too.

    Args:
        folder: on this node.
        storage: that all nodes see.
        run_id: of the run.
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
        """The stored one replaces what is left here, which may be older."""
        path = self.path(name)
        self._storage.get(f"{self._stored}/{path.name}", path)
        return super().restore(name)

    def forget(self, name: str) -> None:
        """Removes this node's copies; the stored one stays."""
        for path in (self.path(name), self.previous(name)):
            path.unlink(missing_ok=True)

    def delete(self) -> None:
        super().delete()
        self._storage.delete(self._stored)


def checkpoints_of(folders: Folders, run: Run) -> Checkpoints:
    """A run's: on this machine, and in the storage that it was asked to use."""
    folder = folders.checkpoints(run.id)
    storage = run.request.storage
    return StoredCheckpoints(folder, Storage(storage), run.id) if storage else Checkpoints(folder)


class Snapshots:
    """The policies of one run's checkpoints.

    Args:
        folder: of the kept ones.
        latest: folder of the latest one's policy.
        steps: of the whole run.
        name: what the latest one is called.
    """

    def __init__(self, folder: Path, latest: Path, steps: int, name: str = "") -> None:
        self.folder = folder
        self.latest = latest
        self._steps = max(1, steps)
        self._name = name

    @classmethod
    def of(cls, folders: Folders, run: Run) -> Self:
        """Those that are on this machine."""
        return cls(folders.snapshots(run.id), folders.latest_of(run.id), run.steps, latest_title(run.name))

    def kept(self) -> dict[int, Path]:
        """Folders of the kept policies by step, rising."""
        from nat_core.learning.policies.checkpoint import list_policies

        return {int(name): path for name, path in list_policies(self.folder).items() if name.isdecimal()}

    def take(self, checkpoint: Path, policy_of: PolicyOf, command: str) -> Path | None:
        """Notes the checkpoint's policy as the latest; the folder if it is one to keep, else None.

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
        """The finished policy takes the latest checkpoint's place."""
        shutil.rmtree(self.latest, ignore_errors=True)

    def delete(self) -> None:
        """Removes all of them."""
        self.finish()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _part(self, step: int) -> int:
        return KEPT * step // self._steps


def keep_policy(folders: Folders, run: Run, found: Path) -> Path:
    """Copies a policy to where those of this folder's runs are, under its run's name; returns its folder.

    Raises:
        ValueError: there is no policy in `found`.
    """
    from nat_core.learning.policies.checkpoint import name_policy
    from nat_core.learning.training.policy_folder import copy_whole

    known = copy_whole(found, folders.policy(run.id))
    name_policy(known, run.name)
    return known


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
        raise ValueError(f"the run {run.label} is {run.state}; its policy can be fetched when finished")
    if is_known(tracking, run):
        return
    with _stored(tracking, run, POLICY) as found:
        keep_policy(tracking.folders, run, found)


def fetch_snapshots(tracking: Tracking, run: Run) -> None:
    """Copies the policies of a run's kept checkpoints from its record to where those of own runs are.

    Raises:
        ValueError: none is stored with it.
        OSError: the record does not answer, or nothing can be written.
    """
    folder = tracking.folders.snapshots(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    with _stored(tracking, run, SNAPSHOTS) as found:
        for snapshot in found.iterdir():
            if not (folder / snapshot.name).exists():
                snapshot.rename(folder / snapshot.name)


@contextmanager
def _stored(tracking: Tracking, run: Run, name: str) -> Iterator[Path]:
    """A copy of what a run stored under this name, in a folder that goes away."""
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory(dir=tracking.folders.root, prefix="fetching-") as folder:
        try:
            if name not in (item.path for item in tracking.client.list_artifacts(run.id)):
                raise ValueError(f"no {_CALLED[name]} is stored with the run {run.label}")
            found = tracking.client.download_artifacts(run.id, name, folder)
        except MlflowException as error:
            raise OSError(f"the record does not answer ({reason(error)})") from error
        yield Path(found)


def _link(path: Path, other: Path) -> None:
    other.unlink(missing_ok=True)
    try:
        other.hardlink_to(path)
    except OSError:
        shutil.copy2(path, other)


def _readable(path: Path) -> bool:
    """Whether it is a whole safetensors file, as its header and size say."""
    try:
        with safe_open(path, framework="numpy"):
            return True
    except (SafetensorError, OSError):
        return False

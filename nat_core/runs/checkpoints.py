"""A run's checkpoints: the newest and the one before, so that no accident takes both."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open

from nat_core.runs.cluster.storage import Storage
from nat_core.runs.folders import Folders
from nat_core.runs.run import Run

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

    def delete(self) -> None:
        super().delete()
        self._storage.delete(self._stored)


def checkpoints_of(folders: Folders, run: Run) -> Checkpoints:
    """A run's: on this machine, and in the storage that it was asked to use."""
    folder = folders.checkpoints(run.id)
    storage = run.request.storage
    return StoredCheckpoints(folder, Storage(storage), run.id) if storage else Checkpoints(folder)


def _link(path: Path, other: Path) -> None:
    other.unlink(missing_ok=True)
    try:
        other.hardlink_to(path)
    except OSError:
        shutil.copy2(path, other)


def _readable(path: Path) -> bool:
    """Whether it is a whole safetensors file, judged by its header and size."""
    try:
        with safe_open(path, framework="numpy"):
            return True
    except (SafetensorError, OSError):
        return False

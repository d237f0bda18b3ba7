"""Checkpoints that every node of a cluster sees: written here first, then to the storage, from where others go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nat_core.runs.checkpoints import Checkpoints
from nat_core.runs.cluster.storage import Storage


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

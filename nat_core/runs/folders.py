"""Where runs keep their files: one folder, with a place for each concern."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from nat_core import data_folder


@dataclass(frozen=True)
class Folders:
    """The files of runs below `root`; folders come into being when something is put there."""

    root: Path

    @property
    def database(self) -> Path:
        return self._inside("mlflow.db")

    @property
    def artifacts(self) -> Path:
        return self._inside("artifacts")

    @property
    def policies(self) -> Path:
        """Of finished trainings, by the run's id."""
        return self._inside("policies")

    @property
    def policy_roots(self) -> tuple[Path, ...]:
        """Where runs leave policies that can be used: finished ones, then those of the latest checkpoints."""
        return self.root / "policies", self.root / "latest"

    @property
    def latest(self) -> Path:
        """The policies of unfinished trainings' latest checkpoints, by the run's id."""
        return self._inside("latest")

    def policy(self, run_id: str) -> Path:
        """Of a finished training."""
        return self.policies / run_id

    def latest_of(self, run_id: str) -> Path:
        """Of an unfinished training's latest checkpoint."""
        return self.latest / run_id

    def snapshots(self, run_id: str) -> Path:
        """The policies that a training kept on its way."""
        return self._inside("snapshots", run_id)

    @property
    def measured(self) -> Path:
        """The table of accuracies measured by training from scratch."""
        return self._inside("measured.jsonl")

    def checkpoints(self, run_id: str) -> Path:
        return self._inside("checkpoints", run_id)

    def log(self, run_id: str) -> Path:
        return self._inside("logs", f"{run_id}.log")

    def lock(self, name: str) -> FileLock:
        """A lock between processes that ends with its holder, however that ends."""
        return FileLock(self._lock_file(name), fallback_to_soft=False, poll_interval=0.1)

    def run_lock(self, run_id: str) -> FileLock:
        """Held while a run's state changes."""
        return self.lock(f"run-{run_id}")

    def forget_run_lock(self, run_id: str) -> None:
        """Removes the lock's file, of a run that is gone."""
        self._lock_file(f"run-{run_id}").unlink(missing_ok=True)

    def _lock_file(self, name: str) -> Path:
        return self._inside("locks", f"{re.sub('[^A-Za-z0-9_-]', '-', name)}.lock")

    def _inside(self, *parts: str) -> Path:
        path = self.root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def default_folders() -> Folders:
    """The environment's `NAT_LAB_RUNS`, else `runs` in the checkout or in the user's data folder."""
    return Folders(Path(os.environ.get("NAT_LAB_RUNS") or data_folder() / "runs").resolve())


@contextmanager
def waiting_for(lock: FileLock, should_stop: Callable[[], bool]) -> Iterator[bool]:
    """Holds the lock as soon as it is free, and gives True; False, without it, if `should_stop` came first."""
    try:
        lock.acquire(cancel_check=should_stop)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()

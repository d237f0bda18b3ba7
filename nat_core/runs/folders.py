"""The folder of runs: where each kind of file is kept, and how files of earlier versions are moved there."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from nat_core.paths import data_folder
from nat_core.runs.request import StoredConfig
from nat_core.runs.run import Run


@dataclass(frozen=True)
class Folders:
    """The files of runs below `root`; a folder is created when something is first written to it."""

    root: Path

    @property
    def database(self) -> Path:
        return self._inside("mlflow.db")

    @property
    def artifacts(self) -> Path:
        return self._inside("artifacts")

    @property
    def policies(self) -> Path:
        """The policies of finished trainings, by the run's id."""
        return self._inside("policies")

    @property
    def policy_roots(self) -> tuple[Path, ...]:
        """The folders of usable policies: those of finished runs, then those of the latest checkpoints."""
        return self.root / "policies", self.root / "latest"

    @property
    def latest(self) -> Path:
        """The policies of unfinished trainings' latest checkpoints, by the run's id."""
        return self._inside("latest")

    def policy(self, run_id: str) -> Path:
        """Return the folder of a finished training's policy."""
        return self.policies / run_id

    def latest_of(self, run_id: str) -> Path:
        """Return the folder of the policy in an unfinished training's latest checkpoint."""
        return self.latest / run_id

    def policies_of(self, run_id: str, name: str) -> tuple[tuple[Path, str], ...]:
        """Return the folders where a run called `name` may have policies, each with the policy's name."""
        return (self.policy(run_id), name), (self.latest_of(run_id), latest_title(name))

    def snapshots(self, run_id: str) -> Path:
        """Return the folder of the policies that a training has kept."""
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
        """Return a lock between processes that is released when its holder ends, even if it crashes."""
        return FileLock(self._lock_file(name), fallback_to_soft=False, poll_interval=0.1)

    def run_lock(self, run_id: str) -> FileLock:
        """Return the lock that is held while a run's state changes."""
        return self.lock(f"run-{run_id}")

    def forget_run_lock(self, run_id: str) -> None:
        """Remove the lock file of a deleted run."""
        self._lock_file(f"run-{run_id}").unlink(missing_ok=True)

    def _lock_file(self, name: str) -> Path:
        return self._inside("locks", f"{re.sub('[^A-Za-z0-9_-]', '-', name)}.lock")

    def _inside(self, *parts: str) -> Path:
        path = self.root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def default_folders() -> Folders:
    """Return the environment's `NAT_LAB_RUNS`, else `runs` in the checkout or in the user's data folder."""
    return Folders(Path(os.environ.get("NAT_LAB_RUNS") or data_folder() / "runs").resolve())


@contextmanager
def waiting_for(lock: FileLock, should_stop: Callable[[], bool]) -> Iterator[bool]:
    """Wait for the lock, hold it and yield True; yield False without the lock if `should_stop` is true before that."""
    try:
        lock.acquire(cancel_check=should_stop)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def latest_title(name: str) -> str:
    """Return the name of the latest checkpoint's policy, given the name of its run."""
    return f"{name} (checkpoint)"


def adopt_policies(folders: Folders, runs_of_record: Callable[[], Iterable[Run]]) -> None:
    """Move policies from folders that an earlier version named after their runs to folders named by the runs' ids.

    A policy that cannot be assigned to one run stays where it is and keeps the name of its folder.
    """
    found = [(path, number) for number, root in enumerate(folders.policy_roots) for path in _of_earlier_versions(root)]
    if not found:
        return
    with folders.lock("adopting"):
        runs = [run for run in runs_of_record() if not isinstance(run.request.config, StoredConfig)]
        for path, number in found:
            namesakes = [
                run for run in runs if path.name == folders.policies_of(run.id, _folder_name(run.name))[number][1]
            ]
            if len(namesakes) == 1:
                _move(path, namesakes[0], *folders.policies_of(namesakes[0].id, namesakes[0].name)[number])


def _of_earlier_versions(root: Path) -> list[Path]:
    """Return the folders of earlier versions, whose names are not run ids."""
    return (
        [path for path in root.iterdir() if not re.fullmatch(r"[0-9a-f]{32}|\..*", path.name)] if root.is_dir() else []
    )


def _move(path: Path, run: Run, place: Path, title: str) -> None:
    """Move a policy; replace a link to the user's folder by a copy, and remove a link to a policy changed since."""
    from nat_core.learning.policies.checkpoint import load_card, name_policy
    from nat_core.learning.training.policy_folder import copy_whole

    if place.exists():
        return
    try:
        is_its_own = load_card(path).command == run.request.command
    except ValueError:
        is_its_own = False
    if is_its_own and path.is_symlink():
        copy_whole(path.resolve(), place)
    elif is_its_own:
        path.rename(place)
    if is_its_own:
        name_policy(place, title)
    if path.is_symlink():
        path.unlink()


def _folder_name(name: str) -> str:
    """Return the folder name that earlier versions made from a run's name."""
    return re.sub(r"[^\w .+()-]", "-", name).strip(" .")[:100] or "policy"

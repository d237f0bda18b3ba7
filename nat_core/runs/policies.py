"""The policies of runs: kept in folders by the run's id, named after the run, taken from checkpoints on the way.

A run keeps about sixteen on its way, evenly over its steps, in `snapshots/<run id>/<step>/`, and stores them with its
record. The latest checkpoint's is in `latest/<run id>/`, where other pages find it as they find finished policies.
"""

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nat_core.runs.folders import Folders
from nat_core.runs.request import StoredConfig
from nat_core.runs.run import Run

if TYPE_CHECKING:
    from nat_core.learning.policies.checkpoint import PolicyCard
    from nat_core.learning.policies.policy import Policy

KEPT = 16
PolicyOf = Callable[[Path, str], "tuple[Policy, PolicyCard]"]


def latest_title(name: str) -> str:
    """What the policy of the latest checkpoint is called, of the run of this name."""
    return f"{name} (checkpoint)"


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


def adopt_policies(folders: Folders, runs_of_record: Callable[[], Iterable[Run]]) -> None:
    """Moves policies that an earlier version kept in folders named after their runs: each goes to its run, by its id.

    What belongs to no run beyond doubt stays where it is and is still found under the name of its folder.
    """
    finished, unfinished = (_of_earlier_versions(root) for root in folders.policy_roots)
    if not finished and not unfinished:
        return
    with folders.lock("adopting"):
        runs = [run for run in runs_of_record() if not isinstance(run.request.config, StoredConfig)]
        _give(finished, runs, folders.policy, lambda name: name)
        _give(unfinished, runs, folders.latest_of, latest_title)


def _of_earlier_versions(root: Path) -> list[Path]:
    """By name, since those of this version are called by an id."""
    return (
        [path for path in root.iterdir() if not re.fullmatch(r"[0-9a-f]{32}|\..*", path.name)] if root.is_dir() else []
    )


def _give(
    found: Iterable[Path], runs: Iterable[Run], place: Callable[[str], Path], title: Callable[[str], str]
) -> None:
    for path in found:
        namesakes = [run for run in runs if path.name == title(_folder_name(run.name))]
        if len(namesakes) == 1 and not place(namesakes[0].id).exists():
            _move(path, namesakes[0], place(namesakes[0].id), title(namesakes[0].name))


def _move(path: Path, run: Run, place: Path, title: str) -> None:
    """A link leads to a folder of the user's own, of which a copy is kept; one to another policy by now goes."""
    from nat_core.learning.policies.checkpoint import load_card, name_policy
    from nat_core.learning.training.policy_folder import copy_whole

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
    """How earlier versions called a folder after a run."""
    return re.sub(r"[^\w .+()-]", "-", name).strip(" .")[:100] or "policy"

"""Policies that an earlier version kept in folders named after their runs: each goes to its run, by the run's id.

What belongs to no run beyond doubt stays where it is and is still found under the name of its folder.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nat_core.runs.request import StoredConfig
from nat_core.runs.run import Run
from nat_core.runs.snapshots import latest_title

if TYPE_CHECKING:
    from nat_core.runs.tracking import Tracking


def adopt_policies(tracking: "Tracking") -> None:
    """Moves them; nothing happens where there are none."""
    folders = tracking.folders
    finished, unfinished = (_of_earlier_versions(root) for root in folders.policy_roots)
    if not finished and not unfinished:
        return
    with folders.lock("adopting"):
        runs = [run for run in tracking.runs() if not isinstance(run.request.config, StoredConfig)]
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

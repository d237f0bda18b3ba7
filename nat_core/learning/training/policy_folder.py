"""A policy's folder, written as a whole: what an older policy left in it is never mixed with a new one."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from nat_core.learning.policies.archive import MEMBERS
from nat_core.learning.policies.checkpoint import CARD, LABEL, PolicyCard, load_card, save_policy
from nat_core.learning.policies.policy import Policy
from nat_core.learning.support.folders import replacing_folder

# What may belong to a policy; the card says what does. Without the card the rest is no policy.
FILES = (CARD, *(name for name in MEMBERS if name not in (CARD, LABEL)), LABEL)


def save_whole(
    folder: Path | str, policy: Policy, card: PolicyCard, beside: Iterable[Callable[[Path], object]] = ()
) -> Path:
    """Replace any policy in `folder` by this policy, its card and its other files; return the folder.

    Args:
        folder: target folder, created if missing; the user's own files in it stay.
        policy: policy to save.
        card: card of the policy; the names of the files beside it are added.
        beside: functions that write further files into the folder that they are given.
    """
    with replacing_folder(Path(folder), FILES) as fresh:
        for write in beside:
            write(fresh)
        save_policy(fresh, policy, replace(card, files=tuple(sorted(path.name for path in fresh.iterdir()))))
    return Path(folder)


def copy_whole(source: Path, folder: Path) -> Path:
    """Replace any policy in `folder` by a copy of the policy in `source` with all of its files.

    Raises:
        ValueError: there is no policy in `source`.
    """
    names = [name for name in FILES[1:-1] if load_card(source).has(name)]
    with replacing_folder(folder, FILES) as fresh:
        for name in (CARD, *names):
            shutil.copy2(source / name, fresh / name)
    return folder

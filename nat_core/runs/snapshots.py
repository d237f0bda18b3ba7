"""What a run's policy was like on the way: the policies of some of its checkpoints, and of the latest.

A run keeps about sixteen, evenly over its steps, in `snapshots/<run id>/<step>/`, and stores them with its record. The
latest checkpoint's is in `latest/<run id>/`, where other pages find it as they find finished policies.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

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

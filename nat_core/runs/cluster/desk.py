"""Where the tasks of a run and its driver meet: tasks leave their progress, and learn whether to stop.

It is an actor on the driver's node, so that it is there exactly as long as the driver can be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Report:
    """What a task has to say.

    Attributes:
        position: of its training in the queue.
        done: progress of this training.
        metrics: measured then.
        text: for the log; "" for nothing.
    """

    position: int
    done: int
    metrics: Mapping[str, float]
    text: str = ""


class Desk:
    """Holds reports until the driver takes them."""

    def __init__(self) -> None:
        self._reports: list[Report] = []
        self._begun: set[int] = set()
        self._stopping = False

    def report(self, position: int, reports: Sequence[Report]) -> bool:
        """Leaves what the task of this training has to say, if anything; whether it shall stop."""
        self._reports += reports
        self._begun.add(position)
        return self._stopping

    def stop(self) -> set[int]:
        """From now on tasks shall save and stop; returns the positions of those that have begun."""
        self._stopping = True
        return self._begun

    def take(self) -> list[Report]:
        """The reports since the last time."""
        taken, self._reports = self._reports, []
        return taken


def desk_here() -> Any:
    """A new desk on the node that this process works on."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(Desk).options(num_cpus=0, scheduling_strategy=here).remote()

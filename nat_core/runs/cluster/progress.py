"""The actor between the tasks of a run and its driver: tasks report progress and learn whether to stop.

It runs on the driver's node, so that both are lost together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Report:
    """One progress report of a task.

    Attributes:
        position: position of its training in the queue.
        done: steps done of this training.
        metrics: metrics at this step.
        text: text for the log, or "".
    """

    position: int
    done: int
    metrics: Mapping[str, float]
    text: str = ""


class Progress:
    """Holds reports until the driver takes them."""

    def __init__(self) -> None:
        self._reports: list[Report] = []
        self._begun: set[int] = set()
        self._stopping = False

    def report(self, position: int, reports: Sequence[Report]) -> bool:
        """Add reports of the task with this training, if any; return whether it must stop."""
        self._reports += reports
        self._begun.add(position)
        return self._stopping

    def stop(self) -> set[int]:
        """Make all tasks save and stop; return the positions of those that have begun."""
        self._stopping = True
        return self._begun

    def take(self) -> list[Report]:
        """Return the reports since the last call."""
        taken, self._reports = self._reports, []
        return taken


def start_progress() -> Any:
    """Start the actor on this process's node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(Progress).options(num_cpus=0, scheduling_strategy=here).remote()

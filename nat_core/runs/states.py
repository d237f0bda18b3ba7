"""The states of a run, which may follow which, and what a recorded state means once the process is gone."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

HEARTBEAT_LIMIT_SECONDS = 20.0


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"


ACTIVE = frozenset({State.QUEUED, State.RUNNING, State.STOPPING})
RESUMABLE = frozenset({State.STOPPED, State.FAILED, State.LOST})

TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType({
    State.QUEUED: frozenset({State.RUNNING, State.STOPPING, State.STOPPED, State.FAILED, State.LOST}),
    State.RUNNING: frozenset({State.STOPPING, State.STOPPED, State.FINISHED, State.FAILED, State.LOST}),
    State.STOPPING: frozenset({State.STOPPED, State.FINISHED, State.FAILED}),
    State.STOPPED: frozenset({State.QUEUED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.LOST: frozenset({State.QUEUED}),
    State.FINISHED: frozenset(),
})  # fmt: skip

_WITHOUT_PROCESS: Mapping[State, State] = MappingProxyType(
    {State.QUEUED: State.LOST, State.RUNNING: State.LOST, State.STOPPING: State.STOPPED}
)


def state_of(recorded: State, process_alive: bool | None, heartbeat_age_seconds: float) -> State:
    """The true state of a run whose record says `recorded`.

    Args:
        recorded: what was last written.
        process_alive: whether its process exists; None if that cannot be known, as on another host.
        heartbeat_age_seconds: since its last sign of life; decides where the process is unknown. One from the future,
            of a clock that was set back since, says as little as an old one.
    """
    alive = abs(heartbeat_age_seconds) <= HEARTBEAT_LIMIT_SECONDS if process_alive is None else process_alive
    return recorded if alive else _WITHOUT_PROCESS.get(recorded, recorded)


def check_transition(run: str, current: State, following: State) -> None:
    """Raises ValueError if `following` may not come after `current`; names the run, both, and what may."""
    if following not in TRANSITIONS[current]:
        accepted = ", ".join(sorted(TRANSITIONS[current])) or "nothing, it is final"
        raise ValueError(f"the run {run} is {current} and cannot become {following}; accepted: {accepted}")

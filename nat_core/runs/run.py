"""The current state of a run: a value read from the record, its possible states, and when it counts as ended."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from nat_core.runs.cluster.jobs import Job
from nat_core.runs.processes import Process
from nat_core.runs.request import Request
from nat_core.specification import from_json

PREFIX = "nat."
# Makes a run's request from its id and the fields that its record lists; see `Request.recorded`.
RequestOf = Callable[[str, str, str], Request]
HEARTBEAT_LIMIT_SECONDS = 20.0
SILENCE_SECONDS = 120.0
# Within this time, the process that stops a run waits for its end and records it.
_STOPPING_SECONDS = 60.0


class State(StrEnum):
    """The states of a run."""

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
    """Return the true state of a run, given the `recorded` one.

    Args:
        recorded: the state last written.
        process_alive: whether its process exists; None if unknown, for example on another host.
        heartbeat_age_seconds: time since the last heartbeat, which decides if the process is unknown. A heartbeat from
            the future, from before a clock was set back, counts as an old one.
    """
    alive = abs(heartbeat_age_seconds) <= HEARTBEAT_LIMIT_SECONDS if process_alive is None else process_alive
    return recorded if alive else _WITHOUT_PROCESS.get(recorded, recorded)


def check_transition(run: str, current: State, following: State) -> None:
    """Raise ValueError if `following` may not come after `current`; the message names the accepted states."""
    if following not in TRANSITIONS[current]:
        accepted = ", ".join(sorted(TRANSITIONS[current])) or "nothing, it is final"
        raise ValueError(f"the run {run} is {current} and cannot become {following}; accepted: {accepted}")


@dataclass(frozen=True)
class Run:
    """The state of a run at one moment.

    Attributes:
        id: 32 hexadecimal digits.
        name: shown to people.
        request: what the run was asked to do.
        recorded: the state last written; `state` is the true one.
        process: the process that does or did the run; None before the start.
        created: seconds since the epoch.
        heartbeat: time of the last heartbeat, seconds since the epoch.
        step: number of steps done, of `request.steps`.
        eta_seconds: remaining time; None if unknown.
        elapsed_seconds: time worked so far, before and after stops.
        best, last: values of the kind's main metric; None before it is first measured.
        error: why the run failed, or another message.
        metrics: the last value of each metric.
        usage: usage of its process at the last heartbeat, see `processes.Usage`; None before the first.
        folder: the folder of runs with its log and checkpoints; "" if unknown.
        silent_since: the last heartbeat before the run was recorded as lost; None if it never was.
        job: the job of a Ray cluster that does or did the run; None on this machine, and before submission.
    """

    id: str
    name: str
    request: Request
    recorded: State
    process: Process | None
    created: float
    heartbeat: float
    step: int = 0
    eta_seconds: float | None = None
    elapsed_seconds: float = 0.0
    best: float | None = None
    last: float | None = None
    error: str = ""
    metrics: Mapping[str, float] | None = None
    usage: Mapping[str, Any] | None = None
    folder: str = ""
    silent_since: float | None = None
    job: Job | None = None

    @cached_property
    def state(self) -> State:
        """The true state when it is first asked for.

        It is determined once: a process that ends later writes its last state, which only a new reading of the record
            shows.
        """
        # A run that was recorded as lost and has sent a heartbeat since is running after all.
        revived = self.recorded is State.LOST and self.silent_since not in (None, self.heartbeat)
        recorded = State.RUNNING if revived else self.recorded
        alive = self._is_alive() if recorded in ACTIVE else None
        return state_of(recorded, alive, time.time() - self.heartbeat)

    def _is_alive(self) -> bool | None:
        """Return whether its job or process exists; None if neither can be reached."""
        alive = None if self.job is None else self.job.alive
        return self.process.alive if alive is None and self.process is not None else alive

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def short_id(self) -> str:
        return self.id[:8]

    @property
    def label(self) -> str:
        """The run's name and short id, for sentences."""
        return f"{self.short_id} ({self.name})"

    @property
    def is_far(self) -> bool:
        """Whether the run is or was on another machine."""
        return self.process is not None and not self.process.is_here

    @property
    def place(self) -> str:
        """Return the place of its files, such as ``/srv/runs on gpu-7``; this machine is not named."""
        folder = self.folder or "another folder of runs"
        return f"{folder} on {self.process.host}" if self.process and self.is_far else folder

    @property
    def steps(self) -> int:
        return self.request.steps

    @property
    def config(self) -> Mapping[str, Any]:
        return self.request.config

    def to_dict(self, measure: str) -> dict[str, Any]:
        """Return the run for JSON; `measure` names the main metric. Raises OSError if the record cannot be read."""
        request = self.request.whole
        return {
            "id": self.id,
            "name": self.name,
            "kind": request.kind,
            "space": request.space,
            "preset": request.preset,
            "state": str(self.state),
            "step": self.step,
            "steps": request.steps,
            "eta_seconds": self.eta_seconds if self.state is State.RUNNING else None,
            "measure": measure,
            "best": self.best,
            "last": self.last,
            "elapsed_seconds": self.elapsed_seconds,
            "device": request.device,
            "host": self.process.host if self.process else None,
            "pid": self.process.pid if self.process else None,
            "created": self.created,
            "output": request.output,
            "command": request.command,
            "error": self.error,
            "config": dict(request.config),
        }


@dataclass(frozen=True)
class RunRecord:
    """A run as MLflow stores it: its start in seconds since the epoch, its tags, and the last value of each metric."""

    id: str
    name: str
    created: float
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def run_of(record: RunRecord, request_of: RequestOf) -> Run | None:
    """Return the run of a record; None if the record is not one of ours."""
    own = {key.removeprefix(PREFIX): value for key, value in record.tags.items() if key.startswith(PREFIX)}
    try:
        request = request_of(record.id, own["request"], own.get("command", ""))
        return Run(
            id=record.id,
            name=record.name,
            request=request,
            recorded=State(own["state"]),
            process=Process(own["host"], int(own["pid"]), float(own["process_created"])) if own.get("pid") else None,
            created=record.created,
            heartbeat=float(own["heartbeat"]),
            step=int(own.get("step", 0)),
            eta_seconds=_number(own, "eta_seconds"),
            elapsed_seconds=_number(own, "elapsed_seconds") or 0.0,
            best=_number(own, "best"),
            last=_number(own, "last"),
            error=own.get("error", ""),
            metrics=record.metrics,
            usage=from_json(own["usage"]) if own.get("usage") else None,
            folder=own.get("folder", ""),
            silent_since=_number(own, "silent_since"),
            job=Job(request.cluster, own["job"]) if own.get("job") else None,
        )
    except (KeyError, ValueError):
        return None


def first_facts(request: Request, owner: Process | None) -> dict[str, Any]:
    """Return the facts to record of a new run; `owner` is the process that will do it, if known."""
    return {
        **{name: getattr(request, name) for name in ("kind", "space", "preset", "device")},
        "request": request.head_to_json(),
        "command": request.listed_command,
        "state": State.QUEUED,
        "heartbeat": time.time(),
        **owner_facts(owner),
    }


def owner_facts(owner: Process | None) -> dict[str, Any]:
    """Return the facts that name the process of a run and clear its cluster job; empty values if there is no
    process.
    """
    if owner is None:
        return {"host": "", "pid": "", "process_created": "", "job": ""}
    return {"host": owner.host, "pid": owner.pid, "process_created": owner.created}


def _number(tags: Mapping[str, str], name: str) -> float | None:
    return float(tags[name]) if tags.get(name) else None


class Watch:
    """Decides when a run whose process seems to be gone may be recorded as ended; threads may share it.

    A process on this machine either exists or not, and so does a job whose cluster answers. A process on another
    machine is known only by its heartbeats, which carry that machine's clock. So it counts as gone if no new heartbeat
    has come for a while by this machine's clock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, float]] = {}

    def is_gone(self, run: Run) -> bool:
        """Whether `run.state`, if it differs from the recorded state, is final."""
        if run.state not in (State.LOST, State.STOPPED) or run.state is run.recorded:
            return False
        if run.job is not None:  # a job that waits for resources sends no heartbeat
            return run.job.alive is False
        if run.process is None or run.is_far:
            return self._silent_seconds(run) > SILENCE_SECONDS
        return run.state is State.LOST or abs(time.time() - run.heartbeat) > _STOPPING_SECONDS

    def _silent_seconds(self, run: Run) -> float:
        """Return the seconds since this process first saw the run's last heartbeat."""
        now = time.monotonic()
        with self._lock:
            heartbeat, since = self._seen.get(run.id, (run.heartbeat, now))
            if heartbeat != run.heartbeat:
                since = now
            self._seen[run.id] = (run.heartbeat, since)
        return now - since

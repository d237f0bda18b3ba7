"""A run as it stands: a value read from the tracking store."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nat_core.runs.kinds import measures_accuracy
from nat_core.runs.processes import Process
from nat_core.runs.request import Request
from nat_core.runs.states import ACTIVE, State, state_of

PREFIX = "nat."
# What was asked of a run, from its id and what its record lists of that; see `Request.recorded`.
RequestOf = Callable[[str, str, str], Request]


@dataclass(frozen=True)
class Run:
    """A run at one moment.

    Attributes:
        id: 32 hexadecimal digits.
        name: for people.
        request: what was asked for.
        recorded: the state last written; `state` is the true one.
        process: that does it or did; None before it has started.
        created: seconds since the epoch.
        heartbeat: last sign of life, seconds since the epoch.
        step: done of `request.steps`.
        eta_seconds: time left; None if unknown.
        elapsed_seconds: time worked so far, all parts of it.
        best, last: of the kind's headline metric; None before it was first measured.
        error: why it failed, or what else is worth a sentence.
        metrics: last value of each metric.
        usage: of its process at the last sign of life, see `usage.Usage`; None before the first.
        folder: of runs, where its log and checkpoints are; "" where that was not noted.
        silent_since: the last sign of life before it was recorded as lost; None if it never was.
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

    @cached_property
    def state(self) -> State:
        """What was true when it was first asked for, whatever was last written.

        Once, since a process that ends later has written its last state, and only a new reading knows it.
        """
        # One that was given up for lost and has given a sign of life since is at work after all.
        revived = self.recorded is State.LOST and self.silent_since not in (None, self.heartbeat)
        recorded = State.RUNNING if revived else self.recorded
        alive = None if self.process is None or recorded not in ACTIVE else self.process.alive
        return state_of(recorded, alive, time.time() - self.heartbeat)

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def short_id(self) -> str:
        return self.id[:8]

    @property
    def steps(self) -> int:
        return self.request.steps

    @property
    def config(self) -> Mapping[str, Any]:
        return self.request.config

    def to_dict(self) -> dict[str, Any]:
        """For JSON. Raises OSError where the record cannot be read."""
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
            "measure": "accuracy_percent" if measures_accuracy(request.kind) else "gain_points",
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


def run_of(
    run_id: str,
    name: str,
    created: float,
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    request_of: RequestOf,
) -> Run | None:
    """The run that these tags describe; None if it is not one of ours."""
    own = {key.removeprefix(PREFIX): value for key, value in tags.items() if key.startswith(PREFIX)}
    try:
        return Run(
            id=run_id,
            name=name,
            request=request_of(run_id, own["request"], own.get("command", "")),
            recorded=State(own["state"]),
            process=Process(own["host"], int(own["pid"]), float(own["process_created"])) if own.get("pid") else None,
            created=created,
            heartbeat=float(own["heartbeat"]),
            step=int(own.get("step", 0)),
            eta_seconds=_number(own, "eta_seconds"),
            elapsed_seconds=_number(own, "elapsed_seconds") or 0.0,
            best=_number(own, "best"),
            last=_number(own, "last"),
            error=own.get("error", ""),
            metrics=metrics,
            usage=json.loads(own["usage"]) if own.get("usage") else None,
            folder=own.get("folder", ""),
            silent_since=_number(own, "silent_since"),
        )
    except (KeyError, ValueError):
        return None


def _number(tags: Mapping[str, str], name: str) -> float | None:
    return float(tags[name]) if tags.get(name) else None

"""What work there is: where the code of every kind of run stands, so that its record alone suffices to continue it.

A kind is one line in `KINDS` and one `Work` in the module that it names; modules are loaded only when they are needed.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self

from nat_core.learning.support.folders import check_folder
from nat_core.runs.request import Request
from nat_core.runs.snapshots import PolicyOf

if TYPE_CHECKING:
    from nat_core.runs.run import Run
    from nat_core.runs.running import RunContext
    from nat_core.runs.tracking import Tracking

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "train": "nat_core.runs.table_training:WORK",
        "train-images": "nat_core.runs.image_training:WORK",
        "evaluate": "nat_core.runs.evaluation:WORK",
    }
)


# Kinds whose best and last value are accuracies in percent; others' are gains in points. To list runs loads no work.
_ACCURACIES = frozenset({"evaluate"})


def measures_accuracy(kind: str) -> bool:
    """Whether the best and last value of runs of this kind are accuracies in percent, not gains in points."""
    return kind in _ACCURACIES


class Config(Protocol):
    """A frozen dataclass that survives JSON."""

    def to_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self: ...


@dataclass(frozen=True)
class Work:
    """How a kind of run is done.

    Attributes:
        config: class of its configuration.
        do: the work; returns True when it is finished, False when `context.should_stop()` ended it. It reports to
            `context.progress`, saves inside `context.saving()`, and continues from `context.checkpoint()` if there is
            one.
        steps: how many steps of progress a configuration has.
        headline: the metric whose best and last value stand for a run.
        higher_is_better: of that metric.
        space: whose architectures a configuration is about.
        arguments: of the command line that asks for the same; without output and device.
        outcome: what a finished run in the foreground prints; the folder of its output by default.
        policy_of: the policy in a checkpoint, given a command line for its card; None where there is none.
    """

    config: type[Config]
    do: "Callable[[Any, RunContext], bool]"
    steps: Callable[[Any], int]
    headline: str
    higher_is_better: bool = True
    space: Callable[[Any], str] = field(default=lambda config: getattr(config, "space", ""))
    arguments: Callable[[Any, str], list[str]] = field(default=lambda config, preset: [])
    outcome: "Callable[[Tracking, Run], str]" = field(default=lambda tracking, run: str(tracking.output_of(run)))
    policy_of: PolicyOf | None = None


def work_of(kind: str) -> Work:
    """The work of this kind. Raises ValueError for an unknown one."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of run {kind[:40]!r}; accepted: {', '.join(KINDS)}")
    module, _, name = KINDS[kind].partition(":")
    return getattr(import_module(module), name)


def request_for(kind: str, config: Config, *, output: Path | str = "", command: str = "", **settings: Any) -> Request:
    """A request to run `config`.

    Args:
        kind: a key of `KINDS`.
        config: an instance of the kind's configuration.
        output: folder for what comes out; relative ones start from the current folder; "" for one of the run's own.
        command: of the command line; made from `config` if it is empty.
        settings: `preset`, `device`, `threads`, `name`; see `Request`.

    Raises:
        ValueError: something is not acceptable.
    """
    work = work_of(kind)
    if not isinstance(config, work.config):
        raise ValueError(f"a run of kind {kind} needs a {work.config.__name__}, not {type(config).__name__}")
    folder = str(check_folder(Path(output))) if str(output) else ""
    arguments = work.arguments(config, settings.get("preset", ""))
    if not command and arguments:
        command = shlex.join(["python", "-m", "nat_core", *arguments, *(["--output", str(output)] if folder else [])])
    return Request(
        kind, config.to_dict(), work.steps(config), work.space(config), output=folder, command=command,
        directory=str(Path.cwd()), **settings,
    )  # fmt: skip

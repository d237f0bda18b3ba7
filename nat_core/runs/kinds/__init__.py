"""All kinds of run; a run's record names its kind, so that the record alone suffices to continue it.

A kind is one row in `KINDS` and one `Work`. A kind's module imports torch, so it is imported when its work is needed:
listing runs needs none.
"""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from nat_core.learning.support.folders import check_folder
from nat_core.runs.request import Request
from nat_core.runs.run import Run
from nat_core.runs.work import Config, Work


class Kind(NamedTuple):
    """Facts about a kind of run that are known before its code is loaded.

    Attributes:
        work: imports and returns its `Work`.
        measure: what its headline metric measures.
    """

    work: Callable[[], Work]
    measure: Literal["accuracy_percent", "gain_points"]


def _table_training() -> Work:
    from nat_core.runs.kinds.training import TABLE_TRAINING as work

    return work


def _image_training() -> Work:
    from nat_core.runs.kinds.training import IMAGE_TRAINING as work

    return work


def _evaluation() -> Work:
    from nat_core.runs.kinds.evaluation import EVALUATION as work

    return work


KINDS: Mapping[str, Kind] = MappingProxyType({
    "train": Kind(_table_training, "gain_points"),
    "train-images": Kind(_image_training, "gain_points"),
    "evaluate": Kind(_evaluation, "accuracy_percent"),
})  # fmt: skip


def work_of(kind: str) -> Work:
    """Return the work of this kind. Raises ValueError if the kind is unknown."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of run {kind[:40]!r}; accepted: {', '.join(KINDS)}")
    return KINDS[kind].work()


def measure_of(kind: str) -> str:
    """Return the name of the main metric of such runs; "gain_points" for kinds of a newer version."""
    return KINDS[kind].measure if kind in KINDS else "gain_points"


def trains_a_policy(run: Run) -> bool:
    """Return whether runs of this kind produce a policy."""
    try:
        return work_of(run.request.kind).policy_of is not None
    except ValueError:  # the kind of a newer version
        return False


def request_for(kind: str, config: Config, *, output: Path | str = "", command: str = "", **settings: Any) -> Request:
    """Return a request to run `config`.

    Args:
        kind: a key of `KINDS`.
        config: an instance of the kind's configuration.
        output: folder of the results, relative to the current folder; "" for the run's own folder.
        command: the equivalent command line; "" to derive it from `config`.
        settings: `preset`, `device`, `threads`, `name`; see `Request`.

    Raises:
        ValueError: the configuration or a setting is not accepted.
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

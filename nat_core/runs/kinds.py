"""The kinds of run there are, so that a run's record alone suffices to continue it.

A kind is one line in `KINDS` and one `Work`, which is loaded only when it is needed: listing runs needs none.
"""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nat_core.learning.support.folders import check_folder
from nat_core.runs.request import Request
from nat_core.runs.run import Run
from nat_core.runs.work import Config, Work


def _table_training() -> Work:
    from nat_core.runs.training import TABLE_TRAINING

    return TABLE_TRAINING


def _image_training() -> Work:
    from nat_core.runs.training import IMAGE_TRAINING

    return IMAGE_TRAINING


def _evaluation() -> Work:
    from nat_core.runs.evaluation import EVALUATION

    return EVALUATION


KINDS: Mapping[str, Callable[[], Work]] = MappingProxyType(
    {"train": _table_training, "train-images": _image_training, "evaluate": _evaluation}
)


def work_of(kind: str) -> Work:
    """The work of this kind. Raises ValueError for an unknown one."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of run {kind[:40]!r}; accepted: {', '.join(KINDS)}")
    return KINDS[kind]()


def trains_a_policy(run: Run) -> bool:
    """Whether a policy comes out of runs of this kind."""
    try:
        return work_of(run.request.kind).policy_of is not None
    except ValueError:  # of a newer program
        return False


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

"""The command `evaluate`."""

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from nat_core.cli.app import AsJson, On, app, architecture_of
from nat_core.cli.shared_options import declared, with_options

if TYPE_CHECKING:
    from nat_core.learning.scratch.config import EvaluationConfig
    from nat_core.learning.scratch.measured import MeasuredResult
    from nat_core.options import Option
    from nat_core.runs.run import Run
    from nat_core.runs.tracking import Tracking

    Show = Callable[[MeasuredResult], str]

Archs = Annotated[list[str], typer.Argument(metavar="ARCH…", help="Library names, files or genotypes.")]


class _Settings(TypedDict):
    """Options of a recorded run beside its configuration."""

    preset: str
    threads: int
    name: str
    device: str


def _options() -> "Iterable[Option]":
    from nat_core.learning.scratch.config import EvaluationConfig
    from nat_core.options import options_of

    return options_of(EvaluationConfig).values()


@app.command(cls=declared(_options))
@with_options(())
def evaluate(
    archs: Archs,
    threads: Annotated[int, typer.Option(help="Processor threads; with 1 a run repeats bit for bit.")] = 1,
    name: Annotated[str, typer.Option(help="Name of the run, for people.")] = "",
    as_json: AsJson = False,
    on: On = "",
    detach: Annotated[bool, typer.Option("--detach", help="Work in the background; print the run's id.")] = False,
    record: Annotated[
        bool, typer.Option(help="Keep a run that can be watched, stopped and resumed, and its results.")
    ] = True,
    **options: Any,
) -> None:
    """Train architectures from scratch and measure their accuracy."""
    from nat_core.runs.request import Threads
    from nat_core.specification import check

    config = _config(archs, {key: value for key, value in options.items() if value is not None})
    check(Threads, threads, "threads")

    from nat_core.learning.support.device import default_device  # takes long to import

    show = _json_line if as_json else _text_line
    settings: _Settings = {
        "preset": config.preset,
        "threads": threads,
        "name": name,
        "device": "cpu" if on else str(default_device()),
    }
    if record:
        _record(config, on, detach, show, settings)
    elif on:
        raise ValueError("--on needs a record; leave out --no-record")
    elif detach:
        raise ValueError("--detach needs a record; leave out --no-record")
    else:
        _evaluate_unrecorded(config, threads, show)


def _config(archs: list[str], options: Mapping[str, Any]) -> "EvaluationConfig":
    from nat_core.learning.scratch.config import NamedArchitecture
    from nat_core.learning.scratch.presets import evaluation

    return evaluation([NamedArchitecture.of(architecture_of(text), _name(text)) for text in archs], options)


def _name(text: str) -> str:
    """Return the user's name for an architecture; "" if a genotype was given."""
    return "" if any(mark in text for mark in "(|{[\n") else text.strip()


def _record(config: "EvaluationConfig", on: str, detach: bool, show: "Show", settings: _Settings) -> None:
    from nat_core.cli.runs import work_here
    from nat_core.runs.kinds import request_for
    from nat_core.runs.launcher import launch
    from nat_core.runs.processes import process
    from nat_core.runs.ray_launcher import on_cluster
    from nat_core.runs.tracking import open_tracking

    request = request_for(
        "evaluate", config, command=shlex.join(["python", "-m", "nat_core", *sys.argv[1:]]), **settings
    )
    tracking = open_tracking()
    if on or detach:
        run_id = launch(tracking, on_cluster(request, on, tracking) if on else request)
        print(run_id) if detach else _follow(tracking, run_id, show)
        return
    run = tracking.create(request, owner=process())
    print(f"run {run.short_id} ({run.name})", file=sys.stderr)
    work_here(tracking, run, _Listener(config, run.steps, tracking.folders.measured, show))


def _follow(tracking: "Tracking", run_id: str, show: "Show") -> None:
    """Watches a run on a cluster; its results are printed, and go into the table here, as they come."""
    from nat_core.cli.runs import follow
    from nat_core.runs.results import fetch_results

    known: set[int] = set()

    def print_new(run: "Run") -> None:
        found = fetch_results(tracking, run, known)
        known.update(found)
        for _, result in sorted(found.items()):
            print(show(result), flush=True)

    follow(tracking, run_id, print_new)


def _evaluate_unrecorded(config: "EvaluationConfig", threads: int, show: "Show") -> None:
    import torch

    from nat_core.cli.progress import Progress, say
    from nat_core.learning.scratch.queue import evaluate, ticks
    from nat_core.learning.support.device import default_device
    from nat_core.learning.support.hooks import Hooks
    from nat_core.runs.kinds.evaluation import images_for
    from nat_core.runs.processes import stop_signals

    torch.set_num_threads(threads)
    with stop_signals() as should_stop:
        hooks = Hooks(Progress(ticks(config)), should_stop, tell=say)
        evaluation = evaluate(
            config, images_for(config), default_device(), hooks, lambda result: print(show(result), flush=True)
        )
    if not evaluation.finished:
        done = f"{len(evaluation.results)} of {len(config.jobs)}"
        print(f"\nstopped after {done} trainings; nothing else was kept, with --no-record", file=sys.stderr)
        raise typer.Exit(130)


class _Listener:
    """Progress on stderr; a line on stdout for every result as soon as it is in the table."""

    def __init__(self, config: "EvaluationConfig", steps: int, table: Path, show: "Show") -> None:
        from nat_core.cli.progress import Progress

        self._config, self._table, self._show = config, table, show
        self._progress = Progress(steps)
        self._per_job = steps // len(config.jobs)

    def __call__(self, step: int, metrics: Mapping[str, float]) -> None:
        from nat_core.learning.scratch.measured import read_measured
        from nat_core.runs.kinds.evaluation import results_of

        self._progress(step, metrics)
        if "accuracy" in metrics:
            found = results_of(self._config, read_measured(self._table))
            print(self._show(found[step // self._per_job - 1]), flush=True)


def _json_line(result: "MeasuredResult") -> str:
    row = result.to_dict()
    return json.dumps({**row, "architecture": result.architecture or result.genotype})


def _text_line(result: "MeasuredResult") -> str:
    from nat_core.runs.kinds.evaluation import summary

    return summary(result)

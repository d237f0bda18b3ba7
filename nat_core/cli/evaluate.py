"""The command `evaluate`."""

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from nat_core.cli.app import AsJson, On, app, architecture_of

if TYPE_CHECKING:
    from nat_core.learning.scratch.config import EvaluationConfig
    from nat_core.learning.scratch.measured import MeasuredResult
    from nat_core.runs.run import Run
    from nat_core.runs.tracking import Tracking

    Show = Callable[[MeasuredResult], str]

Archs = Annotated[list[str], typer.Argument(metavar="ARCH…", help="Library names, files or genotypes.")]


class _Settings(TypedDict):
    """What a recorded run has besides its configuration."""

    preset: str
    threads: int
    name: str
    device: str


@app.command()
def evaluate(
    archs: Archs,
    preset: Annotated[
        str, typer.Option(help="paper (as published), short (minutes on a CPU) or smoke (seconds, built-in sample).")
    ] = "short",
    data: Annotated[
        str | None, typer.Option(help="Images: a hub name, parquet files, an image folder, or sample.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    channels: Annotated[int | None, typer.Option(help="C, the network's initial channels.")] = None,
    layers: Annotated[int | None, typer.Option(help="L, the network's searched cells.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images per step.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Of weights and draws; may be given several times.")] = None,
    judged_on: Annotated[
        str | None,
        typer.Option(help="test (for reports), or selection (a tenth of the training images is not trained on)."),
    ] = None,
    threads: Annotated[int, typer.Option(help="Processor threads; with 1 a run repeats bit for bit.")] = 1,
    name: Annotated[str, typer.Option(help="Of the run, for people.")] = "",
    as_json: AsJson = False,
    on: On = "",
    detach: Annotated[bool, typer.Option("--detach", help="Work in the background; print the run's id.")] = False,
    record: Annotated[
        bool, typer.Option(help="Keep a run that can be watched, stopped and resumed, and its results.")
    ] = True,
) -> None:
    """Train architectures from scratch and measure their accuracy."""
    from nat_core.learning.support.device import default_device

    config = _config(archs, preset, seed or [0], data=data, epochs=epochs, channels=channels, layers=layers,
                     batch=batch, judged_on=judged_on)  # fmt: skip
    if not 1 <= threads <= 1024:
        raise ValueError(f"threads is {threads}; accepted: 1 to 1024")
    show = _json_line if as_json else _text_line
    settings: _Settings = {
        "preset": preset,
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


def _config(archs: list[str], preset: str, seeds: list[int], **options: object) -> "EvaluationConfig":
    from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
    from nat_core.learning.scratch.presets import preset_budget

    named = tuple(NamedArchitecture.of(architecture_of(text), _name(text)) for text in archs)
    changes = {key: value for key, value in options.items() if value is not None}
    if changes.get("judged_on") == "selection":
        changes["trained_on"] = "fitting"
    budget = preset_budget(preset, named[0].architecture, **changes)
    return EvaluationConfig(named, budget, tuple(seeds), preset)


def _name(text: str) -> str:
    """What the user calls an architecture; nothing if its genotype was given."""
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

    from nat_core.cli.progress import Progress
    from nat_core.learning.scratch.queue import evaluate, ticks
    from nat_core.learning.support.device import default_device
    from nat_core.learning.support.hooks import Hooks
    from nat_core.runs.kinds.evaluation import images_for
    from nat_core.runs.processes import stop_signals

    torch.set_num_threads(threads)
    with stop_signals() as should_stop:
        hooks = Hooks(Progress(ticks(config)), should_stop)
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

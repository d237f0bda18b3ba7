"""The command `train`."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nat_core.cli.app import On, app
from nat_core.cli.shared_options import declared, with_options

if TYPE_CHECKING:
    from nat_core.learning.forms import Form
    from nat_core.options import Option
    from nat_core.runs.work import Config


def _options() -> "Iterable[Option]":
    from nat_core.learning.forms import OPTIONS

    return OPTIONS.values()


@app.command(cls=declared(_options))
@with_options(())
def train(
    space: Annotated[
        str,
        typer.Option(help="nasbench201 (rewards from the benchmark's table), fully_concat or loose_end (from images)."),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder for the policy and its card; by default below the folder of runs.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 1,
    name: Annotated[str, typer.Option(help="Name of the run, for people.")] = "",
    on: On = "",
    workers: Annotated[
        int, typer.Option(help="With --on, from images: processes on the cluster that share the training.")
    ] = 1,
    detach: Annotated[bool, typer.Option("--detach", help="Work in the background; print the run's id.")] = False,
    record: Annotated[bool, typer.Option(help="Keep a run that can be watched, stopped and resumed.")] = True,
    checkpoint: Annotated[
        Path | None, typer.Option(help="With --no-record: save the state here, and continue from it.")
    ] = None,
    **options: Any,
) -> None:
    """Train a policy; Ctrl-C, SIGTERM or `stop` stops it, and `resume` continues it.

    From images also on several devices: torchrun --nproc-per-node N -m nat_core train …
    """
    from nat_core.learning.forms import form_for, started
    from nat_core.runs.request import Threads, Workers
    from nat_core.specification import check

    given = {key: value for key, value in options.items() if value is not None}
    form = form_for(space, given)
    config = form.config(space, form.accepted(given))
    check(Threads, threads, "threads")
    check(Workers, workers, "workers")
    if workers > 1 and not on:
        raise ValueError("--workers needs --on; on one machine, torchrun starts several processes")

    # What takes long to import comes after what can be wrong with the options.
    from nat_core.cli.several import followed
    from nat_core.learning.support.device import default_device
    from nat_core.runs.estimate import check_memory

    if not on:
        check_memory(config, str(default_device()))
    if "trainings" in given:
        print(form.working().told(config), file=sys.stderr)
    if followed(form.kind, detach):
        return
    command = shlex.join(["python", "-m", "nat_core", *sys.argv[1:]])
    if record:
        if checkpoint:
            raise ValueError("--checkpoint goes with --no-record only; a recorded run keeps its own checkpoints")
        _record(form, config, on, detach, output=output or "", command=command, preset=form.preset(started(given)),
                threads=threads, workers=workers, name=name, device="cpu" if on else str(default_device()))  # fmt: skip
        return
    if on:
        raise ValueError("--on needs a record; leave out --no-record")
    if output is None or detach:
        raise ValueError("--no-record needs --output, and works in the foreground only")
    _train_unrecorded(form, config, output, command, threads, checkpoint)


def _record(form: "Form", config: "Config", on: str, detach: bool, **settings: Any) -> None:
    from nat_core.cli.runs import follow_training, work_here
    from nat_core.runs.kinds import request_for
    from nat_core.runs.launcher import launch
    from nat_core.runs.processes import process
    from nat_core.runs.ray_launcher import on_cluster
    from nat_core.runs.tracking import open_tracking

    form.working().check(config)
    request = request_for(form.kind, config, **settings)
    tracking = open_tracking()
    if on or detach:
        run_id = launch(tracking, on_cluster(request, on, tracking) if on else request)
        print(run_id) if detach else follow_training(tracking, run_id)
        return
    run = tracking.create(request, owner=process())
    print(f"run {run.short_id} ({run.name})", file=sys.stderr)
    work_here(tracking, run)


def _train_unrecorded(
    form: "Form", config: "Config", output: Path, command: str, threads: int, checkpoint: Path | None
) -> None:
    import torch

    from nat_core.cli.progress import Progress, say
    from nat_core.learning.support.device import default_device
    from nat_core.learning.support.folders import check_folder
    from nat_core.learning.support.hooks import Hooks
    from nat_core.runs.kinds import work_of
    from nat_core.runs.processes import stop_signals

    check_folder(output)
    torch.set_num_threads(threads)
    steps, working = work_of(form.kind).steps(config), form.working()
    with stop_signals() as should_stop:
        hooks = Hooks(Progress(steps), should_stop, checkpoint, tell=say)
        trained = working.train(config, device=default_device(), hooks=hooks)
    print(file=sys.stderr)
    if not trained.finished:
        again = "the same command continues it" if checkpoint else "nothing was kept, since there was no --checkpoint"
        print(f"stopped after {trained.steps_done} of {steps} steps; {again}", file=sys.stderr)
        raise typer.Exit(130)
    print(working.publish(output, trained, command))

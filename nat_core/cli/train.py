"""The command `train`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nat_core.cli.app import app

if TYPE_CHECKING:
    from nat_core.cli.forms import Form
    from nat_core.runs.work import Config

Number = int | None
Text = str | None


@app.command()
def train(
    space: Annotated[
        str,
        typer.Option(help="nasbench201 (rewards from the benchmark's table), fully_concat or loose_end (from images)."),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder for the policy and its card; by default below the folder of runs.")
    ] = None,
    preset: Annotated[Text, typer.Option(help="Images: paper, cpu (hours on a CPU; the default) or smoke.")] = None,
    schedule: Annotated[Text, typer.Option(help="Images: alternate (the papers') or two-stage.")] = None,
    data: Annotated[Text, typer.Option(help="Images: a hub name, parquet files, an image folder, or sample.")] = None,
    epochs: Annotated[Number, typer.Option(help="Images: epochs of the shared weights.")] = None,
    batch: Annotated[Number, typer.Option(help="Images: per step of the shared weights, and at a time.")] = None,
    channels: Annotated[Number, typer.Option(help="Images: C, initial channels of the shared weights.")] = None,
    layers: Annotated[Number, typer.Option(help="Images: L, searched cells of the shared weights.")] = None,
    resolution: Annotated[Number, typer.Option(help="Images: side in pixels.")] = None,
    rounds: Annotated[Number, typer.Option(help="Images: rounds of the two-stage schedule.")] = None,
    reward_images: Annotated[Number, typer.Option(help="Images: per evaluation of an architecture.")] = None,
    recipe: Annotated[
        Text,
        typer.Option(help="nasbench201: group (ours) or authors (the papers' code); other spaces: trainings, minutes."),
    ] = None,
    data_set: Annotated[Text, typer.Option(help="nasbench201: the validation column that rewards.")] = None,
    cost: Annotated[
        Text, typer.Option(help="nasbench201: what the reward weighs: macs, or a device of the benchmark.")
    ] = None,
    policy_network: Annotated[Text, typer.Option(help="edge (ours) or gcn (the papers' form).")] = None,
    steps: Annotated[Number, typer.Option(help="The policy's gradient steps; images: per epoch or round.")] = None,
    seed: Annotated[Number, typer.Option(help="Of weights, batches and draws.")] = None,
    cost_weight: Annotated[
        float | None, typer.Option(help="λ: accuracy given up for the heaviest cell's cost.")
    ] = None,
    change_weight: Annotated[
        float | None, typer.Option(help="Recipe trainings: points that changing an edge must be worth.")
    ] = None,
    caution: Annotated[
        float | None, typer.Option(help="Recipe trainings: standard errors that a gain over a rule must be worth.")
    ] = None,
    searched_share: Annotated[
        float | None, typer.Option(help="Recipe trainings: share of the inputs that search shows an output for.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 1,
    name: Annotated[str, typer.Option(help="Of the run, for people.")] = "",
    detach: Annotated[bool, typer.Option("--detach", help="Work in the background; print the run's id.")] = False,
    record: Annotated[bool, typer.Option(help="Keep a run that can be watched, stopped and resumed.")] = True,
    checkpoint: Annotated[
        Path | None, typer.Option(help="With --no-record: save the state here, and continue from it.")
    ] = None,
) -> None:
    """Train a policy; Ctrl-C, SIGTERM or `stop` stops it, and `resume` continues it.

    From images also on several devices: torchrun --nproc-per-node N -m nat_core train …
    """
    from nat_core.cli.forms import form_for
    from nat_core.cli.several import followed
    from nat_core.learning.support.device import default_device
    from nat_core.runs.estimate import check_memory

    options = {
        "preset": preset, "schedule": schedule, "data": data, "epochs": epochs, "batch": batch, "channels": channels,
        "layers": layers, "resolution": resolution, "rounds": rounds, "reward_images": reward_images, "recipe": recipe,
        "data_set": data_set, "cost": cost, "policy_network": policy_network, "steps": steps, "seed": seed,
        "cost_weight": cost_weight, "change_weight": change_weight, "caution": caution,
        "searched_share": searched_share,
    }  # fmt: skip
    given = {key: value for key, value in options.items() if value is not None}
    form = form_for(space, given)
    config = form.config(space, form.accepted(given))
    if not 1 <= threads <= 1024:
        raise ValueError(f"threads is {threads}; accepted: 1 to 1024")
    check_memory(config, str(default_device()))
    if followed(form.kind, detach):
        return
    command = shlex.join(["python", "-m", "nat_core", *sys.argv[1:]])
    if record:
        if checkpoint:
            raise ValueError("--checkpoint goes with --no-record only; a recorded run keeps its own checkpoints")
        _record(form, config, detach, output=output or "", command=command, preset=form.preset(options),
                threads=threads, name=name, device=str(default_device()))  # fmt: skip
        return
    if output is None or detach:
        raise ValueError("--no-record needs --output, and works in the foreground only")
    _train_unrecorded(form, config, output, command, threads, checkpoint)


def _record(form: "Form", config: "Config", detach: bool, **settings: Any) -> None:
    from nat_core.cli.runs import work_here
    from nat_core.runs.kinds import request_for
    from nat_core.runs.launching import launch
    from nat_core.runs.processes import process
    from nat_core.runs.tracking import open_tracking

    form.check(config)
    request = request_for(form.kind, config, **settings)
    tracking = open_tracking()
    if detach:
        print(launch(tracking, request))
        return
    run = tracking.create(request, owner=process())
    print(f"run {run.short_id} ({run.name})", file=sys.stderr)
    work_here(tracking, run)


def _train_unrecorded(
    form: "Form", config: "Config", output: Path, command: str, threads: int, checkpoint: Path | None
) -> None:
    import torch

    from nat_core.cli.progress import Progress
    from nat_core.learning.support.device import default_device
    from nat_core.learning.support.folders import check_folder
    from nat_core.runs.kinds import work_of
    from nat_core.runs.processes import stop_signals

    check_folder(output)
    torch.set_num_threads(threads)
    steps = work_of(form.kind).steps(config)
    with stop_signals() as should_stop:
        trained = form.train(
            config, device=default_device(), progress=Progress(steps), should_stop=should_stop, checkpoint=checkpoint
        )
    print(file=sys.stderr)
    if not trained.finished:
        again = "the same command continues it" if checkpoint else "nothing was kept, since there was no --checkpoint"
        print(f"stopped after {trained.steps_done} of {steps} steps; {again}", file=sys.stderr)
        raise typer.Exit(130)
    print(form.publish(output, trained, command))

"""The command `train`."""

import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nat_core.cli.app import app

if TYPE_CHECKING:
    from nat_core.learning.config import TrainingConfig


@app.command()
def train(
    space: Annotated[str, typer.Option(help="nasbench201: rewards come from the benchmark's table.")],
    output: Annotated[
        Path | None, typer.Option(help="Folder for the policy and its card; by default below the folder of runs.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="group (ours) or authors (the papers' code).")] = "group",
    policy_network: Annotated[str | None, typer.Option(help="edge (ours) or gcn (the papers' form).")] = None,
    steps: Annotated[int | None, typer.Option(help="Gradient steps.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, batches and draws.")] = 0,
    data_set: Annotated[str, typer.Option(help="The benchmark's column that rewards.")] = "cifar10_valid",
    cost: Annotated[str, typer.Option(help="What the reward weighs: macs, or a device of the benchmark.")] = "macs",
    cost_weight: Annotated[float, typer.Option(help="λ: accuracy given up for the heaviest cell's cost.")] = 0.0,
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 1,
    name: Annotated[str, typer.Option(help="Of the run, for people.")] = "",
    detach: Annotated[bool, typer.Option("--detach", help="Work in the background; print the run's id.")] = False,
    record: Annotated[bool, typer.Option(help="Keep a run that can be watched, stopped and resumed.")] = True,
    checkpoint: Annotated[
        Path | None, typer.Option(help="With --no-record: save the state here, and continue from it.")
    ] = None,
) -> None:
    """Train a policy; Ctrl-C, SIGTERM or `stop` stops it, and `resume` continues it."""
    from nat_core.learning.device import default_device

    config = _config(
        space, recipe, policy_network, steps, seed=seed, data_set=data_set, cost=cost, cost_weight=cost_weight
    )
    command = shlex.join(["python", "-m", "nat_core", *sys.argv[1:]])
    if record:
        if checkpoint:
            raise ValueError("--checkpoint goes with --no-record only; a recorded run keeps its own checkpoints")
        _record(config, detach, output=output or "", command=command, preset=recipe, threads=threads, name=name,
                device=str(default_device()))  # fmt: skip
        return
    if output is None or detach:
        raise ValueError("--no-record needs --output, and works in the foreground only")
    _train_unrecorded(config, output, command, threads, checkpoint)


def _config(
    space: str, recipe: str, policy_network: str | None, steps: int | None, **changes: object
) -> "TrainingConfig":
    from nat_core.learning.config import RECIPES
    from nat_core.learning.policy import POLICY_CONFIGS

    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; accepted: {', '.join(RECIPES)}")
    if policy_network is not None:
        if policy_network not in POLICY_CONFIGS:
            raise ValueError(f"unknown policy network {policy_network!r}; accepted: {', '.join(POLICY_CONFIGS)}")
        changes["policy"] = POLICY_CONFIGS[policy_network]
    if steps is not None:
        changes["steps"] = steps
    return RECIPES[recipe](space=space, **changes)


def _record(config: "TrainingConfig", detach: bool, **settings: object) -> None:
    from nat_core.cli.runs import work_here
    from nat_core.learning.data import objective_of
    from nat_core.runs.kinds import request_for
    from nat_core.runs.launching import launch
    from nat_core.runs.processes import process
    from nat_core.runs.tracking import open_tracking

    objective_of(config)  # a space without a table is refused before a run is recorded
    request = request_for("train", config, **settings)
    tracking = open_tracking()
    if detach:
        print(launch(tracking, request))
        return
    run = tracking.create(request, owner=process())
    print(f"run {run.short_id} ({run.name})", file=sys.stderr)
    work_here(tracking, run)


def _train_unrecorded(
    config: "TrainingConfig", output: Path, command: str, threads: int, checkpoint: Path | None
) -> None:
    import torch

    from nat_core.learning.device import default_device
    from nat_core.learning.publish import publish
    from nat_core.learning.training import train as run
    from nat_core.runs.signals import stop_signals

    if not 1 <= threads <= 1024:
        raise ValueError(f"threads is {threads}; accepted: 1 to 1024")
    torch.set_num_threads(threads)
    device, progress = default_device(), Progress(config.steps)
    with stop_signals() as should_stop:
        trained = run(config, device=device, progress=progress, should_stop=should_stop, checkpoint=checkpoint)
    print(file=sys.stderr)
    if not trained.finished:
        again = "the same command continues it" if checkpoint else "nothing was kept, since there was no --checkpoint"
        print(f"stopped after {trained.steps_done} of {config.steps} steps; {again}", file=sys.stderr)
        raise typer.Exit(130)
    print(publish(output, trained, command))


class Progress:
    """One line on stderr that is rewritten: step, main figures, time left."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.began: tuple[float, int] | None = None

    def __call__(self, step: int, metrics: Mapping[str, float]) -> None:
        now = time.monotonic()
        self.began = self.began or (now, step)
        pace = (now - self.began[0]) / max(1, step - self.began[1])
        left = f"{pace * (self.steps - step):.0f} s left"
        named = {name.rpartition("/")[2]: value for name, value in metrics.items()}
        figures = ", ".join(text.format(named[name]) for name, text in _FIGURES.items() if name in named)
        lasting = not _LASTING.isdisjoint(named)
        if lasting or sys.stderr.isatty():
            end = "\n" if lasting or not sys.stderr.isatty() else "\r"
            print(f"step {step}/{self.steps}: {figures}, {left}   ", end=end, file=sys.stderr, flush=True)


_FIGURES = {
    "gain": "mean gain {:+.2f} points",
    "entropy": "entropy {:.2f}",
    "held_out_gain": "held-out gain {:+.2f}",
    "loss": "loss {:.3f}",
    "training_accuracy": "training accuracy {:.1f} %",
    "accuracy": "accuracy {:.2f} %",
}
# Of these a line stays.
_LASTING = frozenset({"held_out_gain", "accuracy"})

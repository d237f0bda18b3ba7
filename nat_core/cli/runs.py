"""The commands around runs: `runs`, `stop`, `resume`, and the hidden one that a run's process executes."""

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from nat_core.cli.app import AsJson, app

if TYPE_CHECKING:
    from collections.abc import Callable

    from nat_core.runs.run import Run
    from nat_core.runs.tracking import Tracking
    from nat_core.runs.worker import Listener

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's name, or the beginning of its id.")]


@app.command()
def runs(as_json: AsJson = False) -> None:
    """List the runs, the newest first: state, progress, time left, best and last gain (points) or accuracy (%)."""
    from nat_core.runs.kinds import measure_of
    from nat_core.runs.tracking import open_tracking

    found = open_tracking().runs()
    if as_json:
        for run in found:
            print(json.dumps(run.to_dict(measure_of(run.request.kind))))
        return
    rows = [_HEADINGS, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def stop(run: RunName) -> None:
    """Stop a run: it saves and ends, and `resume` continues it."""
    from nat_core.runs.launcher import stop
    from nat_core.runs.tracking import open_tracking

    tracking = open_tracking()
    found = tracking.find(run)
    state = stop(tracking, found.id)
    print(f"run {found.label} is {state}", file=sys.stderr)


@app.command()
def resume(
    run: RunName,
    detach: Annotated[bool, typer.Option("--detach", help="Work in the background; print the run's id.")] = False,
) -> None:
    """Continue a run that was stopped, failed or got lost, exactly where its last checkpoint is."""
    from nat_core.cli.several import followed
    from nat_core.runs import launcher
    from nat_core.runs.processes import process
    from nat_core.runs.tracking import open_tracking

    if followed(detach=detach):
        return
    tracking = open_tracking()
    found = tracking.find(run)
    if detach or found.request.cluster:
        launcher.resume(tracking, found.id)
        print(found.id) if detach else follow_training(tracking, found.id)
        return
    launcher.requeue(tracking, found.id, owner=process())
    work_here(tracking, found)


@app.command(hidden=True)
def work(run: str) -> None:
    """Do a queued run; what `train --detach` starts."""
    from nat_core.runs.tracking import open_tracking
    from nat_core.runs.worker import execute

    execute(open_tracking(), run)


def work_here(tracking: "Tracking", run: "Run", listener: "Listener | None" = None) -> None:
    """Does a queued run in the foreground and prints what came out, unless a `listener` does."""
    from nat_core.cli.progress import Progress
    from nat_core.runs.kinds import work_of
    from nat_core.runs.run import State
    from nat_core.runs.worker import execute

    state = execute(tracking, run.id, listener or Progress(run.steps))
    if state is State.STOPPED:
        _say_stopped(tracking.get(run.id))
    if listener is None:
        print(work_of(run.request.kind).outcome(tracking, run))


def follow(tracking: "Tracking", run_id: str, watch: "Callable[[Run], None]" = lambda run: None) -> "Run":
    """Show the progress of a run on a cluster until it has ended; call `watch` with the run again and again.

    Raises:
        OSError: the run failed or was lost.
    """
    from nat_core.cli.progress import LASTING, Progress
    from nat_core.runs.run import State

    run = tracking.get(run_id)
    print(f"run {run.short_id} ({run.name}) on {run.request.cluster}", file=sys.stderr)
    progress, shown = Progress(run.steps), -1
    try:
        while True:
            run = tracking.get(run_id)
            watch(run)
            if run.step > shown:
                shown = run.step
                named = (run.metrics or {}).items()
                progress(shown, {name: value for name, value in named if name not in LASTING})
            if not run.active:
                break
            time.sleep(_FOLLOW_SECONDS)
    except KeyboardInterrupt:
        print(f"\nthe run goes on in the cluster; `stop {run.short_id}` stops it", file=sys.stderr)
        raise typer.Exit(130) from None
    if run.state is State.STOPPED:
        _say_stopped(run)
    if run.state is not State.FINISHED:
        raise OSError(f"the run {run.short_id} ({run.name}) is {run.state}: {run.error or 'its job is gone'}")
    return run


def follow_training(tracking: "Tracking", run_id: str) -> None:
    """Show a cluster's run until it ends, fetch its results, and print where they are."""
    from nat_core.runs.artifacts import fetch_policy
    from nat_core.runs.kinds import trains_a_policy, work_of
    from nat_core.runs.results import fetch_results

    run = follow(tracking, run_id)
    fetch = fetch_policy if trains_a_policy(run) else fetch_results
    fetch(tracking, run)
    print(work_of(run.request.kind).outcome(tracking, run))


def _say_stopped(run: "Run") -> None:
    print(f"\nstopped at step {run.step} of {run.steps}; `resume {run.short_id}` continues it", file=sys.stderr)
    raise typer.Exit(130)


_FOLLOW_SECONDS = 1.0
_HEADINGS = ("run", "name", "kind", "state", "progress", "left", "best", "last", "elapsed", "device")


def _row(run: "Run") -> tuple[str, ...]:
    from nat_core.runs.run import State

    eta = run.eta_seconds if run.state is State.RUNNING else None
    return (
        run.short_id,
        run.name,
        run.request.kind,
        str(run.state),
        f"{run.step}/{run.steps}",
        "" if eta is None else _duration(eta),
        _figure(run, run.best),
        _figure(run, run.last),
        _duration(run.elapsed_seconds),
        run.request.device,
    )


def _figure(run: "Run", value: float | None) -> str:
    """A gain in points, which has a sign, or an accuracy in percent."""
    from nat_core.runs.kinds import measure_of

    if value is None:
        return ""
    return f"{value:.2f} %" if measure_of(run.request.kind) == "accuracy_percent" else f"{value:+.2f}"


def _duration(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) if seconds < 86_400 else f"{seconds / 86_400:.1f} days"

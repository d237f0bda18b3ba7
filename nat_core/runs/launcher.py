"""Launching, stopping, resuming and deleting runs from outside their processes.

A `Launcher` only starts and ends processes in one place. Whether a run is queued, asked to stop or lost is in the
record, where the process also finds its work.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlparse

from nat_core.demo import refuse_if_public
from nat_core.paths import PROJECT
from nat_core.runs.artifacts import Snapshots, checkpoints_of
from nat_core.runs.processes import Process, process
from nat_core.runs.request import Request
from nat_core.runs.run import RESUMABLE, Run, State, owner_facts
from nat_core.runs.tracking import Tracking

GRACE_SECONDS = 30.0
PROGRAM = (sys.executable, "-m", "nat_core")


class Launcher(Protocol):
    """Starts and ends the processes of runs in one place."""

    def start(self, tracking: Tracking, run: Run) -> Process | None:
        """Start ``python -m nat_core work ID`` for a queued run; return the process if it is known at once.

        Raises:
            OSError: no process can be started.
        """
        ...

    def why_not_stopped(self, run: Run) -> str:
        """Return one sentence if the process of a running run cannot be reached from here, else ""."""
        ...

    def stop(self, run: Run, at_once: bool = False) -> None:
        """Ask the run's process to save and end, or kill it if `at_once`. It is no error if the process is gone."""
        ...

    def is_at_work(self, run: Run) -> bool:
        """Whether the run's process exists."""
        ...


class LocalLauncher:
    """The queue on this machine: one process per run, which waits in `worker` until its device is free."""

    def start(self, tracking: Tracking, run: Run) -> Process:
        surroundings = {
            **os.environ,
            "NAT_LAB_RUNS": str(tracking.folders.root),
            "MLFLOW_TRACKING_URI": tracking.uri,
            "PYTHONUNBUFFERED": "1",
        }
        with tracking.folders.log(run.id).open("ab") as log:
            started = subprocess.Popen(
                [*PROGRAM, "work", run.id],
                cwd=PROJECT,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        owner = process(started.pid)  # read before waiting: until then, even an ended process has an entry
        threading.Thread(target=started.wait, daemon=True).start()  # so that it does not become a zombie
        return owner

    def why_not_stopped(self, run: Run) -> str:
        return f"it works on {run.process.host} and can be stopped only there" if run.process and run.is_far else ""

    def stop(self, run: Run, at_once: bool = False) -> None:
        if run.process is not None:
            run.process.signal(signal.SIGKILL if at_once else signal.SIGTERM)

    def is_at_work(self, run: Run) -> bool:
        return run.process is not None and bool(run.process.alive)


def launcher_of(run: Run) -> Launcher:
    """Return the launcher that starts and ends the process of this run."""
    if not run.request.cluster:
        return LocalLauncher()
    from nat_core.runs.ray_launcher import RayLauncher

    return RayLauncher()


def launch(tracking: Tracking, request: Request) -> str:
    """Start a run in a process that outlives this one; return the run's id.

    The run is recorded as queued before its process exists.

    Raises:
        OSError: no process can be started; the run is recorded as failed.
    """
    refuse_if_public("launching a run")
    run = tracking.create(request)
    _start(tracking, run)
    return run.id


def requeue(tracking: Tracking, run_id: str, owner: Process | None = None) -> None:
    """Queue an unfinished run again; `owner` is the process that will do it, if known.

    Raises:
        ValueError: the run is finished or running, or its checkpoint is not here.
    """
    refuse_if_public("resuming a run")
    run = tracking.get(run_id)
    if run.state not in RESUMABLE:
        reason = "there is nothing left to do" if run.state is State.FINISHED else "it is at work already"
        accepted = ", ".join(sorted(RESUMABLE))
        raise ValueError(f"the run {run.label} is {run.state}: {reason}; resumable are: {accepted}")
    if reason := why_not_resumed(tracking, run):
        raise ValueError(f"the run {run.label} is {run.state}, but {reason}")
    tracking.transition(run_id, State.QUEUED, facts=owner_facts(owner))


def why_not_stopped(run: Run) -> str:
    """Return one sentence if a running run cannot be stopped from this machine, else ""."""
    return launcher_of(run).why_not_stopped(run) if run.active else ""


def why_not_resumed(tracking: Tracking, run: Run) -> str:
    """Return one sentence if an unfinished run cannot be resumed from this folder of runs, else ""."""
    if run.state not in RESUMABLE or run.request.storage or not tracking.is_elsewhere(run):
        return ""
    return f"its checkpoint is in {run.place}, and it can be resumed only there"


def resume(tracking: Tracking, run_id: str) -> None:
    """Resume a run from its checkpoint, in a new process under the same id. Raises ValueError like `requeue`."""
    requeue(tracking, run_id)
    _start(tracking, tracking.get(run_id))


def stop(tracking: Tracking, run_id: str, grace_seconds: float = GRACE_SECONDS, wait: bool = True) -> State:
    """Ask a run to save and end; kill its process if it does not.

    Args:
        tracking: where the run is recorded.
        run_id: id of an active run.
        grace_seconds: after this time, counted from the first request, the process is killed.
        wait: whether to wait for the end here; otherwise a thread of this process waits.

    Returns:
        The run's state afterwards.

    Raises:
        ValueError: the run is not active, or its process is on another host.
    """
    refuse_if_public("stopping a run")
    run = tracking.get(run_id)
    if not run.active:
        raise ValueError(f"the run {run.label} is {run.state}; only a run at work can be stopped")
    if reason := why_not_stopped(run):
        raise ValueError(f"the run {run.label} is {run.state}, but {reason}")
    if run.state is not State.STOPPING:
        tracking.transition(run_id, State.STOPPING)
        run = tracking.get(run_id)
    launcher_of(run).stop(run)
    asked = float(tracking.fact(run_id, f"{State.STOPPING}_at") or time.time())
    if wait:
        _see_to_the_end(tracking, run, asked + grace_seconds)
    else:
        threading.Thread(target=_see_to_the_end, args=(tracking, run, asked + grace_seconds), daemon=True).start()
    return tracking.get(run_id).state


def delete(tracking: Tracking, run_id: str) -> None:
    """Delete a run: its record, checkpoints, log, stored results and policies, but not an output folder that was asked
    for.

    Raises:
        ValueError: the run is active.
    """
    refuse_if_public("deleting a run")
    with tracking.changing(run_id) as run:
        if run.active:
            raise ValueError(f"the run {run.label} is {run.state}; stop it before deleting it")
        stored = urlparse(tracking.client.get_run(run_id).info.artifact_uri)
        tracking.delete(run_id)
        _delete_files(tracking, run)
        folder = Path(unquote(stored.path)).parent
        if stored.scheme in ("", "file") and folder.name == run_id:
            shutil.rmtree(folder, ignore_errors=True)
    tracking.folders.forget_run_lock(run_id)


def _delete_files(tracking: Tracking, run: Run) -> None:
    folders = tracking.folders
    checkpoints_of(folders, run).delete()
    folders.log(run.id).unlink(missing_ok=True)
    Snapshots.of(folders, run).delete()
    shutil.rmtree(folders.policy(run.id), ignore_errors=True)


def _start(tracking: Tracking, run: Run) -> None:
    refuse_if_public("starting a process")
    try:
        owner = launcher_of(run).start(tracking, run)
    except OSError as error:
        tracking.transition(run.id, State.FAILED, f"no process could be started ({error})")
        raise
    if owner is not None:
        tracking.attach(run.id, owner)


def _see_to_the_end(tracking: Tracking, run: Run, deadline: float) -> None:
    launcher, deaf = launcher_of(run), False
    while launcher.is_at_work(run):
        if deaf := time.time() > deadline:
            launcher.stop(run, at_once=True)
        time.sleep(0.1)
    if tracking.get(run.id).recorded is State.STOPPING:
        tracking.settle(run.id, "its process had to be ended; the last checkpoint is kept" if deaf else "")

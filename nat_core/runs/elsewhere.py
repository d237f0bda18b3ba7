"""Runs of a shared record whose files are not here: another machine does them, or this one in another folder.

Their curves and the last lines of their log are in the record; their checkpoints and whole log are where they work.
"""

from nat_core.runs.run import Run
from nat_core.runs.states import RESUMABLE
from nat_core.runs.tracking import Tracking


def is_elsewhere(tracking: Tracking, run: Run) -> bool:
    """Whether a run that has begun left neither log nor checkpoint in this folder of runs."""
    folders = tracking.folders
    return run.process is not None and not (folders.log(run.id).exists() or folders.checkpoints(run.id).exists())


def place(run: Run) -> str:
    """Where a run's files are, as it noted: ``/srv/runs on gpu-7``; without the machine's name if that is this one."""
    folder = run.folder or "another folder of runs"
    return folder if run.process is None or run.process.is_here else f"{folder} on {run.process.host}"


def why_not_stopped(run: Run) -> str:
    """One sentence if a run at work cannot be stopped from this machine, else ""."""
    if not run.active or run.process is None or run.process.is_here:
        return ""
    return f"it works on {run.process.host} and can be stopped only there"


def why_not_resumed(tracking: Tracking, run: Run) -> str:
    """One sentence if a run that did not finish cannot be continued from this folder of runs, else ""."""
    if run.state not in RESUMABLE or not is_elsewhere(tracking, run):
        return ""
    return f"its checkpoint is in {place(run)}, and it can be resumed only there"

"""The details of one run: state, log and settings."""

import time
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from nat_core.architecture.spaces import SPACES
from nat_core.learning.policies.checkpoint import list_policies
from nat_core.paths import PRETRAINED
from nat_core.runs.kinds import trains_a_policy
from nat_core.runs.launcher import why_not_resumed, why_not_stopped
from nat_core.runs.run import Run, State
from nat_core.runs.tracking import Tracking
from nat_core.runs.worker import errors_of
from ui import notices
from ui.text import plain, sentence
from ui.train import parallel
from ui.train.curves import differing
from ui.train.words import duration, gigabytes, runnable
from ui.view import fitting_cell, open_in_transform

_MUCH_WAITING = 50  # percent of the time
_LOG_LINES, _ERROR_LINES, _LAST_WORDS = 60, 20, 5


def status(tracking: Tracking, run: Run, ahead: Sequence[Run]) -> None:
    """Show the run's state in a line, its error, its process's usage, and what cannot be done from here."""
    limit = why_not_stopped(run) or why_not_resumed(tracking, run)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(run.name)}** · {_doing(run, ahead, resumable=not limit)}", width="content")
        _use(tracking, run)
    if run.error:
        notices.problem(run.error)
    if run.active or run.state is State.LOST:
        st.caption(_usage(run))
    if run.state is State.LOST and (lines := tracking.log_lines(run.id, _LAST_WORDS)):
        st.code("\n".join(lines), language=None, wrap_lines=True)
    if limit:
        st.caption(plain(sentence(limit)))


def _use(tracking: Tracking, run: Run) -> None:
    """Return the link that opens Transform with a finished run's policy, once the policy can be chosen."""
    if run.state is not State.FINISHED or not trains_a_policy(run):
        return
    known = list_policies((PRETRAINED, *tracking.folders.policy_roots))
    name = next((name for name, path in known.items() if path == tracking.folders.policy(run.id)), None)
    if name is not None:
        open_in_transform("Use on Transform", fitting_cell(SPACES[run.request.space]), policy=name)


def _doing(run: Run, ahead: Sequence[Run], resumable: bool) -> str:
    state = run.state
    done = f"step {run.step:,} of {run.steps:,}"
    if state is State.QUEUED and run.request.cluster:
        return f"queued: waits for room in the Ray cluster at {plain(run.request.cluster)}"
    if state is State.QUEUED:
        if not ahead:
            return "queued, starting"
        return f"queued: waits for {run.request.device}, {len(ahead)} before it ({plain(ahead[0].name)})"
    if state is State.RUNNING:
        left = f", about {duration(run.eta_seconds)} left" if run.eta_seconds is not None else ""
        return f"running, {done}{left}{_pace(run)}"
    if state is State.LOST:
        return f"lost at {done}: its process is gone{'; Resume continues from its last checkpoint' * resumable}"
    if state is State.STOPPED:
        return f"stopped at {done}{'; Resume continues it' * resumable}"
    if state is State.FINISHED and run.best is not None and not trains_a_policy(run):
        return f"finished, {done}, {run.best:.2f} %"
    return "stopping, saves first" if state is State.STOPPING else f"{state}, {done}"


def _pace(run: Run) -> str:
    """Show images per second, the time spent waiting for them, and the number of unreadable ones, if reported."""
    metrics = {name.rpartition("/")[2]: value for name, value in (run.metrics or {}).items()}
    if "images_per_second" not in metrics:
        return ""
    waiting, broken = metrics.get("waiting_percent", 0.0), metrics.get("broken_images", 0.0)
    said = f", {metrics['images_per_second']:,.0f} images/s, {waiting:.0f} % of the time waiting for images"
    said += ": reading and decoding them is the limit" if waiting > _MUCH_WAITING else ""
    return said + (f"; {broken:.0f} broken image{'s' * (broken != 1)} skipped" if broken else "")


def _usage(run: Run) -> str:
    """Show the usage of processor, memory and GPU, and when it was reported."""
    usage = run.usage
    if usage is None:
        return "Its process has not reported yet."
    parts = [f"CPU {usage['cpu_percent']:.0f} % of one core", f"memory {gigabytes(usage['memory_bytes'])}"]
    if usage["gpu_memory_bytes"] is not None:
        parts.append(f"GPU memory {gigabytes(usage['gpu_memory_bytes'])}")
    if usage["gpu_percent"] is not None:
        parts.append(f"GPU {usage['gpu_percent']:.0f} %")
    where = f" on {run.process.host}" if run.process and run.is_far else ""
    ago = max(0.0, time.time() - run.heartbeat)
    return f"{', '.join(parts)}{where}; last sign of life {duration(ago)} ago."


def log(tracking: Tracking, run: Run) -> None:
    """Show the log: errors first, then the last lines."""
    lines = tracking.log_lines(run.id, 2000)
    if not lines:
        st.caption("There is no log yet.")
        return
    if errors := errors_of(lines):
        st.markdown("**Errors**")
        st.code("\n".join(errors[-_ERROR_LINES:]), language=None, wrap_lines=True)
    st.markdown(f"**Last lines** of {len(lines)}" if len(lines) < 2000 else "**Last lines**")
    st.code("\n".join(lines[-_LOG_LINES:]), language=None, wrap_lines=True, height=420)
    if tracking.is_elsewhere(run):
        st.caption(f"These are the lines that its record has; the whole log is in {plain(run.place)}.")


def settings(runs: Sequence[Run]) -> None:
    """Show the configuration; for several runs, only the differences, side by side."""
    if len(runs) == 1:
        run = runs[0]
        st.code(runnable(run.request.whole.command) or "no command line", language="bash", wrap_lines=True)
        frame = pd.DataFrame(run.request.parameters().items(), columns=["Setting", "Value"])
    else:
        columns = {f"{run.name} ({run.short_id})": found for run, found in zip(runs, differing(runs), strict=True)}
        frame = pd.DataFrame(columns).rename_axis("Setting").reset_index()
        if frame.empty:
            st.caption("These runs have the same settings.")
            return
        parallel.show(runs)
    st.dataframe(frame, hide_index=True, height="content" if len(frame) <= 20 else 600)

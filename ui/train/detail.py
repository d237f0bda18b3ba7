"""One run: what it is doing, its log, settings and files."""

import csv
import io
import json
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from nat_core.runs.logs import errors_of
from nat_core.runs.run import Run
from nat_core.runs.states import State
from nat_core.runs.tracking import Tracking
from ui import notices
from ui.text import plain
from ui.train.curves import differing
from ui.train.words import duration, gigabytes

_LOG_LINES = 60
_QUALITY = {"held_out_gain": "held-out gain", "macs_ratio": "MACs ratio"}


def status(run: Run, ahead: Sequence[Run]) -> None:
    """The run's state in a line, its error, and what its process takes."""
    st.markdown(f"**{plain(run.name)}** · {_doing(run, ahead)}")
    if run.error:
        notices.problem(run.error)
    if run.active or run.state is State.LOST:
        st.caption(_usage(run))


def _doing(run: Run, ahead: Sequence[Run]) -> str:
    state = run.state
    done = f"step {run.step:,} of {run.steps:,}"
    if state is State.QUEUED:
        if not ahead:
            return "queued, starting"
        return f"queued: waits for {run.request.device}, {len(ahead)} before it ({plain(ahead[0].name)})"
    if state is State.RUNNING:
        left = f", about {duration(run.eta_seconds)} left" if run.eta_seconds is not None else ""
        return f"running, {done}{left}"
    if state is State.LOST:
        return f"lost at {done}: its process is gone; Resume continues from its last checkpoint"
    texts = {State.STOPPING: "stopping, saves first", State.STOPPED: f"stopped at {done}; Resume continues it"}
    return texts.get(state, f"{state}, {done}")


def _usage(run: Run) -> str:
    """Of processor, memory and GPU, and when that was said."""
    usage = run.usage
    if usage is None:
        return "Its process has not reported yet."
    parts = [f"CPU {usage['cpu_percent']:.0f} % of one core", f"memory {gigabytes(usage['memory_bytes'])}"]
    if usage["gpu_memory_bytes"] is not None:
        parts.append(f"GPU memory {gigabytes(usage['gpu_memory_bytes'])}")
    if usage["gpu_percent"] is not None:
        parts.append(f"GPU {usage['gpu_percent']:.0f} %")
    where = f" on {run.process.host}" if run.process is not None and not run.process.is_here else ""
    ago = max(0.0, time.time() - run.heartbeat)
    return f"{', '.join(parts)}{where}; last sign of life {duration(ago)} ago."


def log(tracking: Tracking, run: Run) -> None:
    """Errors first, then the last lines."""
    lines = tracking.log_lines(run.id, 2000)
    if not lines:
        st.caption("There is no log yet.")
        return
    if errors := errors_of(lines):
        st.markdown("**Errors**")
        st.code("\n".join(errors[-_LOG_LINES:]), language=None, wrap_lines=True)
    st.markdown(f"**Last lines** of {len(lines)}" if len(lines) < 2000 else "**Last lines**")
    st.code("\n".join(lines[-_LOG_LINES:]), language=None, wrap_lines=True, height=420)


def settings(runs: Sequence[Run]) -> None:
    """The configuration; of several runs, only what differs, side by side."""
    if len(runs) == 1:
        run = runs[0]
        st.code(run.request.command or "no command line", language="bash", wrap_lines=True)
        frame = pd.DataFrame(run.request.parameters().items(), columns=["Setting", "Value"])
    else:
        columns = {f"{run.name} ({run.short_id})": found for run, found in zip(runs, differing(runs), strict=True)}
        frame = pd.DataFrame(columns).rename_axis("Setting").reset_index()
        if frame.empty:
            st.caption("These runs have the same settings.")
            return
    st.dataframe(frame, hide_index=True, height="content" if len(frame) <= 20 else 600)


def files(tracking: Tracking, run: Run) -> None:
    """Downloads: configuration, metrics, log, policy, shared weights."""
    output = tracking.output_of(run)
    with st.container(horizontal=True):
        _download("Configuration", lambda: json.dumps(dict(run.config), indent=2), f"{run.name}.json",
                  "application/json")  # fmt: skip
        _download("Metrics as CSV", lambda: metrics_csv(tracking, run), f"{run.name}.csv", "text/csv")
        _download("Log", lambda: "\n".join(tracking.log_lines(run.id, 10**6)), f"{run.name}.log", "text/plain")
        policy = policy_folder(tracking, run)
        if policy is not None:
            _download("Policy", lambda: _zip(policy, _POLICY), f"{run.name}-policy.zip", "application/zip")
        if (output / _SUPERNET[0]).is_file():
            _download("Shared weights", lambda: _zip(output, _SUPERNET), f"{run.name}-supernet.zip", "application/zip")
    if policy is None:
        st.caption("Its policy can be downloaded after the first checkpoint.")
    else:
        latest = "" if run.state is State.FINISHED else " It is the latest checkpoint's."
        st.caption(f"The policy is in {plain(policy)}.{latest}")


_POLICY = ("policy.safetensors", "card.json")
_SUPERNET = ("supernet.safetensors", "supernet.json")


def policy_folder(tracking: Tracking, run: Run) -> Path | None:
    """Of the finished policy, else of the latest checkpoint's; None before there is one here."""
    places = (tracking.output_of(run), tracking.snapshots_of(run).latest)
    candidates = places[:1] if run.state is State.FINISHED else places[1:]
    return next((place for place in candidates if all((place / name).is_file() for name in _POLICY)), None)


def metrics_csv(tracking: Tracking, run: Run) -> str:
    """Every point of every metric: metric, step, value."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("metric", "step", "value"))
    for name, points in sorted(tracking.points(run.id).items()):
        writer.writerows((name, step, value) for step, value in points)
    return text.getvalue()


def _zip(folder: Path, names: Sequence[str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.write(folder / name, name)
    return held.getvalue()


def _download(label: str, data, name: str, mime: str) -> None:
    st.download_button(label, data, name, mime, on_click="ignore", icon=":material/download:", key=f"train-get-{label}")

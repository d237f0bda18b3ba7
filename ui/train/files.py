"""A run's files: configuration, metrics, log, policy and trained cells to download; its policy to use here."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from nat_core.learning.policies.archive import packed
from nat_core.learning.policies.checkpoint import list_policies
from nat_core.learning.scratch.config import EvaluationConfig
from nat_core.learning.scratch.measured import MeasuredResult, read_measured
from nat_core.runs.artifacts import fetch_policy, is_known
from nat_core.runs.kinds import trains_a_policy
from nat_core.runs.kinds.evaluation import results_of
from nat_core.runs.results import fetch_results
from nat_core.runs.run import Run, State
from nat_core.runs.tracking import Tracking
from ui import notices
from ui.text import plain
from ui.train import own_trainings


def show(tracking: Tracking, run: Run) -> None:
    """Draw the downloads: configuration, metrics, log, policy, and the trained cells that it learned from."""
    with st.container(horizontal=True):
        _download("Configuration", lambda: json.dumps(dict(run.config), indent=2), f"{run.name}.json",
                  "application/json")  # fmt: skip
        _download("Metrics as CSV", lambda: metrics_csv(tracking, run), f"{run.name}.csv", "text/csv")
        _download("Log", lambda: "\n".join(tracking.log_lines(run.id, 10**6)), f"{run.name}.log", "text/plain")
        policy = policy_folder(tracking, run)
        if policy is not None:
            _download("Policy", lambda: packed(policy), f"{run.name}.zip", "application/zip",
                      "With its card and what evaluates its outputs; Transform takes it, and --policy.")  # fmt: skip
        for number, path in enumerate(own_trainings.files_of(run), start=1):
            _download(f"Trained cells {number}", path.read_bytes, path.name, "application/octet-stream",
                      "The table that this policy learned from.")  # fmt: skip
    if run.state is State.FINISHED and trains_a_policy(run) and not is_known(tracking, run):
        _bring(tracking, run)
    elif not trains_a_policy(run):
        _results(tracking, run)
    elif policy is None:
        st.caption(_why_no_policy(tracking, run))
    else:
        latest = "" if run.state is State.FINISHED else " It is the latest checkpoint's."
        asked = f" A copy is in {plain(run.request.output)}." if run.request.output and not latest else ""
        st.caption(f"The policy is in {plain(policy)}.{latest}{asked}")


def _why_no_policy(tracking: Tracking, run: Run) -> str:
    if tracking.is_elsewhere(run):
        return f"Its checkpoints are in {plain(run.place)}; its policy can be fetched when it has finished."
    return "Its policy can be downloaded after the first checkpoint."


def _results(tracking: Tracking, run: Run) -> None:
    """Return the results so far; results of a cluster are added to the table of this folder of runs."""
    config, table = EvaluationConfig.from_dict(run.config), tracking.folders.measured
    found = results_of(config, read_measured(table))
    if run.request.cluster and len(found) < len(config.jobs) and fetch_results(tracking, run, found):
        found = results_of(config, read_measured(table))
    st.caption(
        f"{len(found)} of {len(config.jobs)} trainings have been evaluated; Compare shows their accuracies, too."
    )
    rows = [(item.architecture or item.genotype, item.seed, item.accuracy) for _, item in sorted(found.items())]
    frame = pd.DataFrame(rows, columns=["Architecture", "Seed", "Accuracy, %"])
    st.dataframe(frame, hide_index=True, height="content" if len(frame) <= 20 else 600)
    _download("Trained cells", lambda: trained_cells_csv(found), f"{run.name}-trained.csv", "text/csv",
              "A table that `train --recipe trainings` learns from.")  # fmt: skip


def _bring(tracking: Tracking, run: Run) -> None:
    """Offer a finished policy that Transform does not list yet."""
    st.caption("Its policy is not among those on Transform yet; its record has a copy.")
    if st.button("Use it here", key=f"train-bring-{run.id}", icon=":material/input:"):
        try:
            fetch_policy(tracking, run)
        except (ValueError, OSError) as error:
            notices.problem(error)
            return
        st.rerun()


def policy_folder(tracking: Tracking, run: Run) -> Path | None:
    """Return the folder of the finished policy, or else of the latest checkpoint's; None if neither is here."""
    folders = tracking.folders
    place = folders.policy(run.id) if run.state is State.FINISHED else folders.latest_of(run.id)
    return place if list_policies(place) else None


def trained_cells_csv(found: Mapping[int, MeasuredResult]) -> str:
    """Return a run's results as a table of trained cells for `train --trainings`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("genotype", "accuracy", "budget", "seed"))
    for _, item in sorted(found.items()):
        writer.writerow((item.genotype, item.accuracy, item.budget, item.seed))
    return text.getvalue()


def metrics_csv(tracking: Tracking, run: Run) -> str:
    """Return all points of all metrics: metric, step, value."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("metric", "step", "value"))
    for name, points in sorted(tracking.points(run.id).items()):
        writer.writerows((name, step, value) for step, value in points)
    return text.getvalue()


def _download(label: str, data, name: str, mime: str, help: str | None = None) -> None:
    st.download_button(
        label, data, name, mime, on_click="ignore", icon=":material/download:", key=f"train-get-{label}", help=help
    )

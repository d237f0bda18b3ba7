"""The visitor's tables of trained cells as rewards: upload, summary, and cross-validated predictions."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from nat_core.demo import refuse_if_public
from nat_core.learning.accuracies.own_trainings import model_of_files
from nat_core.learning.accuracies.trained_cells import read_trained
from nat_core.learning.accuracies.trainings_fit import NETWORK_FROM, Predicted
from nat_core.learning.support.files import write_bytes
from nat_core.learning.training.config import RECIPES, TRAININGS
from nat_core.learning.training.data import read_in_words
from nat_core.options import changed
from nat_core.runs.run import Run
from ui import notices

OPTION = "trainings"
_SUFFIXES = ["csv", "parquet", "json"]


def upload(folder: Path, space: str) -> None:
    """Draw the upload; files are stored in `folder` under names derived from their content."""
    given = st.file_uploader(
        "Your trained cells",
        _SUFFIXES,
        accept_multiple_files=True,
        key="train_upload",
        help="CSV or parquet with the columns genotype and accuracy (perhaps budget and seed), or LaNAS' trace as "
        "JSON. Without any, the shipped model rewards.",
    )
    if given:
        st.session_state[_KEY] = [_kept(folder, file.name, file.getvalue()) for file in given]
    elif "train_upload" in st.session_state and st.session_state.get(_UPLOADED):
        st.session_state[_KEY] = []
    st.session_state[_UPLOADED] = bool(given)
    if files():
        _described(space)


def files() -> list[Path]:
    """Return the files that the next run will learn from."""
    return list(st.session_state.get(_KEY, ()))


def files_of(run: Run) -> list[Path]:
    """Return the files that a run has learned from, as far as they are on this machine."""
    reward = run.config.get("reward")
    named = reward.get(OPTION) or () if isinstance(reward, Mapping) else ()
    return [path for path in map(Path, named) if path.is_file()]


def put(paths: Iterable[str]) -> None:
    """Use the files of another run."""
    st.session_state[_KEY] = [Path(path) for path in paths]


def _kept(folder: Path, name: str, content: bytes) -> Path:
    """Store the content in a file named after its hash, so that the same upload gives the same file."""
    refuse_if_public("keeping an upload")
    folder.mkdir(parents=True, exist_ok=True)
    suffix = Path(name).suffix.lower()
    digest = hashlib.sha256(content).hexdigest()[:12]
    stem = "".join(letter for letter in Path(name).stem[:40] if letter.isalnum() or letter in "-_") or "trainings"
    path = folder / f"{stem}-{digest}{suffix}"
    if not path.exists():
        write_bytes(path, content)
    return path


def _described(space: str) -> None:
    """Show what was read, and how well cells of other topologies are predicted, unless that would take minutes."""
    try:
        count = sum(len(table) for path in files() for table in read_trained(path))
        if count >= NETWORK_FROM:
            st.caption(
                f"{count:,} trained cells were read; how well they can be predicted is found when the run starts."
            )
            return
        with st.spinner("Fitting…"):
            _, predicted = model_of_files(tuple(files()), space)
        st.caption(read_in_words(changed(replace(RECIPES[TRAININGS], space=space), {OPTION: files()})))
        st.plotly_chart(scatter(predicted), key="train_trainings_chart")
    except ValueError as error:
        notices.problem(error)


def scatter(predicted: Predicted) -> go.Figure:
    """Predicted against measured accuracies of cells left out of the fit, with standard errors."""
    figure = go.Figure(
        go.Scatter(
            x=predicted.measured, y=predicted.predicted, mode="markers", name="left-out cells",
            error_y={"array": predicted.errors, "thickness": 0.5, "width": 0}, marker={"size": 5},
        )
    )  # fmt: skip
    ends = [min(predicted.measured), max(predicted.measured)]
    figure.add_scatter(x=ends, y=ends, mode="lines", line={"dash": "dot"}, name="as measured")
    figure.update_xaxes(title="measured, %")
    figure.update_yaxes(title="predicted without its topology, %")
    figure.update_layout(height=300, margin={"t": 10, "b": 10, "l": 10, "r": 10}, showlegend=False)
    return figure


_KEY, _UPLOADED = "train_trainings", "train_was_uploaded"

"""Anyone's trained cells as a reward: files → a model, to which the shipped one's students add what they say."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from nat_core.learning.accuracies.trained_cells import TrainedCells, read_trained
from nat_core.learning.accuracies.trainings_fit import Predicted, fit_trainings_model
from nat_core.learning.accuracies.trainings_model import Source, Student, TrainingsModel
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model

_LONGEST = 60


def model_of_files(paths: tuple[Path, ...], space: str, seed: int = 0) -> tuple[TrainingsModel, Predicted]:
    """The model of the trained cells in some files, remembered until one of them changes; see `fit_trainings_model`.

    Raises:
        ValueError: a file cannot be read, or holds too few cells; says which and why.
    """
    stamps = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
    return _model_of_files(paths, stamps, space, seed)


@lru_cache(maxsize=4)
def _model_of_files(
    paths: tuple[Path, ...], stamps: tuple[int, ...], space: str, seed: int
) -> tuple[TrainingsModel, Predicted]:
    return model_of_tables([table for path in paths for table in read_trained(path)], space, seed)


def model_of_tables(tables: Sequence[TrainedCells], space: str, seed: int = 0) -> tuple[TrainingsModel, Predicted]:
    """The model of tables of trained cells. Raises ValueError if they are too few."""
    tables = sorted(tables, key=len, reverse=True)
    about = f"the trainings of {tables[0].name[:_LONGEST]}"
    sources = [Source(table.name[:_LONGEST], "yours", len(table), "fitted") for table in tables]
    return fit_trainings_model(tables, space, about, students=_students(space), sources=sources, seed=seed)


def _students(space: str) -> tuple[Student, ...]:
    """Those of the shipped model, if there is one."""
    try:
        return shipped_trainings_model(space).students
    except ValueError:
        return ()

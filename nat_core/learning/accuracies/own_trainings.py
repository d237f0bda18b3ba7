"""Builds a reward model from files of trained cells; it includes the shipped model's students as features."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from nat_core.learning.accuracies.beside import shipped_trainings
from nat_core.learning.accuracies.trained_cells import TrainedCells, read_trained
from nat_core.learning.accuracies.trainings_fit import Predicted, fit_trainings_model
from nat_core.learning.accuracies.trainings_model import Source, Student, TrainingsModel
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model

_LONGEST = 60
# Times that one table may spread accuracies as far as another that is fitted with it.
_ALIKE = 2.0
_LEAST_SPREAD = 1e-6


def model_of_files(paths: tuple[Path, ...], space: str, seed: int = 0) -> tuple[TrainingsModel, Predicted]:
    """Return the model of the trained cells in some files, cached until a file changes; see `fit_trainings_model`.

    Raises:
        ValueError: a file cannot be read, or has too few cells.
    """
    stamps = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
    return _model_of_files(paths, stamps, space, seed)


@lru_cache(maxsize=4)
def _model_of_files(
    paths: tuple[Path, ...], stamps: tuple[int, ...], space: str, seed: int
) -> tuple[TrainingsModel, Predicted]:
    return model_of_tables([table for path in paths for table in read_trained(path)], space, seed)


def model_of_tables(tables: Sequence[TrainedCells], space: str, seed: int = 0) -> tuple[TrainingsModel, Predicted]:
    """The model of tables of trained cells; the largest is predicted.

    Those that spread accuracies as far as it are fitted with it; trainings that are so much shorter or longer that they
    spread them otherwise tell of what it lacks. Raises ValueError if they are too few.
    """
    first, *others = sorted(tables, key=len, reverse=True)
    alike = [table for table in others if _is_alike(table, first)]
    fitted, beside = [first, *alike], [table for table in others if table not in alike]
    sources = [Source(table.name[:_LONGEST], "yours", len(table), "fitted") for table in fitted]
    sources += [Source(table.name[:_LONGEST], "yours", len(table), "what others lack") for table in beside]
    return fit_trainings_model(
        fitted, space, f"the trainings of {first.name[:_LONGEST]}", students=_students(space),
        beside=[*beside, *shipped_trainings()], sources=sources, seed=seed,
    )  # fmt: skip


def _is_alike(table: TrainedCells, first: TrainedCells) -> bool:
    spread = table.accuracies_percent.std() / max(first.accuracies_percent.std(), _LEAST_SPREAD)
    return 1 / _ALIKE <= spread <= _ALIKE


def _students(space: str) -> tuple[Student, ...]:
    """Return the students of the shipped model, if there is one."""
    try:
        return shipped_trainings_model(space).students
    except ValueError:
        return ()

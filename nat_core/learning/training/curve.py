"""The course of a training as a small file beside a policy's card: `curve.json`.

A card says what a policy is; a curve shows how it became so. It is written by `benchmarks.training_curve`, which
repeats the training that the card describes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

from nat_core.learning.policies.checkpoint import CURVE
from nat_core.learning.support.files import write_text
from nat_core.specification import from_json

_MAX_BYTES = 4 << 20
_TYPES = {"command": str, "seed": int, "date": str, "same_weights": bool}


@dataclass(frozen=True)
class Series:
    """One metric.

    Attributes:
        steps: numbers of gradient steps done, rising.
        values: the metric at each of these steps: its mean since the step before.
    """

    steps: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.steps) != len(self.values):
            raise ValueError(f"a series has {len(self.steps)} steps and {len(self.values)} values; they must agree")
        if any(after <= before for before, after in pairwise(self.steps)):
            raise ValueError("the steps of a series must rise")
        if not all(map(isfinite, self.values)):
            raise ValueError("the values of a series must be finite")


@dataclass(frozen=True)
class TrainingCurve:
    """The values that a training has reported.

    Attributes:
        command: the command line that trains the same policy.
        seed: seed of the training.
        date: date of the recording, UTC, ISO 8601.
        same_weights: whether the recorded training ended with exactly the weights that lie beside the curve.
        series: values by metric; gains and rewards in points of accuracy, entropy in nats per cell.
    """

    command: str
    seed: int
    date: str
    same_weights: bool
    series: Mapping[str, Series]

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"), allow_nan=False) + "\n"

    @classmethod
    def from_dict(cls, value: Any) -> "TrainingCurve":
        """Invert `to_json`. Raises ValueError if a field is missing, unknown or ill-typed."""
        names = [item.name for item in fields(cls)]
        if not isinstance(value, dict) or sorted(value) != sorted(names):
            raise ValueError(f"a curve is a JSON object of {', '.join(names)}")
        if not isinstance(value["series"], dict) or not all(type(value[name]) is kind for name, kind in _TYPES.items()):
            raise ValueError("a field of the curve is of the wrong type")
        return cls(**{**value, "series": {name: _series(item) for name, item in value["series"].items()}})


def _series(value: Any) -> Series:
    try:
        return Series(tuple(map(int, value["steps"])), tuple(map(float, value["values"])))
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError("a series is a JSON object of steps and values") from error


def series_of(reports: Sequence[tuple[int, Mapping[str, float]]]) -> dict[str, Series]:
    """Reports of a training, (step, metrics), by metric; values to four decimals."""
    names = dict.fromkeys(name for _, metrics in reports for name in metrics)
    rows = {name: [(step, metrics[name]) for step, metrics in reports if name in metrics] for name in names}
    return {
        name: Series(tuple(step for step, _ in row), tuple(round(value, 4) for _, value in row))
        for name, row in rows.items()
    }


def save_curve(folder: Path, curve: TrainingCurve) -> Path:
    """Writes a curve beside the policy in `folder`, atomically; returns its path."""
    write_text(folder / CURVE, curve.to_json())
    return folder / CURVE


def load_curve(folder: Path) -> TrainingCurve | None:
    """Return the curve beside the policy in `folder`; None if none was recorded.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / CURVE
    return _load(path, path.stat().st_mtime_ns) if path.is_file() else None


@lru_cache(maxsize=16)
def _load(path: Path, stamp: int) -> TrainingCurve:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"larger than {_MAX_BYTES} bytes")
        return TrainingCurve.from_dict(from_json(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error

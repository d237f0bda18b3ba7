"""Checks that every configuration makes of its fields, given as tables of what is accepted."""

import math
from collections.abc import Collection, Mapping
from typing import Any

Bounds = Mapping[str, tuple[float, float]]
Choices = Mapping[str, Collection[str]]


def check_fields(config: Any, bounds: Bounds, choices: Choices | None = None) -> None:
    """Checks numbers against (lowest, highest) and texts against what is accepted.

    Bounds that are whole numbers demand one.

    Raises:
        ValueError: says which field, its value and what is accepted.
    """
    for name, accepted in (choices or {}).items():
        if getattr(config, name) not in accepted:
            raise ValueError(f"{name} is {getattr(config, name)!r:.60}; accepted: {', '.join(accepted)}")
    for name, (low, high) in bounds.items():
        value, whole = getattr(config, name), isinstance(low, int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise ValueError(f"{name} is {value!r:.60}; it must be {'an integer' if whole else 'a number'}")
        if not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"{name} is {value}; it must be between {low} and {high}")

"""From architecture to text. A notation can express an architecture if its text reads back as the same value."""

from collections.abc import Callable, Mapping

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation.formats import FORMATS
from nat_core.architecture.notation.reading import parse

# Writers by name of their notation, the most common notation first.
_ORDER = ("genotype", "pairs", "reversed", "nested", "nasbench201")
WRITERS: Mapping[str, Callable[[Architecture], str]] = {
    row.name: row.write
    for row in sorted(FORMATS, key=lambda row: _ORDER.index(row.name) if row.name in _ORDER else len(_ORDER))
    if row.write
}
TITLES: Mapping[str, str] = {row.name: row.title for row in FORMATS}


def write(architecture: Architecture, notation: str = "genotype") -> str:
    """Write `architecture` in `notation`, so that `parse` returns an equal architecture.

    Raises:
        ValueError: the notation is unknown, or cannot express this architecture.
    """
    if notation not in WRITERS:
        raise ValueError(f"unknown notation {notation!r:.60}; accepted: {', '.join(WRITERS)}")
    text = _attempt(architecture, notation)
    if text is None:
        able = ", ".join(expressible(architecture))
        raise ValueError(f"the notation {notation!r} cannot express this architecture; these can: {able}")
    return text


def expressible(architecture: Architecture) -> tuple[str, ...]:
    """Return the names of the notations that can express `architecture` without loss."""
    return tuple(name for name in WRITERS if _attempt(architecture, name) is not None)


def shortest(architecture: Architecture) -> str:
    """Write the customary notation: a NAS-Bench-201 string if possible, else a genotype, else JSON."""
    return next(text for name in ("nasbench201", "genotype", "json") if (text := _attempt(architecture, name)))


def _attempt(architecture: Architecture, notation: str) -> str | None:
    """Return the text, or None if it does not read back as the same value."""
    text = WRITERS[notation](architecture)
    try:
        return text if parse(text) == architecture else None
    except ValueError:
        return None

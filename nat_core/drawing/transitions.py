"""Draws a transition rule: operations by type level and kernel, with arrows to the replacements of the chosen one.

The drawing is derived from the operations' traits and the rule (NAT++, arXiv 2102.10301, section 3.2). Rows are type
levels, columns are kernels; skip and null, which may replace every operation, are at the bottom. Ids: ``op-<name>``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from nat_core.architecture.operations import NULL, OPERATIONS, SKIP, Kind
from nat_core.architecture.transitions import TYPE_LEVELS, is_legal, type_level
from nat_core.drawing.palette import THEMES, Theme, operation_color

_BOX = (104, 36)  # width and height of an operation, in pixels
_COLUMN, _ROW, _LEFT, _TOP = 236, 82, 122, 44
_FONT = "font-family='Helvetica, Arial, sans-serif'"
_LEVEL_TITLES = {
    Kind.CONV: "convolution",
    Kind.THIN_CONV: "thin",
    Kind.SEP_CONV: "separable",
    Kind.DIL_CONV: "dilated",
    Kind.MAX_POOL: "pooling",
}


@dataclass(frozen=True)
class Place:
    """The centre of an operation's box, in pixels."""

    x: float
    y: float


def covers(operations: Sequence[str], rule: str) -> tuple[tuple[str, str], ...]:
    """Return the legal steps (from, to) that are not a sequence of smaller legal steps."""

    def strictly(a: str, b: str) -> bool:
        return is_legal(a, b, rule) and not is_legal(b, a, rule)

    return tuple(
        (a, b)
        for a in operations
        for b in operations
        if a != b
        and is_legal(a, b, rule)
        and not any(strictly(a, c) and strictly(c, b) for c in operations if c not in (a, b))
    )


def places(operations: Sequence[str]) -> dict[str, Place]:
    """Return each operation's position: levels downwards, smaller kernels to the right, skip and null at the bottom."""
    traits = [OPERATIONS[name] for name in operations]
    ranked = [item for item in traits if item.kind in TYPE_LEVELS]
    levels = sorted({type_level(item) for item in ranked})
    kernels = sorted({item.kernel for item in ranked}, reverse=True)
    found: dict[str, Place] = {}
    for level in levels:
        for column, kernel in enumerate(kernels):
            row = [item for item in ranked if (type_level(item), item.kernel) == (level, kernel)]
            for number, item in enumerate(row):
                shift = (number - (len(row) - 1) / 2) * (_BOX[0] + 8)
                x = _LEFT + (column + 0.5) * _COLUMN + shift
                found[item.name] = Place(x, _TOP + (levels.index(level) + 0.5) * _ROW)
    middle, bottom = _LEFT + len(kernels) * _COLUMN / 2, _TOP + (len(levels) + 0.5) * _ROW
    for name, side in ((SKIP, -1), (NULL, 1)):
        if name in operations:
            found[name] = Place(middle + side * 0.36 * _COLUMN, bottom)
    return found


@lru_cache(maxsize=256)
def draw_transitions(operations: tuple[str, ...], chosen: str, rule: str = "nat++", theme: str = "light") -> str:
    """Draw the transition rule as SVG, with everything that may replace `chosen` in colour and the rest faint.

    Raises:
        ValueError: `chosen` is not one of the operations, or the theme or rule is unknown.
    """
    if chosen not in operations:
        raise ValueError(f"{chosen!r} is not one of the operations: {', '.join(operations)}")
    if theme not in THEMES:
        raise ValueError(f"unknown theme {theme!r}; accepted: {', '.join(THEMES)}")
    colors, where = THEMES[theme], places(operations)
    width, height = max(p.x for p in where.values()) + 130, max(p.y for p in where.values()) + 40
    targets = [name for name in operations if name != chosen and is_legal(chosen, name, rule)]
    parts = [
        *_headings(operations, where, colors),
        *(_arrow(where[a], where[b], colors.tint(colors.line, 0.35), 1) for a, b in covers(operations, rule)),
        *(_arrow(where[chosen], where[name], operation_color(name), 2.2) for name in targets),
        *(_box(name, where[name], chosen, name in targets, colors) for name in operations),
    ]
    label = f"Transition scheme; {OPERATIONS[chosen].short_label} may become {len(targets) + 1} operations"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' class='transitions' role='img' aria-label={quoteattr(label)} "
        f"width='{width:.0f}' height='{height:.0f}' viewBox='0 0 {width:.0f} {height:.0f}'>{''.join(parts)}</svg>"
    )


def _headings(operations: Sequence[str], where: dict[str, Place], colors: Theme) -> Iterator[str]:
    """Yield the headings: type levels at the left, kernels at the top."""
    seen: set[Kind | int] = set()
    for name in operations:
        traits, place = OPERATIONS[name], where[name]
        if traits.kind in _LEVEL_TITLES and traits.kind not in seen:
            seen.add(traits.kind)
            yield _text(8, place.y + 5, _LEVEL_TITLES[traits.kind], colors.muted, "start")
        if traits.kind in TYPE_LEVELS and traits.kernel not in seen:
            seen.add(traits.kernel)
            column = sorted({OPERATIONS[n].kernel for n in operations if OPERATIONS[n].kernel}, reverse=True)
            x = _LEFT + (column.index(traits.kernel) + 0.5) * _COLUMN
            yield _text(x, 20, f"kernel {traits.kernel}×{traits.kernel}", colors.muted)


def _text(x: float, y: float, text: str, color: str, anchor: str = "middle", weight: str = "normal") -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {_FONT} font-size='14' font-weight='{weight}' fill='{color}' "
        f"text-anchor='{anchor}'>{escape(text)}</text>"
    )


def _box(name: str, place: Place, chosen: str, is_target: bool, colors: Theme) -> str:
    """Return an operation's box: with a bold frame if chosen, coloured if reachable, else faint."""
    color, lit = operation_color(name), is_target or name == chosen
    fill = colors.tint(color, 0.32 if name == chosen else 0.18 if lit else 0.04)
    border, width = (color, 3 if name == chosen else 1.6) if lit else (colors.tint(colors.line, 0.6), 1)
    dash = " stroke-dasharray='5 3'" if name == NULL else ""
    text = colors.text if lit else colors.tint(colors.muted, 0.8)
    label, meaning = OPERATIONS[name].short_label, "chosen" if name == chosen else "legal" if lit else "not legal"
    return (
        f"<g id='op-{name}' data-choice='{name}'><title>{escape(label)}: {meaning}</title>"
        f"<rect x='{place.x - _BOX[0] / 2:.1f}' y='{place.y - _BOX[1] / 2:.1f}' width='{_BOX[0]}' height='{_BOX[1]}' "
        f"rx='6' fill='{fill}' stroke='{border}' stroke-width='{width}'{dash}/>"
        f"{_text(place.x, place.y + 5, label, text, weight='bold' if name == chosen else 'normal')}</g>"
    )


def _arrow(start: Place, end: Place, color: str, width: float) -> str:
    """Return a curved arrow from the lower or side border of one box to the border of another."""
    downwards = end.y > start.y + 1
    sign = 1 if end.x > start.x else -1
    if downwards:
        x0, y0, x1, y1 = start.x, start.y + _BOX[1] / 2, end.x, end.y - _BOX[1] / 2
        path = f"M{x0:.1f},{y0:.1f} C{x0:.1f},{y0 + 30:.1f} {x1:.1f},{y1 - 34:.1f} {x1:.1f},{y1 - 7:.1f}"
        head = f"{x1 - 4:.1f},{y1 - 8:.1f} {x1 + 4:.1f},{y1 - 8:.1f} {x1:.1f},{y1:.1f}"
    else:
        x0, x1, y = start.x + sign * _BOX[0] / 2, end.x - sign * _BOX[0] / 2, start.y
        lift = 0 if abs(x1 - x0) < _COLUMN else -34
        path = f"M{x0:.1f},{y:.1f} Q{(x0 + x1) / 2:.1f},{y + lift:.1f} {x1 - sign * 7:.1f},{y:.1f}"
        head = f"{x1 - sign * 8:.1f},{y - 4:.1f} {x1 - sign * 8:.1f},{y + 4:.1f} {x1:.1f},{y:.1f}"
    return (
        f"<path d='{path}' fill='none' stroke='{color}' stroke-width='{width}' class='arrow'/>"
        f"<polygon points='{head}' fill='{color}'/>"
    )

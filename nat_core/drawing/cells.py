"""Draws cells like the papers: left to right, nodes as rounded rectangles, every operation written on its edge.

Ids in an SVG:
- ``<name>-node-<n>`` and ``<name>-node-output``: nodes, numbered as in the cell (inputs first);
- ``<name>-edge-<i>``: the edge at position i of the cell's `edges`;
- ``<name>-output-<n>``: the unlabelled line from node n to the output;
- ``<name>-removed-<i>``: in a drawing of changes, an edge that only the cell before them has, at its position i.

`name` is ``normal`` by default. `draw_pair` adds the prefixes ``before-`` and ``after-``, so that both drawings can be
on one page.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from nat_core.architecture.cell import Architecture, Cell
from nat_core.architecture.difference import EdgeChange, aligned_cells, why_not_comparable
from nat_core.architecture.operations import NULL
from nat_core.drawing.dot import Picture, compose, scaffold
from nat_core.drawing.layout import Layout, has_font, lay_out, render, stack
from nat_core.drawing.looks import Frame, after_look, before_look, node_looks, output_looks, plain_look
from nat_core.drawing.palette import THEMES, Theme
from nat_core.drawing.svg import Part, finish

Format = Literal["svg", "png", "pdf", "dot"]
FORMATS: tuple[Format, ...] = ("svg", "png", "pdf", "dot")
_PNG_DPI = 192
_CELL_GAP = 12  # points between normal and reduction cell
_MOST_PNG_PIXELS = 5000  # on the longer side
CELL_TITLES = MappingProxyType({"normal": "Normal cell", "reduction": "Reduction cell"})


@lru_cache(maxsize=256)
def draw_cell(
    cell: Cell,
    format: Format = "svg",
    name: str = "normal",
    theme: str = "light",
    show_null: bool = True,
    responsive: bool = False,
) -> bytes:
    """Draw a cell on a transparent background; return the file's content.

    Args:
        name: the prefix of every id: letters, digits, hyphens.
        theme: "light" or "dark", the background on which the drawing will be shown.
        show_null: False leaves null edges out.
        responsive: whether an SVG is as wide as its container instead of having a fixed size.

    Raises:
        ValueError: the format or theme is unknown, or `name` cannot be an id.
    """
    return _draw([_plain_picture(cell, _frame(name, theme), show_null)], format, theme, responsive)


@lru_cache(maxsize=64)
def draw_architecture(
    architecture: Architecture,
    format: Format = "svg",
    theme: str = "light",
    show_null: bool = True,
    responsive: bool = False,
) -> bytes:
    """Draw normal and reduction cell with titles in one file. Arguments and errors are those of `draw_cell`."""
    return _draw(_architecture_pictures(architecture, theme, show_null), format, theme, responsive)


@lru_cache(maxsize=1024)
def draw_pair(
    before: Cell,
    after: Cell,
    name: str = "normal",
    theme: str = "light",
    show_null: bool = True,
    responsive: bool = False,
) -> tuple[str, str]:
    """Draw two SVGs with a common layout: every node and line has the same position in both.

    The first shows the operations of `before`, with coloured lines for edges that change. The second shows every change
    as "old → new": changed edges amber and wide, removed ones red and dashed, added ones green and wide, others grey.
    """
    changes = aligned_cells(before, after)
    left = _before_picture(before, changes, _frame(name, theme, "before-"), show_null)
    right = _after_picture(before, after, changes, _frame(name, theme, "after-"), show_null)
    layouts = [_pair_layout(left, right)]
    return _svg([left], _theme(theme), layouts, responsive), _svg([right], _theme(theme), layouts, responsive)


@lru_cache(maxsize=1024)
def draw_overlay(
    before: Cell,
    after: Cell,
    format: Format = "svg",
    name: str = "normal",
    theme: str = "light",
    show_null: bool = True,
    responsive: bool = False,
) -> bytes:
    """Draw both cells in one drawing, which is the second of `draw_pair`."""
    picture = _after_picture(before, after, aligned_cells(before, after), _frame(name, theme), show_null)
    return _draw([picture], format, theme, responsive)


@lru_cache(maxsize=64)
def draw_difference(
    before: Architecture,
    after: Architecture,
    format: Format = "svg",
    theme: str = "light",
    show_null: bool = True,
    responsive: bool = False,
) -> bytes:
    """Draw the changes from one architecture to another: normal and reduction cell with titles, as by `draw_overlay`.

    Raises:
        ValueError: the format or theme is unknown, or the two cannot be compared edge by edge.
    """
    if reason := why_not_comparable(before, after):
        raise ValueError(reason)
    afters = dict(after.cells)
    pictures = [
        _after_picture(
            old, afters[name], aligned_cells(old, afters[name]), _frame(name, theme), show_null, CELL_TITLES[name]
        )
        for name, old in before.cells
    ]
    return _draw(pictures, format, theme, responsive)


def _draw(pictures: Sequence[Picture], format: Format, theme: str, responsive: bool) -> bytes:
    if format not in FORMATS:
        raise ValueError(f"unknown drawing format {format!r}; accepted: {', '.join(FORMATS)}")
    colors = _theme(theme)
    if format == "dot":
        return compose(pictures, colors).encode()
    layouts = stack([lay_out(scaffold(picture)) for picture in pictures], _CELL_GAP)
    if format == "svg":
        return _svg(pictures, colors, layouts, responsive).encode()
    if not has_font():
        warnings.warn("no font is installed, so text in PNG and PDF is unreadable; SVG needs none", stacklevel=3)
    return render(compose(pictures, colors, layouts, _dpi(layouts) if format == "png" else 0), format, "nop2")


def _dpi(layouts: Sequence[Layout]) -> int:
    """Return twice a screen's resolution, or less if the picture would become too large."""
    longest = max(max(layout.bounds[2:]) for layout in layouts)
    return round(min(_PNG_DPI, 72 * _MOST_PNG_PIXELS / longest))


def _svg(pictures: Sequence[Picture], theme: Theme, layouts: Sequence[Layout], responsive: bool) -> str:
    parts = {f"{picture.name}-cell": Part(picture.title) for picture in pictures}
    for picture, layout in zip(pictures, layouts, strict=True):
        parts |= {n.id: Part(n.tooltip, _x(layout.nodes[n.name]), n.data) for n in picture.nodes}
        parts |= {e.id: Part(e.tooltip, _x(layout.edges[e.key].label), e.data) for e in picture.edges}
    return finish(
        render(compose(pictures, theme, layouts), "svg", "nop2"),
        parts,
        label=" and ".join(picture.title or f"{picture.name} cell" for picture in pictures),
        responsive=responsive,
    )


def _x(point: str | None) -> str | None:
    return point.split(",")[0] if point else None


def _plain_picture(cell: Cell, frame: Frame, show_null: bool, title: str = "") -> Picture:
    edges = [plain_look(cell, i, frame) for i, edge in enumerate(cell.edges) if show_null or not edge.is_null]
    return Picture(frame.name, [*node_looks(cell, frame)], [*edges, *output_looks(cell, frame)], title)


def _architecture_pictures(architecture: Architecture, theme: str, show_null: bool) -> list[Picture]:
    return [
        _plain_picture(cell, _frame(name, theme), show_null, CELL_TITLES[name]) for name, cell in architecture.cells
    ]


def _before_picture(before: Cell, changes: Sequence[EdgeChange], frame: Frame, show_null: bool) -> Picture:
    edges = [
        before_look(change, before, change.position_before, key, frame)
        for key, change in enumerate(changes)
        if change.position_before is not None and (show_null or change.before != NULL)
    ]
    return Picture(frame.name, [*node_looks(before, frame)], [*edges, *output_looks(before, frame)])


def _after_picture(
    before: Cell, after: Cell, changes: Sequence[EdgeChange], frame: Frame, show_null: bool, title: str = ""
) -> Picture:
    """Return the picture of the later cell, including the edges that only the earlier cell has."""
    edges = [
        after_look(change, after, key, frame) for key, change in enumerate(changes) if show_null or not _is_null(change)
    ]
    nodes = {node.name: node for cell in (before, after) for node in node_looks(cell, frame)}
    return Picture(frame.name, [*nodes.values()], [*edges, *output_looks(after, frame)], title)


def _is_null(change: EdgeChange) -> bool:
    return change.before in (None, NULL) and change.after in (None, NULL)


def _pair_layout(before: Picture, after: Picture) -> Layout:
    """Lay out the parts of both drawings together; the later drawing has the wider labels."""
    known = {edge.key for edge in after.edges}
    edges = [*after.edges, *(edge for edge in before.edges if edge.key not in known)]
    return lay_out(scaffold(replace(after, edges=edges)))


def _frame(name: str, theme: str, prefix: str = "") -> Frame:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
        raise ValueError(f"a drawing's name begins its ids, so {name!r} must be letters, digits and hyphens")
    return Frame(name, prefix + name, _theme(theme))


def _theme(name: str) -> Theme:
    if name not in THEMES:
        raise ValueError(f"unknown theme {name!r}; accepted: {', '.join(THEMES)}")
    return THEMES[name]

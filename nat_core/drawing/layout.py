"""Runs Graphviz in this process: computes layouts, and turns DOT sources into pictures.

The wheel of `pygraphviz` contains Graphviz as a C library, so no `dot` program is needed and no process is started. It
uses libraries that minimal systems lack, so it is imported only where something is drawn. A lock guards Graphviz'
global state.
"""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pygraphviz import AGraph

_LOCK = threading.Lock()
_NUMBER = r"-?\d[\d.]*(?:e[-+]?\d+)?"
_POINT = re.compile(f"({_NUMBER}),({_NUMBER})")
_POINTS_PER_INCH = 72
_PREFERRED_WIDTH = 560  # points
_MOST_EXTRA_GAP = 100  # points between two columns
_NEEDED = "libglib2.0-0, libx11-6, libxext6 and libxrender1"

# Names in a scaffold: the node for an edge's label, and the two halves of the edge's line.
CHIP, IN, OUT = "chip ", " in", " out"


@dataclass(frozen=True)
class EdgePlace:
    """An edge's spline and the centre of its label, as Graphviz' attributes `pos` and `lp` (in points)."""

    spline: str
    label: str | None

    def moved(self, rise: float) -> "EdgePlace":
        return EdgePlace(_raise(self.spline, rise), None if self.label is None else _raise(self.label, rise))


@dataclass(frozen=True)
class Layout:
    """The positions of a cell's nodes (by name) and edges (by key), in points.

    Attributes:
        bounds: left, bottom, right, top.
        title: the centre of the title, if there is one.
    """

    bounds: tuple[float, float, float, float]
    nodes: MappingProxyType[str, str]
    edges: MappingProxyType[str, EdgePlace]
    title: str | None = None

    def moved(self, rise: float) -> "Layout":
        """Return the layout moved up by `rise` points."""
        left, bottom, right, top = self.bounds
        return Layout(
            bounds=(left, bottom + rise, right, top + rise),
            nodes=MappingProxyType({name: _raise(place, rise) for name, place in self.nodes.items()}),
            edges=MappingProxyType({key: edge.moved(rise) for key, edge in self.edges.items()}),
            title=None if self.title is None else _raise(self.title, rise),
        )


def stack(layouts: Sequence[Layout], gap: float) -> tuple[Layout, ...]:
    """Arrange layouts below each other, the first on top, with `gap` points between them."""
    moved, floor = [], 0.0
    for layout in reversed(layouts):
        moved.append(layout.moved(floor - layout.bounds[1]))
        floor = moved[-1].bounds[3] + gap
    return tuple(reversed(moved))


def _raise(points: str, rise: float) -> str:
    """Move every ``x,y`` of a Graphviz position up."""
    return _POINT.sub(lambda match: f"{match[1]},{float(match[2]) + rise:.2f}", points)


def render(source: str, format: str, engine: str = "dot") -> bytes:
    """Render a DOT source in `format`; `engine` "nop2" keeps the positions that the source states.

    Raises:
        OSError: Graphviz cannot be loaded.
    """
    with _LOCK:
        return _graph(source).draw(format=format, prog=engine)


@lru_cache(maxsize=1)
def has_font() -> bool:
    """Whether the machine has any font; without one, letters in PNG and PDF files become boxes of equal width."""
    placed = json.loads(render('digraph { node [shape="plain"]; narrow [label="iiii"]; wide [label="WWWW"] }', "json"))
    narrow, wide = (float(node["width"]) for node in placed["objects"])
    return narrow < wide


@lru_cache(maxsize=256)
def lay_out(scaffold: str) -> Layout:
    """Lay out a scaffold (see `dot.scaffold`) from left to right, then join the two halves of every line.

    If a cell is narrow, its columns move apart, so that small cells are about as wide as large ones.

    Raises:
        OSError: Graphviz cannot be loaded.
    """
    with _LOCK:
        graph = _graph(scaffold)
        placed = json.loads(graph.draw(format="json", prog="dot"))
        missing = _PREFERRED_WIDTH - float(placed["bb"].split(",")[2])
        gaps = len({node["pos"].split(",")[0] for node in _nodes(placed)}) - 1
        if missing > 0 and gaps > 0:
            extra = min(missing / gaps, _MOST_EXTRA_GAP) / _POINTS_PER_INCH
            graph.graph_attr["ranksep"] = f"{float(graph.graph_attr['ranksep']) + extra:.3f}"
            placed = json.loads(graph.draw(format="json", prog="dot"))
    return _read(placed)


def _graph(source: str) -> "AGraph":
    try:
        from pygraphviz import AGraph
    except ImportError as error:
        raise OSError(
            f"nothing can be drawn, because libraries of this system are missing ({error}); "
            f"on Debian and Ubuntu, install {_NEEDED}"
        ) from error
    return AGraph(string=source)


def _nodes(placed: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [item for item in placed.get("objects", ()) if "pos" in item]


def _read(placed: Mapping[str, Any]) -> Layout:
    left, bottom, right, top = map(float, placed["bb"].split(","))
    nodes = {node["name"]: node["pos"] for node in _nodes(placed)}
    splines = {edge["id"]: edge["pos"] for edge in placed.get("edges", ()) if "id" in edge}
    halves = {name.removeprefix(CHIP): place for name, place in nodes.items() if name.startswith(CHIP)}
    edges = {
        key: EdgePlace(_join(splines[f"{key}{IN}"], splines[f"{key}{OUT}"]), place) for key, place in halves.items()
    }
    whole = {key: EdgePlace(pos, None) for key, pos in splines.items() if not key.endswith((IN, OUT))}
    return Layout(
        bounds=(left, bottom, right, top),
        nodes=MappingProxyType({name: place for name, place in nodes.items() if not name.startswith(CHIP)}),
        edges=MappingProxyType(edges | whole),
        title=placed.get("lp"),
    )


def _join(first: str, second: str) -> str:
    """Join two splines, source → label and label → target, into one that is straight behind the label."""
    arrow, *rest = second.split()
    start, end = first.split()[-1], rest[0]
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in (start, end))
    bridge = (f"{x0 + (x1 - x0) * t:.2f},{y0 + (y1 - y0) * t:.2f}" for t in (1 / 3, 2 / 3))
    return " ".join((arrow, first, *bridge, *rest))

"""Graphviz in process: where things lie, and how a source becomes a picture.

`pygraphviz`' wheel carries Graphviz as a C library, so no `dot` is needed on the machine and nothing is spawned.
Graphviz keeps global state, hence the lock.
"""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from pygraphviz import AGraph

_LOCK = threading.Lock()
_SAMPLES = 16  # points looked at per Bézier segment

Point = tuple[float, float]


@dataclass(frozen=True)
class EdgePlace:
    """An edge's spline and the centre of its label, as Graphviz' `pos` and `lp` attributes (points)."""

    spline: str
    label: str | None


@dataclass(frozen=True)
class Layout:
    """Where the nodes (by name), edges (by id) and clusters (by name) of a source lie, in points.

    Attributes:
        bounds: left, bottom, right, top.
        clusters: name → (`bb`, `lp`).
    """

    bounds: tuple[float, float, float, float]
    nodes: MappingProxyType[str, str]
    edges: MappingProxyType[str, EdgePlace]
    clusters: MappingProxyType[str, tuple[str, str]]


def render(source: str, format: str, engine: str = "dot") -> bytes:
    """A DOT source as a file of `format`; `engine` "nop2" keeps the positions that the source states."""
    with _LOCK:
        return AGraph(string=source).draw(format=format, prog=engine)


@lru_cache(maxsize=256)
def lay_out(source: str) -> Layout:
    """Lays out a DOT source from left to right, then moves every edge's label onto its line."""
    graph = json.loads(render(source, "json"))
    objects = graph.get("objects", ())
    edges = graph.get("edges", ())
    left, bottom, right, top = map(float, graph["bb"].split(","))
    return Layout(
        bounds=(left, bottom, right, top),
        nodes=MappingProxyType({item["name"]: item["pos"] for item in objects if "pos" in item}),
        edges=MappingProxyType({edge["id"]: _place(edge) for edge in edges if "pos" in edge and "id" in edge}),
        clusters=MappingProxyType({item["name"]: (item["bb"], item["lp"]) for item in objects if "lp" in item}),
    )


def _place(edge: dict[str, str]) -> EdgePlace:
    if "lp" not in edge:
        return EdgePlace(edge["pos"], None)
    x = float(edge["lp"].split(",")[0])
    nearest = min(_points(edge["pos"]), key=lambda point: abs(point[0] - x))
    return EdgePlace(edge["pos"], f"{nearest[0]:.2f},{nearest[1]:.2f}")


def _points(spline: str) -> Iterable[Point]:
    """Points along a Graphviz spline: optional end point ``e,x,y``, then 3n + 1 control points of cubic Béziers."""
    control = [tuple(map(float, item.split(","))) for item in spline.split() if not item.startswith(("e", "s"))]
    for start in range(0, len(control) - 3, 3):
        yield from (_bezier(control[start : start + 4], step / _SAMPLES) for step in range(_SAMPLES + 1))


def _bezier(control: list[Point], t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * point[axis] for w, point in zip(weights, control, strict=True)) for axis in (0, 1))
    return x, y

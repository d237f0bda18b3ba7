"""Writes DOT sources from nodes and edges with their styles, with or without a layout."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise, zip_longest

from graphviz import Digraph

from nat_core.drawing.layout import CHIP, IN, OUT, Layout
from nat_core.drawing.palette import Theme

FONT = "Helvetica,Arial,sans-serif"
NODE_POINTS, CHIP_POINTS, TITLE_POINTS, SUBSCRIPT_POINTS = 12, 11, 12, 9
_CHIP_MARGIN = 6  # points
_EM_PER_CHARACTER = (
    0.62  # slightly wider than Arial, so that labels fit even if the browser's font differs from Graphviz'
)
_BOX = {"shape": "box", "style": "rounded,filled", "height": "0.3", "width": "0.46", "margin": "0.06,0.03"}
_ARROW = "0.55"
_MANY_EDGES = 60
_HASTE = {
    "mclimit": "0.1",
    "nslimit": "1",
    "nslimit1": "1",
    "searchsize": "10",
}  # limits Graphviz' search for better layouts
_ROOM = "0.4"  # inches between two input nodes


@dataclass(frozen=True)
class NodeLook:
    """The style of a node. `label` is Graphviz' HTML."""

    name: str
    id: str
    label: str
    fill: str
    text: str
    border: str
    tooltip: str
    column: str | None = None  # nodes with the same column name are drawn above each other
    data: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EdgeLook:
    """The style of an edge.

    Attributes:
        key: the edge's name in a layout; the same in every drawing that shares the layout.
        chip: the edge's label as Graphviz' HTML; empty for none.
        data: values of `data-…` attributes in an SVG.
    """

    key: str
    id: str
    source: str
    target: str
    chip: str
    color: str
    width: float
    style: str
    tooltip: str
    data: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """One cell's nodes and edges; with a `title`, they form a titled cluster."""

    name: str
    nodes: Sequence[NodeLook]
    edges: Sequence[EdgeLook]
    title: str = ""


def chip(lines: Sequence[tuple[str, str]], fill: str, border: str, width: int = 1) -> str:
    """Return a label with its own background, placed on the line. `lines`: (text, its HTML), top to bottom."""
    points = round(max(len(text) for text, _ in lines) * _EM_PER_CHARACTER * CHIP_POINTS) + _CHIP_MARGIN
    rows = "".join(f'<tr><td width="{points}">{html}</td></tr>' for _, html in lines)
    return (
        f'<table border="{width}" cellborder="0" cellspacing="0" cellpadding="1" style="rounded"'
        f' bgcolor="{fill}" color="{border}">{rows}</table>'
    )


def font(text: str, color: str, bold: bool = False) -> str:
    """Return escaped text in a colour as Graphviz' HTML."""
    html = f"<b>{escape(text)}</b>" if bold else escape(text)
    return f'<font color="{color}">{html}</font>'


def subscript(text: str, low: str) -> str:
    """Return ``text`` with subscript ``low`` as Graphviz' HTML."""
    return f'{escape(text)}<sub><font point-size="{SUBSCRIPT_POINTS}">{escape(low)}</font></sub>'


def compose(pictures: Sequence[Picture], theme: Theme, layouts: Sequence[Layout] = (), dpi: int = 0) -> str:
    """Return the DOT source of one or more cells; with a layout for each, it states positions (for engine nop2)."""
    graph = Digraph("architecture" if len(pictures) > 1 else pictures[0].name)
    graph.attr(bgcolor="transparent", fontname=FONT, fontsize=str(TITLE_POINTS), fontcolor=theme.muted)
    if not layouts:
        graph.attr(rankdir="LR", nodesep="0.22", ranksep="0.18")
    if dpi:
        graph.attr(dpi=str(dpi))
    graph.attr("node", fontname=FONT, fontsize=str(NODE_POINTS), penwidth="0.8", **_BOX)
    graph.attr("edge", fontname=FONT, fontsize=str(CHIP_POINTS), arrowsize=_ARROW)
    for picture, layout in zip_longest(pictures, layouts):
        with _container(graph, picture, layout) as part:
            _fill(part, picture, layout)
    if layouts:
        _pin_corners(graph, layouts)
    return graph.source


@contextmanager
def _container(graph: Digraph, picture: Picture, layout: Layout | None) -> Iterator[Digraph]:
    """Yield the graph itself, or a titled cluster in it if the picture has a title."""
    if not picture.title:
        yield graph
        return
    with graph.subgraph(name=f"cluster_{picture.name}") as cluster:
        cluster.attr(id=f"{picture.name}-cell", label=picture.title, labeljust="l", color="transparent", margin="10")
        if layout is not None:
            cluster.attr(bb=",".join(f"{edge:.2f}" for edge in layout.bounds), lp=layout.title)
        yield cluster


def scaffold(picture: Picture) -> str:
    """Return a DOT source for `lay_out` in which every label is a separate node in the middle of its line.

    So labels never overlap and always lie on their lines. Nodes have the names of `compose`, edges those of their keys.
    """
    graph = Digraph("scaffold", graph_attr=_HASTE if len(picture.edges) > _MANY_EDGES else {})
    graph.attr(rankdir="LR", nodesep="0.11", ranksep="0.26", fontname=FONT, fontsize=str(TITLE_POINTS))
    if picture.title:
        graph.attr(label=picture.title, labelloc="t", labeljust="l")
    graph.attr("node", fontname=FONT, fontsize=str(NODE_POINTS), **_BOX)
    graph.attr("edge", arrowsize=_ARROW)
    for node in picture.nodes:
        graph.node(node.name, label=f"<{node.label}>")
    for names in _columns(picture.nodes):
        _stack_column(graph, names)
    for edge in picture.edges:
        _add_halves(graph, edge)
    return graph.source


def _add_halves(graph: Digraph, edge: EdgeLook) -> None:
    if not edge.chip:
        graph.edge(edge.source, edge.target, id=edge.key, weight="1")
        return
    label = CHIP + edge.key
    graph.node(label, label=f"<{edge.chip}>", shape="plain", fontsize=str(CHIP_POINTS))
    graph.edge(edge.source, label, id=edge.key + IN, arrowhead="none", tailport="e", headport="w")
    graph.edge(label, edge.target, id=edge.key + OUT, tailport="e", weight="3")


def _fill(graph: Digraph, picture: Picture, layout: Layout | None) -> None:
    for node in picture.nodes:
        place = {"tooltip": node.tooltip} if layout is None else {"pos": layout.nodes[node.name]}
        looks = {"fillcolor": node.fill, "fontcolor": node.text, "color": node.border}
        graph.node(node.name, label=f"<{node.label}>", id=node.id, **looks, **place)
    for names in _columns(picture.nodes) if layout is None else ():
        _align_column(graph, names)
    for edge in picture.edges:
        looks = {"color": edge.color, "penwidth": f"{edge.width:g}", "style": edge.style}
        label = {"label": f"<{edge.chip}>"} if edge.chip else {}
        place = {"tooltip": edge.tooltip} if layout is None else _position(layout, edge.key)
        graph.edge(edge.source, edge.target, id=edge.id, **looks, **label, **place)


def _columns(nodes: Sequence[NodeLook]) -> list[list[str]]:
    """Return the names of the nodes in each column, for columns of more than one node."""
    columns: dict[str, list[str]] = {}
    for node in nodes:
        if node.column:
            columns.setdefault(node.column, []).append(node.name)
    return [names for names in columns.values() if len(names) > 1]


def _align_column(graph: Digraph, names: Sequence[str]) -> None:
    with graph.subgraph(graph_attr={"rank": "same"}) as column:
        for name in names:
            column.node(name)


def _stack_column(graph: Digraph, names: Sequence[str]) -> None:
    """Place the nodes above each other in this order, with room between them."""
    with graph.subgraph(graph_attr={"rank": "same"}) as column:
        for above, below in pairwise(names):
            room = f"room {below}"
            column.node(room, label="", style="invis", width="0.1", height=_ROOM)
            column.edge(above, room, style="invis")
            column.edge(room, below, style="invis")


def _position(layout: Layout, key: str) -> dict[str, str]:
    place = layout.edges[key]
    return {"pos": place.spline, **({"lp": place.label} if place.label else {})}


def _pin_corners(graph: Digraph, layouts: Sequence[Layout]) -> None:
    """Add two invisible points, so that every drawing of the same layouts has the same size."""
    left, bottom, right, top = zip(*(layout.bounds for layout in layouts), strict=True)
    blank = {"style": "invis", "label": "", "shape": "point", "width": "0", "height": "0"}
    graph.node("corner_a", pos=f"{min(left)},{min(bottom)}", **blank)
    graph.node("corner_b", pos=f"{max(right)},{max(top)}", **blank)

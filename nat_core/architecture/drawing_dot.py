"""DOT sources: nodes and edges with their looks, with or without a layout."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape

from graphviz import Digraph

from nat_core.architecture.drawing_layout import Layout
from nat_core.architecture.palette import Theme

FONT = "Helvetica,Arial,sans-serif"
NODE_POINTS, CHIP_POINTS, TITLE_POINTS = 12, 11, 12
_EM_PER_CHARACTER = 0.58  # a little wider than Arial, so that a browser's font fits whatever font laid it out


@dataclass(frozen=True)
class NodeLook:
    """A node as drawn. `label` is Graphviz' HTML."""

    name: str
    id: str
    label: str
    fill: str
    text: str
    border: str
    tooltip: str
    column: str | None = None  # nodes that name the same column stand above each other
    data: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EdgeLook:
    """An edge as drawn.

    Attributes:
        key: names the edge in a layout, the same in every drawing that shares it.
        chip: its label, Graphviz' HTML; empty for none.
        data: becomes `data-…` attributes in an SVG.
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
    """One cell's nodes and edges; `title` puts it into a titled cluster."""

    name: str
    nodes: Sequence[NodeLook]
    edges: Sequence[EdgeLook]
    title: str = ""

    def keyed(self) -> "Picture":
        """The same with keys for ids, as `lay_out` reports them."""
        return replace(self, edges=[replace(edge, id=edge.key) for edge in self.edges])


def chip(lines: Sequence[tuple[str, str]], fill: str, border: str, width: int = 1) -> str:
    """A label with a ground of its own, which lies on the line. `lines`: (text, HTML of it), top to bottom."""
    points = round(max(len(text) for text, _ in lines) * _EM_PER_CHARACTER * CHIP_POINTS)
    rows = "".join(f'<tr><td width="{points}">{html}</td></tr>' for _, html in lines)
    return (
        f'<table border="{width}" cellborder="0" cellspacing="0" cellpadding="1" style="rounded"'
        f' bgcolor="{fill}" color="{border}">{rows}</table>'
    )


def font(text: str, color: str, bold: bool = False, struck: bool = False) -> str:
    """Escaped text as Graphviz' HTML."""
    html = escape(text)
    html = f"<s>{html}</s>" if struck else html
    html = f"<b>{html}</b>" if bold else html
    return f'<font color="{color}">{html}</font>'


def compose(pictures: Sequence[Picture], theme: Theme, layout: Layout | None = None, dpi: int = 0) -> str:
    """The DOT source of one or more cells; with a `layout` it states positions (for the engine nop2)."""
    graph = Digraph("architecture" if len(pictures) > 1 else pictures[0].name)
    graph.attr(bgcolor="transparent", fontname=FONT, fontsize=str(TITLE_POINTS), fontcolor=theme.muted)
    if layout is None:
        graph.attr(rankdir="LR", nodesep="0.22", ranksep="0.18")
    if dpi:
        graph.attr(dpi=str(dpi))
    shape = {"shape": "box", "style": "rounded,filled", "height": "0.3", "width": "0.46", "margin": "0.06,0.03"}
    graph.attr("node", fontname=FONT, fontsize=str(NODE_POINTS), penwidth="0.8", **shape)
    graph.attr("edge", fontname=FONT, fontsize=str(CHIP_POINTS), arrowsize="0.55")
    for picture in pictures:
        _add(graph, picture, theme, layout)
    if layout is not None:
        _pin_corners(graph, layout)
    return graph.source


def _add(graph: Digraph, picture: Picture, theme: Theme, layout: Layout | None) -> None:
    if not picture.title:
        _fill(graph, picture, layout)
        return
    name = f"cluster_{picture.name}"
    with graph.subgraph(name=name) as cluster:
        cluster.attr(label=picture.title, labeljust="l", color="transparent", margin="10")
        if layout is not None:
            cluster.attr(bb=layout.clusters[name][0], lp=layout.clusters[name][1])
        _fill(cluster, picture, layout)


def _fill(graph: Digraph, picture: Picture, layout: Layout | None) -> None:
    for node in picture.nodes:
        place = {"tooltip": node.tooltip} if layout is None else {"pos": layout.nodes[node.name]}
        looks = {"fillcolor": node.fill, "fontcolor": node.text, "color": node.border}
        graph.node(node.name, label=f"<{node.label}>", id=node.id, **looks, **place)
    if layout is None:
        _align_columns(graph, picture.nodes)
    for edge in picture.edges:
        looks = {"color": edge.color, "penwidth": f"{edge.width:g}", "style": edge.style}
        label = {"label": f"<{edge.chip}>"} if edge.chip else {}
        place = {"tooltip": edge.tooltip} if layout is None else _position(layout, edge.key)
        graph.edge(edge.source, edge.target, id=edge.id, **looks, **label, **place)


def _align_columns(graph: Digraph, nodes: Sequence[NodeLook]) -> None:
    columns: dict[str, list[str]] = {}
    for node in nodes:
        if node.column:
            columns.setdefault(node.column, []).append(node.name)
    for names in columns.values():
        if len(names) > 1:
            graph.body.append("\t{rank=same; " + "; ".join(names) + "}\n")


def _position(layout: Layout, key: str) -> dict[str, str]:
    place = layout.edges[key]
    return {"pos": place.spline, **({"lp": place.label} if place.label else {})}


def _pin_corners(graph: Digraph, layout: Layout) -> None:
    """Two invisible points, so that every drawing of one layout has the same extent."""
    left, bottom, right, top = layout.bounds
    blank = {"style": "invis", "label": "", "shape": "point", "width": "0", "height": "0"}
    graph.node("corner_a", pos=f"{left},{bottom}", **blank)
    graph.node("corner_b", pos=f"{right},{top}", **blank)

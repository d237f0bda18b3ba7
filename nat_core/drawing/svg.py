"""Graphviz' SVG made fit for a page: one element that can stand inside HTML, with titles and data attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_SUBSCRIPT_DROP = 0.3  # of the font size
ElementTree.register_namespace("", _SVG)


@dataclass(frozen=True)
class Part:
    """What a node's or an edge's element gains.

    Attributes:
        title: its `<title>`.
        center: where its text is centred, x in points; None leaves text where it is.
        data: its `data-…` attributes.
    """

    title: str
    center: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)


def finish(svg: bytes, parts: Mapping[str, Part], label: str, responsive: bool) -> str:
    """The drawing without prolog, comments and foreign names.

    Args:
        parts: by element id.
        label: what a screen reader says of the whole.
        responsive: as wide as its place but never larger than its natural size, instead of a fixed size.
    """
    root = ElementTree.fromstring(svg)
    root.attrib.update({"role": "img", "aria-label": label, "class": "cell-drawing"})
    if responsive:
        root.attrib.pop("height")
        root.set("style", f"max-width:{root.get('width')};height:auto")
        root.set("width", "100%")
    _finish_whole(root[0])
    for group in root.iter(_tag("g")):
        if (part := parts.get(group.get("id", ""))) is not None:
            _finish_group(group, part)
    return ElementTree.tostring(root, encoding="unicode")


def _tag(name: str) -> str:
    return f"{{{_SVG}}}{name}"


def _finish_whole(graph: ElementTree.Element) -> None:
    """The group around everything: its id would not be unique on a page, its title would pop up everywhere."""
    del graph.attrib["id"]
    graph.remove(_title(graph))
    for text in graph.iter(_tag("text")):
        text.attrib.pop(_XML_SPACE, None)


def _title(group: ElementTree.Element) -> ElementTree.Element:
    """The group's own `<title>`; Graphviz gives every group one."""
    return group.findall(_tag("title"))[0]


def _finish_group(group: ElementTree.Element, part: Part) -> None:
    _title(group).text = part.title
    for key, value in part.data.items():
        group.set(f"data-{key}", value)
    if part.center is not None:
        _center(group, group.findall(_tag("text")), part.center)


def _center(group: ElementTree.Element, texts: Sequence[ElementTree.Element], x: str) -> None:
    """Centres every line of text, whatever font the reader has; a subscript becomes part of the line before it.

    Graphviz starts each piece where its own font puts it, and says `baseline-shift`, which Firefox ignores.
    """
    for previous, text in zip((None, *texts), texts, strict=False):
        if text.attrib.get("baseline-shift") == "sub" and previous is not None:
            drop = _SUBSCRIPT_DROP * float(text.get("font-size", "0"))
            low = ElementTree.SubElement(
                previous, _tag("tspan"), {"dy": f"{drop:.1f}", "font-size": text.get("font-size", "")}
            )
            low.text = text.text
            group.remove(text)
        else:
            text.attrib.update({"text-anchor": "middle", "x": x})

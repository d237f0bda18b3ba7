"""Turns Graphviz' SVG into one element that can be embedded in HTML, with titles and data attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_SUBSCRIPT_DROP = 0.3  # in units of the font size
ElementTree.register_namespace("", _SVG)


@dataclass(frozen=True)
class Part:
    """Additions to the SVG element of a node or an edge.

    Attributes:
        title: its `<title>`.
        center: the x coordinate, in points, at which its text is centred; None leaves the text where it is.
        data: its `data-…` attributes.
    """

    title: str
    center: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)


def finish(svg: bytes, parts: Mapping[str, Part], label: str, responsive: bool) -> str:
    """Return the drawing with the additions `parts`, without prolog, comments and foreign namespaces.

    Args:
        parts: the additions by element id.
        label: the description of the whole drawing for screen readers.
        responsive: whether the drawing is as wide as its container, up to its natural size, instead of a fixed size.
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
    """Remove id and title of the outermost group: the id is not unique on a page, the title would show everywhere."""
    del graph.attrib["id"]
    graph.remove(_title(graph))
    for text in graph.iter(_tag("text")):
        text.attrib.pop(_XML_SPACE, None)


def _title(group: ElementTree.Element) -> ElementTree.Element:
    """Return the group's own `<title>`; Graphviz gives every group one."""
    return group.findall(_tag("title"))[0]


def _finish_group(group: ElementTree.Element, part: Part) -> None:
    _title(group).text = part.title
    for key, value in part.data.items():
        group.set(f"data-{key}", value)
    if part.center is not None:
        _center(group, group.findall(_tag("text")), part.center)


def _center(group: ElementTree.Element, texts: Sequence[ElementTree.Element], x: str) -> None:
    """Centre every line of text in any font; a subscript becomes part of the line before it.

    Graphviz positions each piece by its own font's widths, and uses `baseline-shift`, which Firefox ignores.
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

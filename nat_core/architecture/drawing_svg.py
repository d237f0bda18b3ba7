"""Graphviz' SVG made fit for a page: one element that can stand inside HTML, with titles and data attributes."""

from collections.abc import Mapping
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_SUBSCRIPT_DROP = 0.22  # of the font size
ElementTree.register_namespace("", _SVG)


def finish(
    svg: bytes, titles: Mapping[str, str], data: Mapping[str, Mapping[str, str]], label: str, responsive: bool
) -> str:
    """The drawing without prolog, comments and foreign names.

    Args:
        titles, data: by element id: the text of `<title>`, and the `data-…` attributes.
        label: what a screen reader says of the whole.
        responsive: as wide as the page lets it be, instead of a fixed size.
    """
    root = ElementTree.fromstring(svg)
    root.attrib.update({"role": "img", "aria-label": label, "class": "cell-drawing"})
    if responsive:
        root.attrib.pop("height")
        root.set("width", "100%")
    for group in root.iter(f"{{{_SVG}}}g"):
        _finish_group(group, titles, data, label)
    for text in root.iter(f"{{{_SVG}}}text"):
        _lower_subscript(text)
    return ElementTree.tostring(root, encoding="unicode")


def _finish_group(group: ElementTree.Element, titles: Mapping, data: Mapping, label: str) -> None:
    title = group.find(f"{{{_SVG}}}title")
    identity = group.get("id", "")
    if title is not None:
        title.text = titles.get(identity, label)
    for key, value in data.get(identity, {}).items():
        group.set(f"data-{key}", value)


def _lower_subscript(text: ElementTree.Element) -> None:
    """`baseline-shift`, which Firefox ignores, as a plain shift downwards; a subscript is smaller, too."""
    text.attrib.pop("{http://www.w3.org/XML/1998/namespace}space", None)
    if text.attrib.pop("baseline-shift", None) == "sub":
        text.set("y", f"{float(text.get('y', '0')) + _SUBSCRIPT_DROP * float(text.get('font-size', '0')):.2f}")

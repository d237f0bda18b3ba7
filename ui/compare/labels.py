"""Placement of labels beside a chart's points, so that they cover neither each other nor other points."""

import math
from collections.abc import Mapping

Places = Mapping[str, tuple[float, float]]
Box = tuple[float, float, float, float]
# Pixels of the narrowest plotting area, a letter, a line and a marker.
_WIDTH, _HEIGHT, _LETTER, _LINE, _MARKER = 640, 400, 6.0, 14.0, 12.0
# By side, the offset of a text's centre from its point: in half text widths plus half markers, and in lines.
_SIDES = {
    "top center": (0, 1.1),
    "bottom center": (0, -1.1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top right": (1, 0.8),
    "top left": (-1, 0.8),
    "bottom right": (1, -0.8),
    "bottom left": (-1, -0.8),
}


def sides(texts: dict[str, str], places: Places, is_log: bool = False) -> dict[str, str]:
    """Return the side of its point for each text, in the order of priority; texts without room are removed from
    `texts`.

    Args:
        texts: labels by point name.
        places: positions of all points, in the chart's units.
        is_log: whether both axes are logarithmic.
    """
    pixels = _pixels(places, is_log)
    taken = {name: _box(place, _MARKER, _MARKER) for name, place in pixels.items()}
    found: dict[str, str] = {}
    for name, text in list(texts.items()):
        others = [box for other, box in taken.items() if pixels.get(other) != pixels[name]]
        boxes = {side: _beside(pixels[name], text, *offset) for side, offset in _SIDES.items()}
        free = next((side for side, box in boxes.items() if not any(_overlap(box, other) for other in others)), None)
        if free is None:
            del texts[name]
        else:
            found[name] = free
            taken[f"text of {name}"] = boxes[free]
    return found


def _pixels(places: Places, is_log: bool) -> dict[str, tuple[float, float]]:
    scaled = {name: tuple(map(math.log10, place)) if is_log else place for name, place in places.items()}
    if not scaled:
        return {}
    spans = [(min(values), max(values)) for values in zip(*scaled.values(), strict=True)]
    return {
        name: tuple(
            size * (value - low) / ((high - low) or 1.0)
            for value, (low, high), size in zip(place, spans, (_WIDTH, _HEIGHT), strict=True)
        )
        for name, place in scaled.items()
    }  # type: ignore[return-value]


def _box(middle: tuple[float, float], width: float, height: float) -> Box:
    return middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2


def _beside(place: tuple[float, float], text: str, across: float, up: float) -> Box:
    width = _LETTER * len(text)
    return _box((place[0] + across * (width + _MARKER) / 2, place[1] + up * _LINE), width, _LINE)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

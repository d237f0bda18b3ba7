"""The data of the app's own components, which Streamlit's test harness does not parse."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streamlit.testing.v1 import AppTest


@dataclass(frozen=True)
class Shown:
    """A metric on the page."""

    label: str
    value: str
    delta: str


def components(app: AppTest, name: str) -> list[dict[str, Any]]:
    """Return the data of every component of that name, in the page's order."""
    return [json.loads(node.proto.json)[0] for node in _nodes(app._tree) if node.proto.component_name == name]


def _nodes(block: Any) -> Iterator[Any]:
    for child in getattr(block, "children", {}).values():
        if child.type == "bidi_component":
            yield child
        yield from _nodes(child)


def shown_point(app: AppTest) -> dict[str, Any]:
    """Return the verdict and metrics of the point shown on the Transform page."""
    (data,) = components(app, "figures")
    return data["points"][str(data["number"])]


def verdict(app: AppTest) -> str:
    return shown_point(app)["verdict"].replace("\u00a0", " ")


def figures(app: AppTest) -> list[Shown]:
    """Return the metrics of the shown point and Streamlit's own metrics."""
    of_point = shown_point(app)["figures"] if components(app, "figures") else []
    own = [Shown(item.label, item.value, item.delta) for item in app.metric]
    return [*(Shown(item["label"], item["value"], item["change"]) for item in of_point), *own]


def metric(app: AppTest, label: str) -> Shown:
    return next(item for item in figures(app) if item.label == label)

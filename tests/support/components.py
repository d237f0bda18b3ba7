"""What the app's own components were told to show, which Streamlit's test harness knows nothing of."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streamlit.testing.v1 import AppTest


@dataclass(frozen=True)
class Shown:
    """A figure on the page."""

    label: str
    value: str
    delta: str


def told(app: AppTest, name: str) -> list[dict[str, Any]]:
    """The data of every component of that name, in the page's order."""
    return [json.loads(node.proto.json) for node in _nodes(app._tree) if node.proto.component_name == name]


def _nodes(block: Any) -> Iterator[Any]:
    for child in getattr(block, "children", {}).values():
        if child.type == "bidi_component":
            yield child
        yield from _nodes(child)


def said(app: AppTest) -> dict[str, Any]:
    """Verdict and figures of the point that the Transform page shows."""
    (data,) = told(app, "figures")
    return data["points"][str(data["number"])]


def verdict(app: AppTest) -> str:
    return said(app)["verdict"].replace("\u00a0", " ")


def figures(app: AppTest) -> list[Shown]:
    """Those of the point shown, and Streamlit's own metrics."""
    of_point = said(app)["figures"] if told(app, "figures") else []
    own = [Shown(item.label, item.value, item.delta) for item in app.metric]
    return [*(Shown(item["label"], item["value"], item["change"]) for item in of_point), *own]


def metric(app: AppTest, label: str) -> Shown:
    return next(item for item in figures(app) if item.label == label)

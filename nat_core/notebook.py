"""Notebook representations of cells, architectures, transformations and fronts.

Their classes know nothing of drawings, which are built upon them, so they get the methods here that Jupyter and its
relatives look for.
"""

from html import escape

from nat_core.architecture.cell import Architecture, Cell
from nat_core.architecture.notation import shortest
from nat_core.drawing.cells import draw_architecture, draw_cell, draw_difference
from nat_core.tradeoff import Front
from nat_core.transformation import Transformation

_GROUND = "#FFFFFF"


def enable() -> None:
    """Lets cells, architectures, transformations and fronts show themselves in notebooks."""
    Cell._repr_svg_ = _cell  # type: ignore[attr-defined]
    Architecture._repr_svg_ = _architecture  # type: ignore[attr-defined]
    Transformation._repr_html_ = _transformation  # type: ignore[attr-defined]
    Front._repr_html_ = _front  # type: ignore[attr-defined]


def on_ground(drawing: bytes) -> str:
    """A drawing as SVG on the ground that it is made for: a notebook's own may be dark."""
    text = drawing.decode()
    return text[text.index("<svg") :].replace("<svg", f'<svg style="background-color:{_GROUND}"', 1)


def _cell(cell: Cell) -> str:
    return on_ground(draw_cell(cell))


def _architecture(architecture: Architecture) -> str:
    return on_ground(draw_architecture(architecture))


def _transformation(outcome: Transformation) -> str:
    """The verdict in words above the drawing of what changed."""
    drawing = draw_difference(outcome.input.architecture, outcome.output.architecture)
    return f"<p>{escape(outcome.verdict)}</p>{on_ground(drawing)}"


def _front(front: Front) -> str:
    """A table: the input, then the points from the cheapest to the most accurate."""
    rows = [("input", front.input), *((f"≤ {point.budget:.0%}", point.candidate) for point in front.points)]
    body = "".join(
        f"<tr style='white-space:nowrap'><td>{name}</td><td>{item.cost.macs / 1e6:.1f} M</td>"
        f"<td>{item.cost.parameters / 1e6:.2f} M</td><td>{item.accuracy_percent:.2f} %</td>"
        f"<td style='white-space:normal;font-size:smaller'>{escape(shortest(item.architecture))}</td></tr>"
        for name, item in rows
    )
    heads = ("budget", "MACs", "parameters", f"accuracy ({front.accuracy_kind})", "architecture")
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{body}</table>"

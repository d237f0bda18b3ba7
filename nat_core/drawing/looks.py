"""The styles of nodes and edges, with or without the changes of a transformation."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from nat_core.architecture.cell import Cell, Edge
from nat_core.architecture.difference import EdgeChange
from nat_core.architecture.operations import NULL, OPERATIONS
from nat_core.drawing.dot import EdgeLook, NodeLook, chip, font, subscript
from nat_core.drawing.palette import NODE_FILLS, NODE_TEXT, Theme, mix, operation_color

_FADED = 0.4  # opacity of dead parts
_DEAD = "; dead, it reaches no output"
_LINE_WIDTH = MappingProxyType({"unchanged": 1.2, "changed": 2.2, "removed": 1.6, "added": 2.2})


@dataclass(frozen=True)
class Frame:
    """Settings shared by all parts of one cell's drawing.

    Attributes:
        name: the cell's name, the prefix of names in DOT and of keys in a layout.
        prefix: the prefix of ids.
    """

    name: str
    prefix: str
    theme: Theme


def node_looks(cell: Cell, frame: Frame) -> Iterator[NodeLook]:
    """Yield the styles of inputs, intermediate nodes and the output node."""
    dead, entered = set(cell.dead_nodes), {edge.target for edge in cell.edges}
    for node in range(cell.nodes):
        back = cell.inputs - node
        if back > 0:
            meaning = f"input {node_label(cell, node)}: output of the cell before" + (" the last" if back == 2 else "")
            yield _node(frame, node, subscript("c", f"k-{back}"), "input", meaning, column="inputs")
        elif node not in entered:
            yield _node(frame, node, str(-back), "intermediate", f"node {-back}: dead, no edge enters it", node in dead)
        else:
            meaning = f"node {-back}: sum of its incoming edges" + (_DEAD if node in dead else "")
            yield _node(frame, node, str(-back), "intermediate", meaning, node in dead)
    yield _node(frame, "output", subscript("c", "k"), "output", f"output cₖ: {_output_meaning(cell)}")


def _node(
    frame: Frame, node: int | str, label: str, role: str, tooltip: str, dead: bool = False, column: str | None = None
) -> NodeLook:
    fill, share = NODE_FILLS[role], _FADED if dead else 1
    return NodeLook(
        name=f"{frame.name}_{node}",
        id=f"{frame.prefix}-node-{node}",
        label=label,
        fill=frame.theme.tint(fill, share),
        text=frame.theme.muted if dead else NODE_TEXT,
        border=frame.theme.tint(mix(fill, "#000000", 0.6), share),
        tooltip=tooltip,
        column=column,
        data={"node": str(node)},
    )


def _output_meaning(cell: Cell) -> str:
    parts = [node_label(cell, node) for node in cell.output_nodes]
    how = "concatenation" if cell.combine == "concat" else "sum"
    return f"{how} of nodes {', '.join(parts)}" if len(parts) > 1 else f"node {parts[0]}"


def output_looks(cell: Cell, frame: Frame) -> Iterator[EdgeLook]:
    """Yield the styles of the unlabelled lines from the output's nodes to the output."""
    for node in cell.output_nodes:
        yield EdgeLook(
            key=f"{frame.name}-output-{node}",
            id=f"{frame.prefix}-output-{node}",
            source=f"{frame.name}_{node}",
            target=f"{frame.name}_output",
            chip="",
            color=frame.theme.tint(frame.theme.line, 0.7),
            width=0.8,
            style="solid",
            tooltip=f"node {node_label(cell, node)} is part of the output",
        )


def plain_look(cell: Cell, position: int, frame: Frame) -> EdgeLook:
    """Return the style of an edge in the colour of its operation's kind."""
    edge, dead = cell.edges[position], position in cell.dead_edges
    color = frame.theme.null if edge.is_null else operation_color(edge.operation)
    return EdgeLook(
        key=f"{frame.name}-edge-{position}",
        id=f"{frame.prefix}-edge-{position}",
        source=f"{frame.name}_{edge.source}",
        target=f"{frame.name}_{edge.target}",
        chip=_operation_chip(edge.operation, frame.theme, dead),
        color=frame.theme.tint(color, _FADED) if dead else color,
        width=1.0 if edge.is_null else 1.6,
        style="dashed" if edge.is_null else "solid",
        tooltip=_tooltip(edge, cell) + (_DEAD if dead else ""),
        data={"edge": str(position), "operation": edge.operation},
    )


def before_look(change: EdgeChange, cell: Cell, position: int, key: int, frame: Frame) -> EdgeLook:
    """Return the style of an edge before a transformation: grey, or thin and coloured if the edge changes."""
    edge, dead = cell.edges[position], position in cell.dead_edges
    unchanged = change.kind == "unchanged"
    border = None if unchanged else frame.theme.changes[change.kind]
    return EdgeLook(
        key=f"{frame.name}-edge-{key}",
        id=f"{frame.prefix}-edge-{position}",
        source=f"{frame.name}_{edge.source}",
        target=f"{frame.name}_{edge.target}",
        chip=_operation_chip(edge.operation, frame.theme, dead, border),
        color=_change_color(change, frame.theme, dead),
        width=1.2 if unchanged else 1.5,
        style="dashed" if edge.is_null else "solid",
        tooltip=_tooltip(edge, cell) + ("" if unchanged else f"; becomes {change.after or 'absent'}"),
        data={"edge": str(position), "operation": edge.operation, "change": change.kind},
    )


def after_look(change: EdgeChange, cell: Cell, key: int, frame: Frame) -> EdgeLook:
    """Return the style of an edge after a transformation: grey, or "old → new" with colour, width and dashes."""
    operation, position = change.after or NULL, change.position_after
    dead = position in cell.dead_edges
    unchanged = change.kind == "unchanged"
    shown = Edge(
        operation if unchanged else f"{change.before or 'absent'} → {change.after or 'absent'}",
        change.source,
        change.target,
    )
    return EdgeLook(
        key=f"{frame.name}-edge-{key}",
        id=f"{frame.prefix}-" + (f"removed-{change.position_before}" if position is None else f"edge-{position}"),
        source=f"{frame.name}_{change.source}",
        target=f"{frame.name}_{change.target}",
        chip=_operation_chip(operation, frame.theme, dead) if unchanged else _change_chip(change, frame.theme),
        color=_change_color(change, frame.theme, dead),
        width=_LINE_WIDTH[change.kind],
        style="dashed" if operation == NULL else "solid",
        tooltip=_tooltip(shown, cell) + ("" if unchanged else f" ({change.kind})") + (_DEAD if dead else ""),
        data={"edge": "" if position is None else str(position), "operation": operation, "change": change.kind},
    )


def _change_color(change: EdgeChange, theme: Theme, dead: bool) -> str:
    color = theme.changes[change.kind]
    return theme.tint(color, _FADED) if dead and change.kind == "unchanged" else color


def _operation_chip(operation: str, theme: Theme, dead: bool = False, border: str | None = None) -> str:
    label, color = OPERATIONS[operation].short_label, operation_color(operation)
    faint = dead or operation == NULL
    text = font(label, theme.muted if faint else theme.text)
    return chip(
        [(label, text)], theme.tint(color, 0.06 if faint else 0.16), border or theme.tint(color, 0.3 if faint else 0.75)
    )


def _change_chip(change: EdgeChange, theme: Theme) -> str:
    """Return a label of two lines, which keeps the drawing narrow: the old operation muted, the new one bold."""
    old, new = (OPERATIONS[name or NULL].short_label for name in (change.before, change.after))
    color = theme.changes[change.kind]
    lines = [(old, font(old, theme.muted)), (f"→ {new}", font(f"→ {new}", theme.text, bold=True))]
    return chip(lines, theme.tint(color, 0.14), color)


def _tooltip(edge: Edge, cell: Cell) -> str:
    """``sep_conv_3x3: cₖ₋₁ → 2``."""
    return f"{edge.operation}: {node_label(cell, edge.source)} → {node_label(cell, edge.target)}"


def node_label(cell: Cell, node: int) -> str:
    """Return a node's label: ``cₖ₋₂`` and ``cₖ₋₁`` for inputs, then 0, 1, 2, …"""
    back = cell.inputs - node
    return f"cₖ₋{'₀₁₂₃₄₅₆₇₈₉'[back]}" if back > 0 else str(-back)

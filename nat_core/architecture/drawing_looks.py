"""What nodes and edges look like: on their own, or with what a transformation did to them."""

from collections.abc import Iterator
from types import MappingProxyType

from nat_core.architecture.cell import Cell, Edge
from nat_core.architecture.difference import EdgeChange
from nat_core.architecture.drawing_dot import EdgeLook, NodeLook, chip, font, subscript
from nat_core.architecture.operations import NULL, OPERATIONS
from nat_core.architecture.palette import NODE_FILLS, NODE_TEXT, Theme, mix, operation_color

_FADED = 0.4  # share of its colour that a dead part keeps
_LINE_WIDTH = MappingProxyType({"unchanged": 1.2, "changed": 2.2, "removed": 1.6, "added": 2.2})


def node_looks(cell: Cell, name: str, id_prefix: str, theme: Theme) -> Iterator[NodeLook]:
    """Inputs, intermediates and the output node."""
    dead, fed = set(cell.dead_nodes), {edge.target for edge in cell.edges}
    for node in range(cell.nodes):
        is_input = node < cell.inputs
        label = subscript("c", f"k-{cell.inputs - node}") if is_input else str(node - cell.inputs)
        tooltip = _node_tooltip(cell, node, node in dead, node in fed)
        faded = _FADED if node in dead else 1
        yield NodeLook(
            name=f"{name}_{node}",
            id=f"{id_prefix}-node-{node}",
            label=label,
            fill=theme.tint(NODE_FILLS["input" if is_input else "intermediate"], faded),
            text=NODE_TEXT if faded == 1 else theme.muted,
            border=theme.tint(mix(NODE_FILLS["input" if is_input else "intermediate"], "#000000", 0.6), faded),
            tooltip=tooltip,
            column=f"{name}_inputs" if is_input else None,
            data={"node": str(node)},
        )
    yield _output_node(cell, name, id_prefix)


def _node_tooltip(cell: Cell, node: int, dead: bool, fed: bool) -> str:
    if node < cell.inputs:
        back = cell.inputs - node
        return f"input c_{{k-{back}}}: output of the cell before" + (" the last" if back == 2 else "")
    text = f"node {node - cell.inputs}: sum of its incoming edges"
    if not fed:
        return f"node {node - cell.inputs}: dead, no edge enters it"
    return f"{text}; dead, it reaches no output" if dead else text


def _output_node(cell: Cell, name: str, id_prefix: str) -> NodeLook:
    parts = ", ".join(str(node - cell.inputs) for node in cell.output_nodes)
    how = "concatenation" if cell.combine == "concat" else "sum"
    meaning = f"{how} of nodes {parts}" if len(cell.output_nodes) > 1 else f"node {parts}"
    fill = NODE_FILLS["output"]
    return NodeLook(
        name=f"{name}_output",
        id=f"{id_prefix}-node-output",
        label=subscript("c", "k"),
        fill=fill,
        text=NODE_TEXT,
        border=mix(fill, "#000000", 0.6),
        tooltip=f"output c_{{k}}: {meaning}",
        data={"node": "output"},
    )


def output_looks(cell: Cell, name: str, id_prefix: str, theme: Theme) -> Iterator[EdgeLook]:
    """The unlabelled lines from the output's nodes to the output."""
    for node in cell.output_nodes:
        yield EdgeLook(
            key=f"{name}-output-{node}",
            id=f"{id_prefix}-output-{node}",
            source=f"{name}_{node}",
            target=f"{name}_output",
            chip="",
            color=theme.tint(theme.line, 0.7),
            width=0.8,
            style="solid",
            tooltip=f"node {node - cell.inputs} is part of the output",
        )


def plain_look(cell: Cell, position: int, name: str, id_prefix: str, theme: Theme) -> EdgeLook:
    """An edge in the colour of its operation's kind."""
    edge = cell.edges[position]
    dead = position in cell.dead_edges
    color = operation_color(edge.operation)
    return EdgeLook(
        key=f"{name}-edge-{position}",
        id=f"{id_prefix}-edge-{position}",
        source=f"{name}_{edge.source}",
        target=f"{name}_{edge.target}",
        chip=_operation_chip(edge.operation, theme, dead),
        color=theme.tint(color, _FADED) if dead else color,
        width=1.0 if edge.is_null else 1.6,
        style="dashed" if edge.is_null else "solid",
        tooltip=tooltip(edge, cell.inputs) + ("; dead, it reaches no output" if dead else ""),
        data={"edge": str(position), "operation": edge.operation},
    )


def before_look(change: EdgeChange, cell: Cell, key: str, name: str, id_prefix: str, theme: Theme) -> EdgeLook:
    """An edge of the input beside its output: grey, or thinly in the colour of what will happen to it."""
    position = change.position_before
    edge = cell.edges[position]
    becomes = "" if change.kind == "unchanged" else f"; becomes {change.after or 'absent'}"
    color = theme.changes[change.kind]
    border = None if change.kind == "unchanged" else color
    return EdgeLook(
        key=key,
        id=f"{id_prefix}-edge-{position}",
        source=f"{name}_{edge.source}",
        target=f"{name}_{edge.target}",
        chip=_operation_chip(edge.operation, theme, position in cell.dead_edges, border),
        color=color,
        width=1.2,
        style="dashed" if edge.is_null else "solid",
        tooltip=tooltip(edge, cell.inputs) + becomes,
        data={"edge": str(position), "operation": edge.operation, "change": change.kind},
    )


def after_look(change: EdgeChange, cell: Cell, key: str, name: str, id_prefix: str, theme: Theme) -> EdgeLook:
    """An edge of the output: grey where nothing changed, else "old → new" with colour, weight and dashes."""
    position, kind = change.position_after, change.kind
    absent = position is None
    is_null = (change.after or NULL) == NULL
    dead = not absent and position in cell.dead_edges
    suffix = f"removed-{change.position_before}" if absent else f"edge-{position}"
    shown = Edge(change.before or NULL, change.source, change.target)
    text = tooltip(shown, cell.inputs) if kind == "unchanged" else f"{_ends(shown, cell.inputs)}"
    return EdgeLook(
        key=key,
        id=f"{id_prefix}-{suffix}",
        source=f"{name}_{change.source}",
        target=f"{name}_{change.target}",
        chip=_operation_chip(change.after or NULL, theme, dead) if kind == "unchanged" else _change_chip(change, theme),
        color=theme.changes[kind],
        width=_LINE_WIDTH[kind],
        style="dashed" if is_null else "solid",
        tooltip=text
        if kind == "unchanged"
        else f"{change.before or 'absent'} → {change.after or 'absent'}: {text} ({kind})",
        data={"edge": str(position if not absent else ""), "operation": change.after or NULL, "change": kind},
    )


def _operation_chip(operation: str, theme: Theme, dead: bool = False, border: str | None = None) -> str:
    label = OPERATIONS[operation].short_label
    color = operation_color(operation)
    is_null = operation == NULL
    text = theme.muted if is_null or dead else theme.text
    fill = theme.tint(color, 0.06 if is_null or dead else 0.16)
    edge = border or theme.tint(color, 0.3 if is_null or dead else 0.75)
    return chip([(label, font(label, text))], fill, edge)


def _change_chip(change: EdgeChange, theme: Theme) -> str:
    """Two lines, so that a drawing with changes is no wider: the old operation struck through, the new one bold."""
    old, new = (OPERATIONS[name or NULL].short_label for name in (change.before, change.after))
    color = theme.changes[change.kind]
    lines = [(old, font(old, theme.muted)), (f"→ {new}", font(f"→ {new}", theme.text, bold=True))]
    return chip(lines, theme.tint(color, 0.14), color)


def tooltip(edge: Edge, inputs: int) -> str:
    """``sep_conv_3x3: c_{k-1} → 2``."""
    return f"{edge.operation}: {_ends(edge, inputs)}"


def _ends(edge: Edge, inputs: int) -> str:
    source = f"c_{{k-{inputs - edge.source}}}" if edge.source < inputs else str(edge.source - inputs)
    return f"{source} → {edge.target - inputs}"

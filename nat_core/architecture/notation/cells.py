"""From plain values to cells: reads a genotype's lists of edges in each of their forms."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nat_core.architecture.cell import MAX_NODES, Cell, Combine, Edge
from nat_core.architecture.notation.values import noun, shown
from nat_core.architecture.operations import canonical_name


class RawEdge(NamedTuple):
    """An edge whose direction is not known yet: its place in the text, its operation, and two node numbers."""

    place: str
    operation: str
    first: int
    second: int


class EdgeList(NamedTuple):
    """The edges of one cell as written.

    Attributes:
        edges: the edges in order.
        nodes: the number of intermediate nodes that the list implies; None if its edges name their targets.
        form: "pairs", "nested" or "triples".
        weighted: whether edges carry weights, which are ignored.
    """

    edges: list[RawEdge]
    nodes: int | None
    form: str
    weighted: bool = False


def edge_list(items: Any, place: str, inputs: int = 2) -> EdgeList:
    """Read edges from a list of pairs, a list of triples, or a list with such a list per node.

    Raises:
        ValueError: `items` is none of these.
    """
    if not isinstance(items, list):
        raise ValueError(f"{place} is a {noun(items)}; accepted: a list of edges")
    weighted = _weighted(items)
    items = _without_weights(items) if weighted else items
    if is_nested(items):
        edges = [
            _pair(pair, f"{place}[{node}][{i}]", inputs + node)
            for node, pairs in enumerate(items)
            for i, pair in enumerate(pairs)
        ]
        return EdgeList(edges, len(items), "nested", weighted)
    for i, item in enumerate(items):
        if not isinstance(item, list) or len(item) not in (2, 3) or len(item) != len(items[0]):
            raise ValueError(
                f"{place}[{i}] is {shown(item)}; accepted: (operation, source) for all edges, two per node, "
                "or (operation, source, target) for all"
            )
    if not items or len(items[0]) == 3:
        return EdgeList([_triple(item, f"{place}[{i}]") for i, item in enumerate(items)], None, "triples", weighted)
    if len(items) % 2:
        raise ValueError(f"{place} has {len(items)} (operation, source) pairs; accepted: two per node")
    edges = [_pair(item, f"{place}[{i}]", inputs + i // 2) for i, item in enumerate(items)]
    return EdgeList(edges, len(items) // 2, "pairs", weighted)


def is_nested(items: list[Any]) -> bool:
    """Whether `items` contains one list of edges per node."""
    return bool(items) and all(isinstance(item, list) and (not item or isinstance(item[0], list)) for item in items)


def _weighted(items: list[Any]) -> bool:
    """Whether any edge ends with a decimal number: some searches print a weight after each operation."""
    return any(
        isinstance(item, list)
        and ((len(item) > 2 and type(item[-1]) is float) or (is_nested(items) and _weighted(item)))
        for item in items
    )


def _without_weights(items: list[Any]) -> list[Any]:
    return [
        _without_weights(item)
        if isinstance(item, list) and item and isinstance(item[0], list)
        else [part for part in item if type(part) is not float]
        if isinstance(item, list)
        else item
        for item in items
    ]


def _pair(item: Any, place: str, target: int) -> RawEdge:
    if not isinstance(item, list) or len(item) != 2:
        raise ValueError(f"{place} is {shown(item)}; accepted: (operation, source)")
    if isinstance(item[1], str) and not isinstance(item[0], str):
        item = item[::-1]  # some projects write the source first
    return RawEdge(place, operation(item[0], place), node(item[1], place), target)


def _triple(item: list[Any], place: str) -> RawEdge:
    return RawEdge(place, operation(item[0], place), node(item[1], place), node(item[2], place))


def directed(raw: Sequence[RawEdge]) -> tuple[Edge, ...]:
    """Return edges from source to target; the target may be written first, as by FairDARTS, if all edges do so."""
    reversed_order = bool(raw) and all(edge.first > edge.second for edge in raw)
    ordered = [edge._replace(first=edge.second, second=edge.first) if reversed_order else edge for edge in raw]
    for edge in ordered:
        if edge.first >= edge.second:
            raise ValueError(
                f"{edge.place} ({edge.operation}): source {edge.first} → target {edge.second} would make a cycle; "
                "accepted: source < target on every edge (or target first on every edge)"
            )
    return tuple(Edge(edge.operation, edge.first, edge.second) for edge in ordered)


def check_concat(edges: EdgeList, concat: Sequence[int], place: str, inputs: int = 2) -> None:
    """Check that a list without targets has as many nodes as the output implies; otherwise edges or nodes were lost.

    Raises:
        ValueError: the numbers differ.
    """
    if edges.nodes is None or not concat:
        return
    expected = max(concat) + 1 - inputs
    if edges.nodes != expected:
        have = f"{len(edges.edges)} pairs" if edges.form == "pairs" else f"edges of {_counted(edges.nodes, 'node')}"
        raise ValueError(
            f"{place} has {have} for the {_counted(expected, 'node')} of {place}_concat {list(concat)}; "
            f"accepted: {'two pairs' if edges.form == 'pairs' else 'a list of edges'} per intermediate node"
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def own_cell(value: Any, name: str) -> Cell:
    """Read a cell from this project's own JSON, which can express every cell."""
    fields = {"inputs": int, "nodes": int, "edges": list, "output": list, "combine": str}
    if not isinstance(value, Mapping) or set(value) != set(fields):
        raise ValueError(f"the {name} cell needs exactly the fields {', '.join(fields)}")
    for field, kind in fields.items():
        if type(value[field]) is not kind:
            raise ValueError(f"{name}.{field} is a {noun(value[field])}; accepted: a {noun(kind())}")
    raw = [_own_edge(item, f"{name}.edges[{i}]") for i, item in enumerate(value["edges"])]
    edges = tuple(Edge(edge.operation, edge.first, edge.second) for edge in raw)
    return cell(name, value["inputs"], value["nodes"], edges, node_list(value["output"], f"{name}.output"),
                value["combine"])  # fmt: skip


def _own_edge(item: Any, place: str) -> RawEdge:
    if not isinstance(item, list) or len(item) != 3:
        raise ValueError(f"{place} is {shown(item)}; accepted: (operation, source, target)")
    return _triple(item, place)


def cell(
    name: str, inputs: int, nodes: int, edges: tuple[Edge, ...], output: tuple[int, ...], combine: Combine = "concat"
) -> Cell:
    """Build a cell; errors mention its `name`."""
    try:
        return Cell(inputs, nodes, edges, output, combine)
    except ValueError as error:
        raise ValueError(f"{name} cell: {error}") from None


def operation(value: Any, place: str) -> str:
    """Return the canonical name of an operation in any known spelling."""
    if not isinstance(value, str):
        raise ValueError(f"{place}: the operation is {shown(value)}; accepted: its name as a string")
    try:
        return canonical_name(value)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def node(value: Any, place: str) -> int:
    """Check and return a node's number."""
    if type(value) is not int or not 0 <= value < MAX_NODES:
        raise ValueError(f"{place}: the node is {shown(value)}; accepted: a whole number from 0 to {MAX_NODES - 1}")
    return value


def node_list(value: Any, place: str) -> tuple[int, ...]:
    """Check and return a list of node numbers."""
    if not isinstance(value, list):
        raise ValueError(f"{place} is a {noun(value)}; accepted: range(a, b) or a list of node numbers")
    return tuple(node(item, f"{place}[{i}]") for i, item in enumerate(value))

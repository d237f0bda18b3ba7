"""Plain data → architecture: the one parser of every notation."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from nat_core.architecture.cell import MAX_NODES, Architecture, Cell, Combine, Edge
from nat_core.architecture.notation.literals import ACCEPTED, noun, read, shown
from nat_core.architecture.operations import canonical_name

MAX_TEXT_BYTES = 64 * 1024


def parse(text: str) -> Architecture:
    """The architecture that `text` describes, in whichever notation.

    Raises:
        ValueError: too long, not a known notation, or not a legal cell; names the place and what is accepted.
    """
    size = len(text.encode("utf-8", errors="replace"))
    if size > MAX_TEXT_BYTES:
        raise ValueError(f"the text has {size:,} bytes; at most {MAX_TEXT_BYTES:,} are accepted")
    text = text.strip()
    if not text:
        raise ValueError(f"the text is empty; {ACCEPTED}")
    if text.startswith("|"):
        return _parse_nasbench201(text)
    value = read(text)
    if isinstance(value, str) and value.startswith("|"):
        return _parse_nasbench201(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"the text is a {noun(value)}, not an architecture; {ACCEPTED}")
    return _architecture(value)


class _Raw(NamedTuple):
    """One edge before its direction is known: its place in the text, operation, and two node numbers."""

    place: str
    operation: str
    first: int
    second: int


def _architecture(value: Mapping[str, Any]) -> Architecture:
    reduction_key = "reduction" if "reduction" in value else "reduce"
    if "normal" not in value:
        raise ValueError(
            f"the field 'normal' is missing; found: {', '.join(map(str, list(value)[:8])) or 'nothing'}; {ACCEPTED}"
        )
    if isinstance(value["normal"], Mapping):
        reduction = value.get(reduction_key)
        cell = None if reduction is None else _own_cell(reduction, "reduction")
        return Architecture(_own_cell(value["normal"], "normal"), cell)
    missing = [key for key in ("normal_concat", reduction_key, f"{reduction_key}_concat") if key not in value]
    if missing:
        raise ValueError(f"the field {missing[0]!r} is missing; {ACCEPTED}")
    raw = {key: _raw_edges(value[key], key, inputs=2) for key in ("normal", reduction_key)}
    edges = _directed([edge for cell in raw.values() for edge in cell])
    split = len(raw["normal"])
    cells = []
    for key, own in (("normal", edges[:split]), (reduction_key, edges[split:])):
        concat = _nodes(value[f"{key}_concat"], f"{key}_concat")
        listed = len(value[key]) if _is_nested(value[key]) else 0
        nodes = max([2, listed + 1, *(edge.target for edge in own), *concat]) + 1
        cells.append(_cell(key, inputs=2, nodes=nodes, edges=own, output=concat))
    return Architecture(*cells)


def _own_cell(value: Any, name: str) -> Cell:
    """A cell of this project's own JSON, which can express everything."""
    fields = {"inputs": int, "nodes": int, "edges": list, "output": list, "combine": str}
    if not isinstance(value, Mapping) or set(value) != set(fields):
        raise ValueError(f"the {name} cell needs exactly the fields {', '.join(fields)}")
    for field, kind in fields.items():
        if type(value[field]) is not kind:
            raise ValueError(f"{name}.{field} is a {noun(value[field])}; accepted: a {noun(kind())}")
    raw = _raw_edges(value["edges"], f"{name}.edges", inputs=value["inputs"])
    edges = tuple(Edge(edge.operation, edge.first, edge.second) for edge in raw)
    output = _nodes(value["output"], f"{name}.output")
    return _cell(name, value["inputs"], value["nodes"], edges, output, value["combine"])


def _cell(
    name: str, inputs: int, nodes: int, edges: tuple[Edge, ...], output: tuple[int, ...], combine: Combine = "concat"
) -> Cell:
    try:
        return Cell(inputs, nodes, edges, output, combine)
    except ValueError as error:
        raise ValueError(f"{name} cell: {error}") from None


def _is_nested(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, list) and (not item or isinstance(item[0], list)) for item in items)


def _raw_edges(items: Any, place: str, inputs: int) -> list[_Raw]:
    """Edges of one cell, whichever of the list notations they are in."""
    if not isinstance(items, list):
        raise ValueError(f"{place} is a {noun(items)}; accepted: a list of edges")
    if _is_nested(items):
        return [
            _raw_pair(pair, f"{place}[{node}][{i}]", inputs + node)
            for node, pairs in enumerate(items)
            for i, pair in enumerate(pairs)
        ]
    for i, item in enumerate(items):
        if not isinstance(item, list) or len(item) not in (2, 3) or len(item) != len(items[0]):
            raise ValueError(
                f"{place}[{i}] is {shown(item)}; accepted: (operation, source) for all edges, two per node, "
                "or (operation, source, target) for all"
            )
    if not items or len(items[0]) == 3:
        return [_raw_triple(item, f"{place}[{i}]") for i, item in enumerate(items)]
    if len(items) % 2:
        raise ValueError(f"{place} has {len(items)} (operation, source) pairs; accepted: two per node")
    return [_raw_pair(item, f"{place}[{i}]", inputs + i // 2) for i, item in enumerate(items)]


def _raw_pair(item: Any, place: str, target: int) -> _Raw:
    if not isinstance(item, list) or len(item) != 2:
        raise ValueError(f"{place} is {shown(item)}; accepted: (operation, source)")
    return _Raw(place, _operation(item[0], place), _node(item[1], place), target)


def _raw_triple(item: list[Any], place: str) -> _Raw:
    return _Raw(place, _operation(item[0], place), _node(item[1], place), _node(item[2], place))


def _directed(raw: list[_Raw]) -> tuple[Edge, ...]:
    """FairDARTS writes the target first; a text does so for all of its edges or for none."""
    reversed_order = bool(raw) and all(edge.first > edge.second for edge in raw)
    ordered = [edge._replace(first=edge.second, second=edge.first) if reversed_order else edge for edge in raw]
    for edge in ordered:
        if edge.first >= edge.second:
            raise ValueError(
                f"{edge.place} ({edge.operation}): source {edge.first} → target {edge.second} would make a cycle; "
                "accepted: source < target on every edge (or target first on every edge)"
            )
    return tuple(Edge(edge.operation, edge.first, edge.second) for edge in ordered)


def _operation(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{place}: the operation is {shown(value)}; accepted: its name as a string")
    try:
        return canonical_name(value)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _node(value: Any, place: str) -> int:
    if type(value) is not int or not 0 <= value < MAX_NODES:
        raise ValueError(f"{place}: the node is {shown(value)}; accepted: a whole number from 0 to {MAX_NODES - 1}")
    return value


def _nodes(value: Any, place: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{place} is a {noun(value)}; accepted: range(a, b) or a list of node numbers")
    return tuple(_node(node, f"{place}[{i}]") for i, node in enumerate(value))


def _parse_nasbench201(text: str) -> Architecture:
    edges = []
    groups = text.split("+")
    for target, group in enumerate(groups, start=1):
        inner = group.strip()
        if len(inner) < 3 or inner[0] != "|" or inner[-1] != "|":
            raise ValueError(
                f"group {target} is {shown(inner)}; accepted: |op~source|op~source|… with + between groups"
            )
        for i, item in enumerate(inner[1:-1].split("|")):
            name, separator, source = item.partition("~")
            place = f"group {target}, edge {i}"
            if not separator or not (source.isascii() and source.isdigit() and len(source) <= 2):
                raise ValueError(f"{place} is {shown(item)}; accepted: operation~source")
            edges.append(Edge(_operation(name.strip(), place), int(source), target))
    nodes = len(groups) + 1
    return Architecture(_cell("NAS-Bench-201", 1, nodes, tuple(edges), (nodes - 1,), "sum"))

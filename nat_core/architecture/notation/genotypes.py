"""Genotypes: the cells of DARTS, NAT, FairDARTS, pt.darts, aw_nas and Vega, and this project's own JSON.

Sources: DARTS (Liu et al., ICLR 2019), NAT (Guo et al., NeurIPS 2019), FairDARTS (Chu et al., ECCV 2020).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.notation.cells import cell, check_concat, directed, edge_list, is_nested, node_list, own_cell
from nat_core.architecture.notation.values import ACCEPTED, Bare, Call

# An architecture, and notes on what was ignored to read it.
Read = tuple[Architecture, tuple[str, ...]]
_FIELD = re.compile(r"(normal|reduce|reduction)(?:_\d)?(_concat)?")
_POSITIONAL = ("normal", "normal_concat", "reduce", "reduce_concat")
CELL_NAMES = ("normal", "reduce")


def _fields(value: Any) -> Mapping[str, Any]:
    """Return the fields of a dict or call under DARTS' names; unknown fields keep their names."""
    if isinstance(value, Call):
        named = dict(zip(_POSITIONAL, value.arguments, strict=False)) if "enotype" in value.name else {}
        value = named | value.fields
    if not isinstance(value, Mapping):
        return {}
    renamed: dict[str, Any] = {}
    for key, content in value.items():
        match = _FIELD.fullmatch(key)
        name = f"{'normal' if match[1] == 'normal' else 'reduce'}{match[2] or ''}" if match else key
        renamed.setdefault(name, content)
    return renamed


def form(value: Any) -> str | None:
    """Return the form of a genotype's lists of edges, judged by its first edge; None if it is not a genotype."""
    fields = _fields(value)
    lists = [fields[name] for name in CELL_NAMES if isinstance(fields.get(name), list)]
    if not lists or any(isinstance(fields.get(name), Bare) for name in _POSITIONAL):
        return None
    first = next((items[0] for items in lists if items), None)
    if not isinstance(first, list):
        return "genotype"
    if any(is_nested(items) for items in lists):
        return "nested"
    if first and type(first[-1]) is float:
        return "weighted"
    numbers = [part for part in first if type(part) is int]
    if len(numbers) < 2:
        return "pairs"
    return "reversed" if numbers[0] > numbers[1] else "genotype"


def read_genotype(value: Any) -> Read:
    """Read the cells that the fields describe."""
    if isinstance(value, Call):
        _check_call(value)
    fields = _fields(value)
    given = [name for name in CELL_NAMES if fields.get(name) is not None]
    if "normal" not in given and not _alone(given, fields):
        found = ", ".join(list(fields)[:8]) or "nothing"
        raise ValueError(f"the field 'normal' is missing; found: {found}; {ACCEPTED}")
    lists = {}
    for name in given:
        if fields.get(f"{name}_concat") is None:
            raise ValueError(f"the field '{name}_concat' is missing; {ACCEPTED}")
        lists[name] = edge_list(fields[name], name)
    edges = directed([edge for name in given for edge in lists[name].edges])
    made: list[Cell] = []
    for name in given:
        concat = node_list(fields[f"{name}_concat"], f"{name}_concat")
        own, edges = edges[: len(lists[name].edges)], edges[len(lists[name].edges) :]
        nodes = max([2, (lists[name].nodes or 0) + 1, *(edge.target for edge in own), *concat]) + 1
        made.append(cell(spoken(name), 2, nodes, own, concat))
        check_concat(lists[name], concat, name)
    return Architecture(*made), tuple(_genotype_notes(fields, given, lists))


def _alone(given: Sequence[str], fields: Mapping[str, Any]) -> bool:
    """Whether only the reduction cell is given, and intentionally so."""
    return list(given) == ["reduce"] and "normal_concat" not in fields


def _check_call(value: Call) -> None:
    accepted = f"accepted: {', '.join(_POSITIONAL)}"
    if len(value.arguments) > len(_POSITIONAL):
        raise ValueError(f"{value.name} has {len(value.arguments)} values; {accepted}")
    if set(_POSITIONAL[: len(value.arguments)]) & set(value.fields):
        raise ValueError(f"{value.name} gives a field by place and by name; {accepted}")


def _genotype_notes(fields: Mapping[str, Any], given: Sequence[str], lists: Mapping[str, Any]) -> Iterator[str]:
    for name in given:
        if lists[name].weighted:
            yield f"the weights in the {spoken(name)} cell are ignored"
    if given == ["reduce"]:
        yield "only a reduction cell is given; it is taken as a cell alone"
    known = {*_POSITIONAL, *_PLAIN_FIELDS}
    ignored = [key for key, content in fields.items() if key not in known and isinstance(content, list | dict)]
    if ignored:
        yield f"ignored: {', '.join(sorted(ignored)[:5])}"


# Fields that may accompany a genotype and do not affect its cells.
_PLAIN_FIELDS = ("name", "source", "published", "derived_from", "method", "primitives")


def spoken(name: str) -> str:
    """Return the cell's name for people."""
    return "normal" if name == "normal" else "reduction"


def is_own_json(value: Any) -> bool:
    """Whether the value is in this project's own JSON notation."""
    return _has_cell(value, "normal", "edges") or _has_cell(value, "normal", "inputs")


def _has_cell(value: Any, name: str, field: str) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get(name), Mapping) and field in value[name]


def read_own_json(value: Any) -> Read:
    """Read cells from this project's own JSON."""
    reduction = value.get("reduction", value.get("reduce"))
    return Architecture(own_cell(value["normal"], "normal"), reduction and own_cell(reduction, "reduction")), ()


def is_vega(value: Any) -> bool:
    """Whether the value is Vega's: each cell has its own genotype and concat."""
    return _has_cell(value, "normal", "genotype") or _has_cell(value, "reduce", "genotype")


def read_vega(value: Any) -> Read:
    """Read the cells of a Vega network description."""
    fields: dict[str, Any] = {}
    for name in CELL_NAMES:
        if isinstance(value.get(name), Mapping):
            fields |= {name: value[name].get("genotype"), f"{name}_concat": value[name].get("concat")}
    return read_genotype(fields)


def is_list_of_four(value: Any) -> bool:
    """Whether the value is a list of a genotype's four fields without their names."""
    return isinstance(value, list) and len(value) == 4 and all(
        isinstance(value[i], list) and bool(value[i]) for i in range(4)
    ) and all(names_operations(value[i]) and all(type(n) is int for n in value[i + 1]) for i in (0, 2))  # fmt: skip


def names_operations(items: list[Any]) -> bool:
    """Whether the first edge, however deeply nested, begins with an operation's name."""
    first = items[0] if items else None
    while isinstance(first, list) and first and isinstance(first[0], list):
        first = first[0]
    return isinstance(first, list) and len(first) > 1 and isinstance(first[0], str)


def read_list_of_four(value: Any) -> Read:
    """Read the cells of the four fields."""
    return read_genotype(dict(zip(_POSITIONAL, value, strict=True)))


def writer(edges: Callable[[Cell], str]) -> Callable[[Architecture], str]:
    """Return a function that writes a genotype, using `edges` for each list of edges."""

    def write(architecture: Architecture) -> str:
        fields = []
        for field, (_, own) in zip(CELL_NAMES, architecture.cells, strict=False):
            fields += [f"{field}={edges(own)}", f"{field}_concat={list(own.output)}"]
        return f"Genotype({', '.join(fields)})"

    return write


def triples(cell: Cell) -> str:
    """Write edges as (operation, source, target)."""
    return f"[{', '.join(f'({e.operation!r}, {e.source}, {e.target})' for e in cell.edges)}]"


def reversed_triples(cell: Cell) -> str:
    """Write edges as (operation, target, source)."""
    return f"[{', '.join(f'({e.operation!r}, {e.target}, {e.source})' for e in cell.edges)}]"


def _pair_list(edges: tuple[Edge, ...]) -> str:
    return f"[{', '.join(f'({e.operation!r}, {e.source})' for e in edges)}]"


def pairs(cell: Cell) -> str:
    """Write edges as (operation, source)."""
    return _pair_list(cell.edges)


def nested(cell: Cell) -> str:
    """Write edges as (operation, source) in one list per node."""
    return f"[{', '.join(_pair_list(cell.incoming(node)) for node in cell.intermediates)}]"


def own_json(architecture: Architecture) -> str:
    """Write the cells as this project's own JSON, which can express everything."""

    def cell(value: Cell) -> dict[str, Any]:
        return {
            "inputs": value.inputs,
            "nodes": value.nodes,
            "edges": [list(edge) for edge in value.edges],
            "output": list(value.output),
            "combine": value.combine,
        }

    return json.dumps({name: cell(value) for name, value in architecture.cells})

"""Cells of other libraries and benchmarks: NNI, NAS-Bench-301 and NASLib, ENAS, NAS-Bench-201 and its Structure.

Sources: NAS-Bench-301 (Siems et al., 2020), NAS-Bench-201 (Dong & Yang, ICLR 2020), ENAS (Pham et al., ICML 2018).
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nat_core.architecture.cell import Architecture, Edge
from nat_core.architecture.notation.cells import RawEdge, cell, directed, edge_list, is_nested, node, operation
from nat_core.architecture.notation.genotypes import CELL_NAMES, Read, names_operations, spoken
from nat_core.architecture.notation.values import Call, shown

# NNI: the keys of its model hub, and those of its older examples.

_HUB = re.compile(r"(normal|reduce|reduction)/(op|input)_(\d{1,2})_(\d{1,2})")
_OLDER = re.compile(r"(normal|reduce)_n(\d{1,2})_(p(\d{1,2})|switch)")
# The order of choices in NNI's DARTS example; some exports give only their numbers.
_OLDER_OPERATIONS = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
    "null",
)  # fmt: skip


def is_hub(value: Any) -> bool:
    """Whether the value has the keys of NNI's model hub."""
    return isinstance(value, Mapping) and any(_HUB.fullmatch(key) for key in value)


def read_hub(value: Mapping[str, Any]) -> Read:
    """Read the cells whose operations and inputs are named by the keys."""
    edges: dict[str, list[RawEdge]] = {name: [] for name in CELL_NAMES}
    for key, content in value.items():
        match = _HUB.fullmatch(key)
        if not match or match[2] != "op":
            continue
        source = f"{match[1]}/input_{match[3]}_{match[4]}"
        if source not in value:
            raise ValueError(f"the key {source!r} is missing; accepted: an input for every op")
        chosen = value[source]
        chosen = chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else chosen
        name = "normal" if match[1] == "normal" else "reduce"
        edges[name].append(RawEdge(key, operation(content, key), node(chosen, source), node(int(match[3]), key)))
    return _all_concatenated(edges, "NNI's model hub")


def is_older_nni(value: Any) -> bool:
    """Whether the value has the keys of NNI's older example."""
    return isinstance(value, Mapping) and any(_OLDER.fullmatch(key) for key in value)


def read_older_nni(value: Mapping[str, Any]) -> Read:
    """Read the cells that the keys name, without the edges that the switches do not select."""
    edges: dict[str, list[RawEdge]] = {name: [] for name in CELL_NAMES}
    for key, content in value.items():
        match = _OLDER.fullmatch(key)
        if not match or match[3] == "switch" or content in ([], None):
            continue
        switch = value.get(f"{match[1]}_n{match[2]}_switch")
        if isinstance(switch, list) and key not in switch and int(match[4]) not in switch:
            continue
        content = content[0] if isinstance(content, list) and len(content) == 1 else content
        if type(content) is int and 0 <= content < len(_OLDER_OPERATIONS):
            content = _OLDER_OPERATIONS[content]
        edges[match[1]].append(
            RawEdge(key, operation(content, key), node(int(match[4]), key), node(int(match[2]), key))
        )
    return _all_concatenated(edges, "NNI's DARTS")


def _all_concatenated(edges: Mapping[str, Sequence[RawEdge]], origin: str) -> Read:
    """Build cells whose output concatenates all intermediate nodes; edges are sorted by target."""
    made = []
    for name in CELL_NAMES:
        own = directed(sorted(edges[name], key=lambda edge: edge.second))
        if not own:
            raise ValueError(f"the {spoken(name)} cell has no edge; accepted: both cells, as {origin} writes them")
        nodes = max(edge.target for edge in own) + 1
        made.append(cell(spoken(name), 2, nodes, own, tuple(range(2, nodes))))
    if all(len(item.intermediates) == 4 for item in made):
        return Architecture(*made), ()
    return Architecture(*made), (
        f"all intermediate nodes are concatenated; with other than 4, {origin} may leave some out",
    )


def hub_text(architecture: Architecture) -> str:
    """The model hub's keys as JSON."""
    keys: dict[str, Any] = {}
    for field, (_, own) in zip(CELL_NAMES, architecture.cells, strict=False):
        for target in own.intermediates:
            for k, edge in enumerate(own.incoming(target)):
                name = "none" if edge.is_null else edge.operation
                keys |= {f"{field}/op_{target}_{k}": name, f"{field}/input_{target}_{k}": edge.source}
    return json.dumps(keys)


# NAS-Bench-301 and NASLib.

_CONFIGURATION = re.compile(r"(?:.*:)?edge_(normal|reduce)_(\d{1,2})")
NASBENCH301_OPERATIONS = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
# Entry k holds source and target of edge k in the benchmark's configuration.
_CONFIGURATION_EDGES = tuple((source, target) for target in range(2, 6) for source in range(target))


def is_configuration(value: Any) -> bool:
    """Whether the value has NAS-Bench-301's keys."""
    return isinstance(value, Mapping) and any(_CONFIGURATION.fullmatch(key) for key in value)


def read_configuration(value: Mapping[str, Any]) -> Read:
    """Read the cells; each has the edges that are present among the benchmark's 14."""
    edges: dict[str, list[RawEdge]] = {name: [] for name in CELL_NAMES}
    for key, content in value.items():
        if match := _CONFIGURATION.fullmatch(key):
            number = int(match[2])
            if number >= len(_CONFIGURATION_EDGES):
                raise ValueError(f"{key}: edge {number}; accepted: 0 to {len(_CONFIGURATION_EDGES) - 1}")
            edges[match[1]].append(RawEdge(key, operation(content, key), *_CONFIGURATION_EDGES[number]))
    for name in CELL_NAMES:
        edges[name].sort(key=lambda edge: edge[2:][::-1])
        _check_inputs(value, name, edges[name])
    architecture, _ = _all_concatenated(edges, "NAS-Bench-301")
    return architecture, ()


def _check_inputs(value: Mapping[str, Any], name: str, edges: Sequence[RawEdge]) -> None:
    """Check that the keys inputs_node_…, which repeat the inputs of each node, agree with the edges."""
    for key, content in value.items():
        match = re.fullmatch(rf"(?:.*:)?inputs_node_{name}_(\d{{1,2}})", key)
        if match and isinstance(content, str):
            present = "_".join(str(edge.first) for edge in edges if edge.second == int(match[1]))
            if present != content:
                raise ValueError(
                    f"{key} is {content!r:.40}, but the edges that are given come from {present or 'none'}"
                )


def is_compact(value: Any) -> bool:
    """Whether the value is two lists of pairs of integers."""
    return isinstance(value, list) and len(value) == 2 and all(
        isinstance(items, list) and len(items) >= 2 and all(
            isinstance(item, list) and len(item) == 2 and all(type(number) is int for number in item) for item in items
        )
        for items in value
    )  # fmt: skip


def read_compact(value: Any) -> Read:
    """Read cells from (input, operation) pairs, two per node."""
    edges: dict[str, list[RawEdge]] = {}
    for name, items in zip(CELL_NAMES, value, strict=True):
        if len(items) % 2:
            raise ValueError(
                f"the {spoken(name)} cell has {len(items)} (input, operation) pairs; accepted: two per node"
            )
        edges[name] = [_compact_edge(item, f"{name}[{i}]", 2 + i // 2) for i, item in enumerate(items)]
    return _all_concatenated(edges, "NASLib")


def _compact_edge(item: list[int], place: str, target: int) -> RawEdge:
    source, number = item
    if not 0 <= number < len(NASBENCH301_OPERATIONS):
        raise ValueError(f"{place}: operation {number}; accepted: 0 to 6 ({', '.join(NASBENCH301_OPERATIONS)})")
    return RawEdge(place, NASBENCH301_OPERATIONS[number], node(source, place), target)


def compact_text(architecture: Architecture) -> str:
    """Write (input, operation number) pairs; operations without a number become −1, which cannot be read back."""
    numbers = {name: number for number, name in enumerate(NASBENCH301_OPERATIONS)}
    return str(tuple([(e.source, numbers.get(e.operation, -1)) for e in cell.edges] for _, cell in architecture.cells))


# ENAS micro search.

ENAS_OPERATIONS = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect")
ENAS_LENGTH = 40


def enas_numbers(value: Any) -> list[int] | None:
    """Return the 40 numbers of an ENAS arc, given as one list or one list per cell; None for anything else."""
    if (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(part, list) and len(part) == 20 for part in value)
    ):
        value = [*value[0], *value[1]]
    is_arc = isinstance(value, list) and len(value) == ENAS_LENGTH and all(type(number) is int for number in value)
    return value if is_arc else None


def is_enas(value: Any) -> bool:
    """Whether the value is 40 numbers that stand for legal inputs and ENAS' operations."""
    numbers = enas_numbers(value)
    return numbers is not None and all(
        0 <= number < (len(ENAS_OPERATIONS) if i % 2 else 2 + i % 20 // 4) for i, number in enumerate(numbers)
    )


def read_enas(value: Any) -> Read:
    """Read the cells of an arc; their outputs concatenate the loose ends."""
    made = []
    numbers = enas_numbers(value) or []
    for name, part in zip(CELL_NAMES, (numbers[:20], numbers[20:]), strict=True):
        edges = tuple(Edge(ENAS_OPERATIONS[part[i + 1]], part[i], 2 + i // 4) for i in range(0, 20, 2))
        loose = tuple(n for n in range(2, 7) if all(edge.source != n for edge in edges))
        made.append(cell(spoken(name), 2, 7, edges, loose))
    return Architecture(*made), ()


def enas_text(architecture: Architecture) -> str:
    """Write numbers as ENAS prints them; operations without a number become 9, which cannot be read back."""
    numbers = {name: number for number, name in enumerate(ENAS_OPERATIONS)}
    return " ".join(f"{e.source} {numbers.get(e.operation, 9)}" for _, e in architecture.edges)


# NAS-Bench-201.


def is_structure(value: Any) -> bool:
    """Whether the value is a Structure, or a Structure's lists of (operation, source) pairs, one per node."""
    if isinstance(value, Call):
        return value.name == "Structure" and len(value.arguments) == 1 and isinstance(value.arguments[0], list)
    return (
        isinstance(value, list) and len(value) > 1 and is_nested(value) and bool(value[0]) and names_operations(value)
        and all(
            len(items) == i and all(isinstance(e, list) and len(e) == 2 and e[1] == s for s, e in enumerate(items))
            for i, items in enumerate(value, start=1)
        )
    )  # fmt: skip


def read_structure(value: Any) -> Read:
    """Read the NAS-Bench-201 cell of a Structure."""
    groups = value.arguments[0] if isinstance(value, Call) else value
    raw = edge_list(groups, "Structure", inputs=1)
    if raw.form != "nested":
        raise ValueError("Structure needs a tuple of (operation, source) pairs per node")
    return _nasbench201(directed(raw.edges), len(groups) + 1), ()


def is_cell_string(value: Any) -> bool:
    """Whether the value is a string that begins like NAS-Bench-201's."""
    return isinstance(value, str) and value.startswith("|") and "~" in value


def read_cell_string(text: str) -> Read:
    """Read the cell of a NAS-Bench-201 string; it may have any number of nodes."""
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
            edges.append(Edge(operation(name.strip(), place), int(source), target))
    return _nasbench201(tuple(edges), len(groups) + 1), ()


def _nasbench201(edges: tuple[Edge, ...], nodes: int) -> Architecture:
    return Architecture(cell("NAS-Bench-201", 1, nodes, edges, (nodes - 1,), "sum"))


_NASBENCH201_NAMES = {f"conv_{k}x{k}": f"nor_conv_{k}x{k}" for k in (1, 3, 5, 7)} | {"null": "none"}


def cell_string(architecture: Architecture) -> str:
    """Write the cell as a NAS-Bench-201 string."""
    own = architecture.normal
    groups = (
        "|".join(f"{_NASBENCH201_NAMES.get(e.operation, e.operation)}~{e.source}" for e in own.incoming(target))
        for target in own.intermediates
    )
    return "+".join(f"|{group}|" for group in groups)

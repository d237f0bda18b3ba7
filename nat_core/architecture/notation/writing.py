"""Architecture → text: one table of writers; the parser is the judge of what a notation can express."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.notation.reading import parse


def _genotype_text(architecture: Architecture, cell_text: Callable[[Cell], str]) -> str:
    fields = []
    for field, (_, cell) in zip(("normal", "reduce"), architecture.cells, strict=True):
        fields += [f"{field}={cell_text(cell)}", f"{field}_concat={list(cell.output)}"]
    return f"Genotype({', '.join(fields)})"


def _triples(cell: Cell) -> str:
    return f"[{', '.join(f'({e.operation!r}, {e.source}, {e.target})' for e in cell.edges)}]"


def _reversed_triples(cell: Cell) -> str:
    return f"[{', '.join(f'({e.operation!r}, {e.target}, {e.source})' for e in cell.edges)}]"


def _pair_list(edges: tuple[Edge, ...]) -> str:
    return f"[{', '.join(f'({e.operation!r}, {e.source})' for e in edges)}]"


def _pairs(cell: Cell) -> str:
    return _pair_list(cell.edges)


def _nested(cell: Cell) -> str:
    return f"[{', '.join(_pair_list(cell.incoming(node)) for node in cell.intermediates)}]"


def _json(architecture: Architecture) -> str:
    def cell(value: Cell) -> dict[str, Any]:
        return {
            "inputs": value.inputs,
            "nodes": value.nodes,
            "edges": [list(edge) for edge in value.edges],
            "output": list(value.output),
            "combine": value.combine,
        }

    return json.dumps({name: cell(value) for name, value in architecture.cells})


_NASBENCH201_NAMES = {"conv_1x1": "nor_conv_1x1", "conv_3x3": "nor_conv_3x3", "null": "none"}


def _nasbench201(architecture: Architecture) -> str:
    cell = architecture.normal
    groups = (
        "|".join(f"{_NASBENCH201_NAMES.get(e.operation, e.operation)}~{e.source}" for e in cell.incoming(node))
        for node in cell.intermediates
    )
    return "+".join(f"|{group}|" for group in groups)


class Notation(NamedTuple):
    """One way to write architectures: its name, what it is, and its writer."""

    name: str
    title: str
    write: Callable[[Architecture], str]


NOTATIONS: Mapping[str, Notation] = {
    notation.name: notation
    for notation in (
        Notation("genotype", "Genotype, (operation, source, target)", lambda a: _genotype_text(a, _triples)),
        Notation("pairs", "DARTS pairs, two per node", lambda a: _genotype_text(a, _pairs)),
        Notation("reversed", "FairDARTS, (operation, target, source)", lambda a: _genotype_text(a, _reversed_triples)),
        Notation("nested", "pt.darts, a list per node", lambda a: _genotype_text(a, _nested)),
        Notation("nasbench201", "NAS-Bench-201 string", _nasbench201),
        Notation("json", "JSON", _json),
    )
}


def write(architecture: Architecture, notation: str = "genotype") -> str:
    """`architecture` in `notation`, so that `parse` gives the very same architecture back.

    Raises:
        ValueError: unknown notation, or one that cannot express this architecture; names those that can.
    """
    if notation not in NOTATIONS:
        raise ValueError(f"unknown notation {notation!r}; accepted: {', '.join(NOTATIONS)}")
    text = _attempt(architecture, notation)
    if text is None:
        able = ", ".join(expressible(architecture))
        raise ValueError(f"the notation {notation!r} cannot express this architecture; these can: {able}")
    return text


def expressible(architecture: Architecture) -> tuple[str, ...]:
    """Names of the notations that can express `architecture` without loss."""
    return tuple(name for name in NOTATIONS if _attempt(architecture, name) is not None)


def shortest(architecture: Architecture) -> str:
    """The customary notation: a NAS-Bench-201 string for such a cell, else a genotype, else JSON."""
    return next(text for name in ("nasbench201", "genotype", "json") if (text := _attempt(architecture, name)))


def _attempt(architecture: Architecture, notation: str) -> str | None:
    """The text, or None where it would not read back as the same value: the parser is the judge."""
    if notation in ("genotype", "pairs", "reversed", "nested") and architecture.reduction is None:
        return None
    text = NOTATIONS[notation].write(architecture)
    try:
        return text if parse(text) == architecture else None
    except ValueError:
        return None

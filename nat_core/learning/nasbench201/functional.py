"""Which architectures compute the same function: a canonical form without dead paths and identities.

Two architectures with equal forms differ only in names of nodes, in null edges and in skip connections that add
what could be added directly. What enters no path is treated as zero, also after a convolution
(whose batch norm could only add a constant).
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell
from nat_core.architecture.operations import SKIP

# What a node computes: a sum of terms, each with its multiplicity.
_Sum = Counter[str]


def canonical_form(architecture: Architecture) -> str:
    """A digest that is equal exactly for functionally equal architectures (up to the order of concatenation)."""
    return _digest([_cell_form(cell, name == "reduction") for name, cell in architecture.cells])


def functional_classes(architectures: Sequence[Architecture]) -> NDArray[np.int64]:
    """Return the numbers of functional classes, shape [n], from 0 in order of appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(canonical_form(item), len(numbers)) for item in architectures], dtype=np.int64)


def _cell_form(cell: Cell, is_reduction: bool) -> str:
    sums: list[_Sum] = [Counter([f"input {node}"]) for node in range(cell.inputs)]
    for node in cell.intermediates:
        total: _Sum = Counter()
        for operation, source, _ in cell.incoming(node):
            total += _term(operation, sums[source], strided=is_reduction and source < cell.inputs)
        sums.append(total)
    return _digest([cell.combine, *sorted(_sum_form(sums[node]) for node in cell.output_nodes)])


def _term(operation: str, source: _Sum, strided: bool) -> _Sum:
    if operation == "null" or not source:
        return Counter()
    if operation == SKIP and not strided:
        return source
    return Counter([_digest([operation, str(strided), _sum_form(source)])])


def _sum_form(total: _Sum) -> str:
    return _digest([f"{count} {term}" for term, count in sorted(total.items())])


def _digest(parts: list[str]) -> str:
    return blake2b("|".join(parts).encode(), digest_size=12).hexdigest()

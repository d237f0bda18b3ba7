"""Quantities of all NAS-Bench-201 cells as columns: costs, accuracies and latencies, each with unit, kind and source.

All in code order (see `table`), so a column is an axis of a chart and a look-up is one gather.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.operations import INDEX
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Lattice
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

QuantityKind = Literal["cost", "accuracy", "latency"]
_NETWORK = NETWORKS[table.SPACE.network]


@dataclass(frozen=True)
class Quantity:
    """One column.

    Attributes:
        name: name in addresses and files.
        title: name shown to people.
        unit: unit of displayed values.
        kind: kind of quantity.
        source: source of its numbers.
        conditions: the source in short for an axis: the network's size, or the kind of accuracy.
        scale: divisor of stored values for display: 10⁶ for MACs in millions.
    """

    name: str
    title: str
    unit: str
    kind: QuantityKind
    source: str
    conditions: str
    scale: float = 1.0

    @property
    def label(self) -> str:
        """An axis' title: ``MACs, M (C 16, 15 cells, 32×32)``."""
        return f"{self.title}, {self.unit} ({self.conditions})"

    @property
    def smaller_is_better(self) -> bool:
        return self.kind != "accuracy"

    @property
    def values(self) -> NDArray[np.float64]:
        """Return the values in `unit` and code order, shape [15625], read-only."""
        return _values(self.name)


def _all() -> Mapping[str, Quantity]:
    counted = f"counted: {_NETWORK.description}; convolutions and linear layers, one multiply-add = 1"
    trained = f"tabular: NAS-Bench-201, {table.EPOCHS} epochs"
    timed = "measured for HELP (Lee et al., NeurIPS 2021)"
    size, kind = _NETWORK.description.partition(", ")[2], f"tabular, {table.EPOCHS} epochs"
    parameters = counted.replace("convolutions and linear layers, ", "")
    columns = [
        Quantity("macs", "MACs", "M", "cost", counted, size, 1e6),
        Quantity("parameters", "Parameters", "M", "cost", parameters, size, 1e6),
        *(
            Quantity(name, f"Accuracy on {title}", "%", "accuracy", trained, kind)
            for name, title in table.DATA_SETS.items()
        ),
        *(
            Quantity(name, f"Latency on {title}", "ms", "latency", timed, "measured")
            for name, title in table.DEVICES.items()
        ),
    ]
    return MappingProxyType({column.name: column for column in columns})


QUANTITIES: Mapping[str, Quantity] = _all()


@lru_cache(maxsize=len(QUANTITIES))
def _values(name: str) -> NDArray[np.float64]:
    quantity = QUANTITIES[name]
    if quantity.kind == "accuracy":
        return table.accuracies_percent(name)
    if quantity.kind == "latency":
        return table.latencies_ms(name)
    values = _costs()[("macs", "parameters").index(name)] / quantity.scale
    values.setflags(write=False)
    return values


@lru_cache(maxsize=1)
def _costs() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return MACs and parameters of all cells, every non-null edge counted, shape [15625] each."""
    lattice, model = Lattice.of_space(table.SPACE), cost_model(_NETWORK)
    example = table.architecture_of_code(0)
    columns = [INDEX[operation] for operation in lattice.operations]
    fixed, edges = model.fixed_cost(example), np.arange(lattice.edges)
    macs, parameters = (
        per_edge[:, columns][edges, lattice.digits].sum(axis=1) for per_edge in model.edge_table(example)
    )
    return macs + fixed.macs, parameters + fixed.parameters

"""Tables of the explorer, as data frames for the page and for CSV."""

import numpy as np
import pandas as pd

from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import optimality
from nat_core.learning.nasbench201.quantities import QUANTITIES, Quantity
from ui.compare.scatter import Marked, front_of


def every_cell_frame() -> pd.DataFrame:
    """Return all cells by benchmark number: number, notation, and every column with its unit in the name."""
    return _rows(np.argsort(table.benchmark_indices()))


def front_frame(x: Quantity, y: Quantity) -> pd.DataFrame:
    """Return all columns of the Pareto front's cells, by increasing x."""
    return _rows(front_of(x, y))


def _rows(codes: np.ndarray) -> pd.DataFrame:
    columns = {f"{name}_{_UNITS[column.unit]}": column.values[codes] for name, column in QUANTITIES.items()}
    indices, cells = table.benchmark_indices()[codes], table.cell_texts()[codes]
    return pd.DataFrame({"index": indices, "cell": cells, **columns})


_UNITS = {"M": "millions", "%": "accuracy_percent", "ms": "latency_ms"}


def accuracy_frame(marked: Marked) -> pd.DataFrame:
    """Return one row per dataset in percent: input, output, oracles, and the share of the possible gain."""
    rows = [optimality(marked.before, marked.after, name, marked.data_set, marked.rule) for name in table.DATA_SETS]
    return pd.DataFrame(
        {
            "Data set": table.DATA_SETS[row.data_set],
            "Input": row.before,
            "Output": row.after,
            "Oracle": row.best,
            "Limit": row.own_best,
            "Recovered": None if row.recovered is None else 100 * row.recovered,
        }
        for row in rows
    )


def cost_frame(marked: Marked) -> pd.DataFrame:
    """Return one row per cost and latency: input, output, oracle, and the output's change in percent."""
    columns = [column for column in QUANTITIES.values() if column.kind != "accuracy"]
    return pd.DataFrame(
        {
            "Quantity": column.title,
            "Unit": column.unit,
            "Input": column.values[marked.before],
            "Output": column.values[marked.after],
            "Oracle": column.values[marked.best],
            "Change": 100 * (column.values[marked.after] / column.values[marked.before] - 1),
        }
        for column in columns
    )

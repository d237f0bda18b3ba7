"""Reads tables of trained cells in published formats.

Accepted are CSV and parquet with the columns `genotype` and `accuracy` (in percent, or all as fractions) and,
optionally, `budget` and `seed`; CSV without a header, genotype first (as published by pym1024/SWAP); and the trace of
LaNAS (facebookresearch/LaMCTS), a JSON object that maps 28 numbers to a test accuracy. Pickles are never read.
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture, Edge
from nat_core.architecture.spaces import SPACES

# What others call the column, the first that is there.
ACCURACY_COLUMNS = ("accuracy", "accuracy_percent", "best_percent", "test32_percent")
_MOST_BYTES = 64 << 20
_MOST_ROWS = 200_000
_LANAS_OPERATIONS = ("sep_conv_3x3", "max_pool_3x3", "skip_connect", "sep_conv_5x5")
_LANAS_NODES = 7
_ACCEPTED = "accepted: CSV or parquet with the columns genotype and accuracy, or LaNAS' trace as JSON"


@dataclass(frozen=True)
class Row:
    """One training: a genotype, its accuracy in percent, and what it was trained by, in words."""

    genotype: str
    accuracy_percent: float
    budget: str = ""


@dataclass(frozen=True, eq=False)
class TrainedCells:
    """Distinct cells trained by one budget; seeds of a cell are averaged.

    Attributes:
        name: of the table.
        architectures: n of them.
        accuracies_percent: [n].
        failed: the number of trainings left out because they failed.
    """

    name: str
    architectures: tuple[Architecture, ...]
    accuracies_percent: NDArray[np.float64]
    failed: int = 0

    def __len__(self) -> int:
        return len(self.architectures)

    def chosen(self, which: NDArray[np.bool_]) -> "TrainedCells":
        """Those of the n that `which` [n] marks."""
        kept = tuple(item for item, is_kept in zip(self.architectures, which, strict=True) if is_kept)
        return TrainedCells(self.name, kept, self.accuracies_percent[which], self.failed)


def read_trained(path: Path, accuracy: str | None = None) -> list[TrainedCells]:
    """The trainings in a file, one table for each budget.

    Args:
        path: of the file.
        accuracy: the column of accuracies; by default the first of `ACCURACY_COLUMNS`.

    Raises:
        ValueError: it is no such file, or one of its rows cannot be read; says which and what is accepted.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"larger than {_MOST_BYTES >> 20} MiB")
        reader = _READERS.get(path.suffix.lower())
        if reader is None:
            raise ValueError(f"ends with {path.suffix or 'nothing'!r:.20}")
        return grouped(path.stem, list(reader(path, accuracy)))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error}); {_ACCEPTED}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: {error}; {_ACCEPTED}") from error


def grouped(name: str, rows: Sequence[Row]) -> list[TrainedCells]:
    """Rows as tables, one for each budget. Raises ValueError for a row that cannot be read; says which."""
    if not 1 <= len(rows) <= _MOST_ROWS:
        raise ValueError(f"{len(rows):,} rows; accepted: 1 to {_MOST_ROWS:,}")
    shares = all(row.accuracy_percent <= 1 for row in rows if math.isfinite(row.accuracy_percent))
    found: dict[str, dict[Architecture, list[float]]] = defaultdict(lambda: defaultdict(list))
    failed: dict[str, int] = defaultdict(int)
    for number, row in enumerate(rows, start=1):
        value = row.accuracy_percent * (100 if shares else 1)
        if not 0 <= value <= 100 and not math.isnan(value):
            raise ValueError(f"row {number}: accuracy is {row.accuracy_percent:g}; accepted: 0 to 100 percent")
        if math.isnan(value) or value == 0:
            failed[row.budget] += 1
            continue
        try:
            found[row.budget][notation.parse(row.genotype)].append(value)
        except ValueError as error:
            raise ValueError(f"row {number}: {error}") from error
    return [
        TrainedCells(
            f"{name} {budget}".strip(), tuple(cells), np.array([np.mean(seeds) for seeds in cells.values()]),
            failed[budget],
        )
        for budget, cells in found.items()
    ]  # fmt: skip


def _csv(path: Path, accuracy: str | None) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    if "genotype(" in first.lower():  # no header: the genotype comes first, its accuracy last
        table = pd.read_csv(path, header=None)
        table = table.rename(columns={table.columns[0]: "genotype", table.columns[-1]: ACCURACY_COLUMNS[0]})
    else:
        table = pd.read_csv(path)
    return _rows(table, accuracy)


def _parquet(path: Path, accuracy: str | None) -> Iterator[Row]:
    return _rows(pd.read_parquet(path), accuracy)


def _rows(table: pd.DataFrame, accuracy: str | None) -> Iterator[Row]:
    names = [accuracy] if accuracy else [name for name in ACCURACY_COLUMNS if name in table]
    if "genotype" not in table or not names or names[0] not in table:
        raise ValueError(f"the columns are {', '.join(map(str, table.columns))!r:.120}")
    values = pd.to_numeric(table[names[0]], errors="coerce")
    budgets = table["budget"].astype(str) if "budget" in table else [""] * len(table)
    for genotype, value, budget in zip(table["genotype"], values, budgets, strict=True):
        yield Row(str(genotype), float(value), str(budget))


def _lanas(path: Path, _: str | None) -> Iterator[Row]:
    trace = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(trace, dict):
        raise ValueError("it holds no JSON object")
    for key, value in trace.items():
        numbers = json.loads(key)
        yield Row(notation.shortest(lanas_architecture(numbers)), float(value))


def lanas_architecture(numbers: Sequence[int]) -> Architecture:
    """The cell that LaNAS writes as 14 operations, two for each of seven nodes, and the 14 nodes that they read.

    Both cells are alike. Raises ValueError for other numbers.
    """
    count = 2 * _LANAS_NODES
    if (
        not isinstance(numbers, Sequence)
        or len(numbers) != 2 * count
        or not all(isinstance(item, int) and item >= 0 for item in numbers)
    ):
        raise ValueError(f"a key of the trace is {str(numbers)!r:.60}, which is not {2 * count} numbers")
    if max(numbers[:count]) >= len(_LANAS_OPERATIONS):
        raise ValueError(f"operation {max(numbers[:count])} is unknown to LaNAS; accepted: 0 to 3")
    edges = tuple(
        Edge(_LANAS_OPERATIONS[numbers[place]], numbers[count + place], 2 + place // 2) for place in range(count)
    )
    cell = SPACES["loose_end"].cell(edges, 2 + _LANAS_NODES)
    return Architecture(cell, cell)


_READERS: Mapping[str, Callable[[Path, str | None], Iterator[Row]]] = MappingProxyType(
    {".csv": _csv, ".parquet": _parquet, ".json": _lanas}
)

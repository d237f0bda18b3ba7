"""Reads tables of trained cells in published formats.

Accepted are CSV and parquet with the columns `genotype` and `accuracy` (in percent, or all as fractions) and,
optionally, `budget` and `seed`; CSV without a header, genotype first (as published by pym1024/SWAP); and the trace of
LaNAS (facebookresearch/LaMCTS), a JSON object that maps 28 numbers to a test accuracy. Pickles are never read.
"""

import csv
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture, Edge
from nat_core.architecture.spaces import SPACES
from nat_core.sentences import brief
from nat_core.specification import from_json

# What others call the column, the first that is there.
ACCURACY_COLUMNS = ("accuracy", "accuracy_percent", "best_percent", "test32_percent")
_MOST_BYTES = 64 << 20
# Of the columns that are read from a parquet file, which compresses.
_MOST_UNPACKED_BYTES = 256 << 20
_MOST_ROWS = 200_000
_MOST_COLUMNS = 1000
_LONGEST_LINE = 1 << 20
_LANAS_OPERATIONS = ("sep_conv_3x3", "max_pool_3x3", "skip_connect", "sep_conv_5x5")
_LANAS_NODES = 7
_LONGEST_BUDGET = 200
# What pandas, pyarrow and json raise for files that are not what they say; pyarrow's own errors are among these.
_DAMAGE = (
    ValueError, TypeError, ArithmeticError, LookupError, RecursionError, NotImplementedError, MemoryError, csv.Error
)  # fmt: skip
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
        name: name of the table.
        architectures: n architectures.
        accuracies_percent: accuracies of the architectures, [n].
        failed: number of trainings left out because they failed.
    """

    name: str
    architectures: tuple[Architecture, ...]
    accuracies_percent: NDArray[np.float64]
    failed: int = 0

    def __len__(self) -> int:
        return len(self.architectures)

    def chosen(self, which: NDArray[np.bool_]) -> "TrainedCells":
        """Return the cells for which `which` [n] is true."""
        kept = tuple(item for item, is_kept in zip(self.architectures, which, strict=True) if is_kept)
        return TrainedCells(self.name, kept, self.accuracies_percent[which], self.failed)


def read_trained(path: Path, accuracy: str | None = None) -> list[TrainedCells]:
    """Read the trainings in a file, one table for each budget.

    Args:
        path: path of the file.
        accuracy: the column of accuracies; by default the first of `ACCURACY_COLUMNS`.

    Raises:
        ValueError: the format is not accepted, or a row cannot be read.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"larger than {_MOST_BYTES >> 20} MiB")
        reader = _READERS.get(path.suffix.lower())
        if reader is None:
            raise ValueError(f"ends with {path.suffix or 'nothing'!r:.20}")
        return grouped(path.stem, list(reader(path, accuracy)))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({brief(error.strerror or error, 100)}); {_ACCEPTED}") from error
    except _DAMAGE as error:
        text = brief(error) or type(error).__name__
        raise ValueError(f"{path}: {text}" if "accepted: " in text else f"{path}: {text}; {_ACCEPTED}") from error


def grouped(name: str, rows: Sequence[Row]) -> list[TrainedCells]:
    """Return rows as tables, one for each budget. Raises ValueError if a row cannot be read."""
    if not 1 <= len(rows) <= _MOST_ROWS:
        raise ValueError(f"{len(rows):,} rows; accepted: 1 to {_MOST_ROWS:,}")
    shares = all(row.accuracy_percent <= 1 for row in rows if math.isfinite(row.accuracy_percent))
    found: dict[str, dict[Architecture, list[float]]] = defaultdict(lambda: defaultdict(list))
    known: dict[str, Architecture] = {}  # the seeds of a cell repeat its text
    failed: dict[str, int] = defaultdict(int)
    for number, row in enumerate(rows, start=1):
        value = row.accuracy_percent * (100 if shares else 1)
        if not 0 <= value <= 100 and not math.isnan(value):
            raise ValueError(f"row {number}: accuracy is {row.accuracy_percent:g}; accepted: 0 to 100 percent")
        if math.isnan(value) or value == 0:
            failed[row.budget] += 1
            continue
        try:
            if row.genotype not in known:
                known[row.genotype] = notation.parse(row.genotype)
        except ValueError as error:
            raise ValueError(f"row {number}: {error}") from error
        found[row.budget][known[row.genotype]].append(value)
    return [
        TrainedCells(
            f"{name} {budget}".strip(), tuple(cells), np.array([np.mean(seeds) for seeds in cells.values()]),
            failed[budget],
        )
        for budget, cells in found.items()
    ]  # fmt: skip


def _csv(path: Path, accuracy: str | None) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline(_LONGEST_LINE)
    names = next(csv.reader([first]), [])
    if len(first) == _LONGEST_LINE or len(names) > _MOST_COLUMNS:
        raise ValueError(f"its first line has more than {_MOST_COLUMNS:,} columns or {_LONGEST_LINE:,} characters")
    has_header = "genotype(" not in first.lower()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, header=0 if has_header else None, nrows=_MOST_ROWS + 1, index_col=False)
    except pd.errors.ParserWarning:
        raise ValueError("a row has more fields than the first line") from None
    if not has_header:  # the genotype comes first, its accuracy last
        table = table.rename(columns={table.columns[0]: "genotype", table.columns[-1]: ACCURACY_COLUMNS[0]})
    return _rows(table, accuracy)


def _parquet(path: Path, accuracy: str | None) -> Iterator[Row]:
    """Only the columns that are needed; equal texts are one, as the file keeps them."""
    schema, about = pq.read_schema(path), pq.read_metadata(path)
    wanted = dict.fromkeys(("genotype", "budget", accuracy or ACCURACY_COLUMNS[0], *ACCURACY_COLUMNS))
    names = [name for name in wanted if name in schema.names]
    for name in names:
        if schema.names.count(name) > 1 or pa.types.is_nested(schema.field(name).type):
            raise ValueError(f"the column {name!r:.60} is there twice, or holds more than one value in a row")
    _check_size(about, names)
    texts = [name for name in names if about.schema.column(schema.names.index(name)).physical_type == "BYTE_ARRAY"]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        read = file.read(names)
        columns = {name: _values(read.column(name)) for name in names}
    return _rows(pd.DataFrame(columns) if columns else pd.DataFrame(columns=schema.names), accuracy)


def _values(column: pa.ChunkedArray) -> pd.Series:
    """A column for pandas; what repeats in it is the same object in every row."""
    if not pa.types.is_dictionary(column.type):
        return column.to_pandas()
    found: list[Any] = []
    for chunk in column.chunks:
        known = chunk.dictionary.to_pylist()
        found += [None if place is None else known[place] for place in chunk.indices.to_pylist()]
    return pd.Series(found, dtype=object)


def _check_size(about: pq.FileMetaData, names: Sequence[str]) -> None:
    """Raise ValueError if a file states a size that is too large, before it is unpacked."""
    if about.num_rows > _MOST_ROWS:
        raise ValueError(f"{about.num_rows:,} rows; accepted: 1 to {_MOST_ROWS:,}")
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    size = sum(item.total_uncompressed_size for item in columns if item.path_in_schema.partition(".")[0] in names)
    if size > _MOST_UNPACKED_BYTES:
        raise ValueError(f"its columns have {size:,} bytes; accepted: at most {_MOST_UNPACKED_BYTES:,}")


def _rows(table: pd.DataFrame, accuracy: str | None) -> Iterator[Row]:
    names = [accuracy] if accuracy else [name for name in ACCURACY_COLUMNS if name in table]
    if "genotype" not in table or not names or names[0] not in table:
        raise ValueError(f"the columns are {', '.join(map(str, table.columns[:40]))!r:.120}")
    values = pd.to_numeric(table[names[0]], errors="coerce")
    budgets = table["budget"].astype(str) if "budget" in table else [""] * len(table)
    for genotype, value, budget in zip(table["genotype"], values, budgets, strict=True):
        yield Row(str(genotype), float(value), brief(budget, _LONGEST_BUDGET))


def _lanas(path: Path, _: str | None) -> Iterator[Row]:
    trace = from_json(path.read_text(encoding="utf-8"))
    if not isinstance(trace, dict):
        raise ValueError("it holds no JSON object")
    for key, value in trace.items():
        yield Row(notation.shortest(lanas_architecture(from_json(key))), float(value))


def lanas_architecture(numbers: Sequence[int]) -> Architecture:
    """The cell that LaNAS writes as 14 operations, two for each of seven nodes, and the 14 nodes that they read.

    Both cells are alike. Raises ValueError if the numbers do not match.
    """
    count = 2 * _LANAS_NODES
    if (
        not isinstance(numbers, Sequence)
        or len(numbers) != 2 * count
        or not all(type(item) is int and item >= 0 for item in numbers)
    ):
        raise ValueError(f"a key of the trace is {str(numbers)!r:.60}, which is not {2 * count} numbers")
    if max(numbers[:count]) >= len(_LANAS_OPERATIONS):
        raise ValueError(f"operation {max(numbers[:count])!s:.20} is unknown to LaNAS; accepted: 0 to 3")
    if max(numbers[count:]) > _LANAS_NODES:
        raise ValueError(f"the source {max(numbers[count:])!s:.20} is unknown to LaNAS; accepted: 0 to {_LANAS_NODES}")
    edges = tuple(
        Edge(_LANAS_OPERATIONS[numbers[place]], numbers[count + place], 2 + place // 2) for place in range(count)
    )
    cell = SPACES["loose_end"].cell(edges, 2 + _LANAS_NODES)
    return Architecture(cell, cell)


_READERS: Mapping[str, Callable[[Path, str | None], Iterator[Row]]] = MappingProxyType(
    {".csv": _csv, ".parquet": _parquet, ".json": _lanas}
)

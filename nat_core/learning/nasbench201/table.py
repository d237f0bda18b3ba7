"""NAS-Bench-201: every cell of the space with accuracies after real training, and measured latencies.

Source: NAS-Bench-201 (arXiv 2001.00326), accuracies after 12 epochs; latencies measured for HELP (Lee et al., NeurIPS
2021). A cell's *code* is its operations as digits of base 5, in the order of the space's operations, the edge 0→1
most significant, so a column in code order is a vector over all 5⁶ cells and a look-up is one gather. The benchmark's
own *index* numbers the same cells differently.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Edge
from nat_core.architecture.library import RESTORE
from nat_core.architecture.operations import NAMES, canonical_name
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracy import AccuracyKind
from nat_core.learning.nasbench201.columns import DATA_SETS, DEVICES
from nat_core.paths import ASSETS

if TYPE_CHECKING:
    import pandas as pd

SPACE = SPACES["nasbench201"]
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
BASE = len(SPACE.operations)
SIZE: int = BASE ** len(EDGES)
EPOCHS = 12

_ASSET = ASSETS / "nasbench201.parquet"
_DIGIT = MappingProxyType({operation: digit for digit, operation in enumerate(SPACE.operations)})
_POSITION = MappingProxyType({ends: position for position, ends in enumerate(EDGES)})
_WEIGHTS = BASE ** np.arange(len(EDGES))[::-1]

# [operations]: an operation's digit by its row in the table of operations; -1 where the space lacks it.
DIGIT_OF_OPERATION = np.array([_DIGIT.get(name, -1) for name in NAMES])


@lru_cache(maxsize=1)
def _table() -> "pd.DataFrame":
    """The benchmark's rows in code order, with the column `index`.

    Raises:
        OSError: the file is missing or broken.
    """
    import pandas as pd  # which most of the program does without

    try:
        table = pd.read_parquet(_ASSET)
        ordered = table.set_index(np.array([_code_of_text(text) for text in table["cell"]])).sort_index()
    except (ValueError, KeyError, OSError) as error:
        raise OSError(f"{_ASSET} cannot be read ({' '.join(str(error).split())[:120]}); {RESTORE}") from error
    if not np.array_equal(ordered.index, np.arange(SIZE)):
        raise OSError(f"{_ASSET} has {len(ordered):,} rows instead of one for each of {SIZE:,} cells; {RESTORE}")
    return ordered


def _code_of_text(text: str) -> int:
    """The code of a cell as the asset spells it, edges in the order of `EDGES`; `parse` would take 20 times longer."""
    code = 0
    for item in text.split("|"):
        name, separator, _ = item.partition("~")
        if separator:
            code = code * BASE + _DIGIT[canonical_name(name)]
    return code


def _column(name: str) -> NDArray[np.float64]:
    column = _table()[name].to_numpy(dtype=np.float64)
    column.setflags(write=False)
    return column


@lru_cache
def accuracies_percent(data_set: str = "cifar10_valid") -> NDArray[np.float64]:
    """Return accuracies in percent in code order, shape [15625], read-only.

    Raises:
        ValueError: the data set is unknown.
    """
    if data_set not in DATA_SETS:
        raise ValueError(f"unknown NAS-Bench-201 data set {data_set!r}; accepted: {', '.join(DATA_SETS)}")
    return _column(f"{data_set}_accuracy_percent")


@lru_cache
def latencies_ms(device: str) -> NDArray[np.float64]:
    """Return latencies in milliseconds in code order, shape [15625], read-only.

    Raises:
        ValueError: the device is unknown.
    """
    if device not in DEVICES:
        raise ValueError(f"unknown device {device!r}; accepted: {', '.join(DEVICES)}")
    return _column(f"latency_ms_{device}")


@lru_cache(maxsize=1)
def benchmark_indices() -> NDArray[np.int64]:
    """Return the benchmark's own indices in code order, shape [15625]."""
    return _table()["index"].to_numpy(dtype=np.int64)


@lru_cache(maxsize=1)
def cell_texts() -> NDArray[np.object_]:
    """Return all cells in the benchmark's own notation, in code order, shape [15625]."""
    return _table()["cell"].to_numpy(dtype=object)


def mismatch(architecture: Architecture) -> str | None:
    """Why `architecture` has no row, or None."""
    return SPACE.mismatch(architecture)


def codes(architectures: Sequence[Architecture]) -> NDArray[np.int64]:
    """Return the codes of n architectures, shape [n].

    Raises:
        ValueError: an architecture is not a NAS-Bench-201 cell.
    """
    return np.array([_code(position, item) for position, item in enumerate(architectures)], dtype=np.int64)


def _code(position: int, architecture: Architecture) -> int:
    try:
        digits = {_POSITION[source, target]: _DIGIT[name] for name, source, target in architecture.normal.edges}
        legal = len(digits) == len(architecture.normal.edges) == len(EDGES) and SPACE.mismatch(architecture) is None
    except KeyError:
        legal = False
    if not legal:
        raise ValueError(f"architecture {position} is not in the table: {mismatch(architecture)}")
    return int(sum(int(_WEIGHTS[place]) * digit for place, digit in digits.items()))


def codes_of_operations(operations: NDArray[np.int64]) -> NDArray[np.int64]:
    """Codes of operation indices [..., 6] (rows of the table of operations), edges in the order of `EDGES`.

    Raises:
        ValueError: an operation is not in the space.
    """
    digits = DIGIT_OF_OPERATION[operations]
    if (digits < 0).any():
        foreign = NAMES[int(operations[digits < 0].flat[0])]
        raise ValueError(f"{SPACE.title} has no {foreign}; its operations: {', '.join(SPACE.operations)}")
    return digits @ _WEIGHTS


@lru_cache(maxsize=SIZE)  # all of them take 15 MB; a training asks for each twice
def architecture_of_code(code: int) -> Architecture:
    """The cell with this code.

    Raises:
        ValueError: there is no such code.
    """
    if not 0 <= code < SIZE:
        raise ValueError(f"code {code} is not between 0 and {SIZE - 1}")
    digits = (code // _WEIGHTS) % BASE
    edges = tuple(Edge(SPACE.operations[digit], *ends) for digit, ends in zip(digits, EDGES, strict=True))
    return Architecture(SPACE.cell(edges, SPACE.inputs + SPACE.intermediates))


def architecture_of_index(index: int) -> Architecture:
    """The cell with the benchmark's own number.

    Raises:
        ValueError: there is no such index.
    """
    found = np.flatnonzero(benchmark_indices() == index)
    if not len(found):
        raise ValueError(f"NAS-Bench-201 index {index} is not between 0 and {SIZE - 1}")
    return architecture_of_code(int(found[0]))


def index_of(architecture: Architecture) -> int:
    """Return the benchmark's own index of a cell. Raises ValueError if the cell is not in the table."""
    return int(benchmark_indices()[codes([architecture])[0]])


@dataclass(frozen=True)
class TabularAccuracy:
    """The benchmark as an `AccuracySource`.

    Raises:
        ValueError: the data set is unknown.
    """

    data_set: str = "cifar10_valid"
    kind: AccuracyKind = "tabular"
    stable: bool = True

    def __post_init__(self) -> None:
        accuracies_percent(self.data_set)

    @property
    def description(self) -> str:
        return f"NAS-Bench-201: {DATA_SETS[self.data_set]}, {EPOCHS} epochs"

    def mismatch(self, architecture: Architecture) -> str | None:
        return mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return accuracies in percent, shape [n]. Raises ValueError if a cell is not in the table."""
        return accuracies_percent(self.data_set)[codes(architectures)]

"""Images as they were stored, fetched one at a time by number: files of a folder, rows of parquet files, of a data set.

What is fetched is small and what is held does not depend on the images' size, so that a million of them can be
streamed, and handed to other processes.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

# Rows of parquet files are read in groups; each process keeps about this many bytes of them.
_KEPT_BYTES = 64 * 2**20


class Encoded(Protocol):
    """Encoded images 0…n-1."""

    def __len__(self) -> int: ...

    def fetch(self, index: int) -> bytes | str:
        """Return an image's bytes, or its file. Raises ValueError if it must not be read."""

    def name(self, index: int) -> str:
        """The name by which people find the image."""

    @property
    def together(self) -> int:
        """Return how many blocks of neighbouring images a process can hold at a time."""

    def neighbourhoods(self, indices: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Numbers of what can only be read together, per index; None where every image is as near as any other."""


@dataclass(frozen=True)
class Files:
    """Files below a folder. Their names are one tensor, which processes share instead of copying.

    Attributes:
        folder: folder to which names are relative.
        names: uint8 [n, longest], UTF-8, zeros at the end.
    """

    folder: str
    names: Tensor

    @classmethod
    def of(cls, folder: Path, names: Sequence[str]) -> "Files":
        table = np.array([os.fsencode(name) for name in names], dtype=np.bytes_)
        width = max(1, table.dtype.itemsize)
        return cls(str(folder), torch.from_numpy(table.view(np.uint8).reshape(len(names), width).copy()))

    def __len__(self) -> int:
        return len(self.names)

    def fetch(self, index: int) -> bytes | str:
        return self.name(index)

    def name(self, index: int) -> str:
        return os.path.join(self.folder, os.fsdecode(self.names[index].numpy().tobytes().rstrip(b"\0")))  # noqa: PTH118

    @property
    def together(self) -> int:
        return 1

    def neighbourhoods(self, indices: NDArray[np.int64]) -> NDArray[np.int64] | None:
        return None


@dataclass(frozen=True)
class Chosen:
    """Some rows of others, in an order of their own."""

    whole: Encoded
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def fetch(self, index: int) -> bytes | str:
        return self.whole.fetch(int(self.rows[index]))

    def name(self, index: int) -> str:
        return self.whole.name(int(self.rows[index]))

    @property
    def together(self) -> int:
        return self.whole.together

    def neighbourhoods(self, indices: NDArray[np.int64]) -> NDArray[np.int64] | None:
        return self.whole.neighbourhoods(self.rows[indices])


class ParquetRows:
    """A column of parquet files, here or on the hub; a group of rows is read when one of its images is asked for.

    Args:
        files: paths, or addresses that `fsspec` knows.
        column: name of the column of {bytes, path}.
        place: name of the data in error messages.
    """

    def __init__(self, files: Sequence[str], column: str, place: str) -> None:
        self.files, self.column, self.place = tuple(files), column, place
        groups = [
            (number, group, meta.row_group(group).num_rows, _bytes_of(meta.row_group(group), column))
            for number, file in enumerate(files)
            for meta in [open_parquet(file).metadata]
            for group in range(meta.num_row_groups)
        ]
        self._groups = np.array([group[:2] for group in groups], dtype=np.int64).reshape(-1, 2)
        self._ends = np.cumsum([group[2] for group in groups], dtype=np.int64)
        largest = max((group[3] for group in groups), default=1)
        self._most_kept = max(1, _KEPT_BYTES // max(1, largest))
        self._kept: OrderedDict[int, Any] = OrderedDict()
        self._open = _OpenFiles(self.files)
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """For other processes, which read for themselves."""
        return {**self.__dict__, "_kept": OrderedDict(), "_lock": None, "_open": _OpenFiles(self.files)}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def fetch(self, index: int) -> bytes | str:
        group = int(np.searchsorted(self._ends, index, side="right"))
        first = int(self._ends[group - 1]) if group else 0
        with self._lock:
            row = self._rows(group)[index - first].as_py()
        return bytes_of(row, self.name(index))

    def name(self, index: int) -> str:
        return f"image {index} of {self.place}"

    def neighbourhoods(self, indices: NDArray[np.int64]) -> NDArray[np.int64] | None:
        groups = np.searchsorted(self._ends, indices, side="right")
        return groups if len(self._ends) > self._most_kept else None

    @property
    def together(self) -> int:
        return self._most_kept

    def _rows(self, group: int) -> Any:
        if group in self._kept:
            self._kept.move_to_end(group)
            return self._kept[group]
        file, number = self._groups[group]
        try:
            rows = self._open[int(file)].read_row_group(int(number), columns=[self.column]).column(0)
        except _DAMAGED as error:
            raise _unreadable(f"row group {number} of {self.place}", error) from error
        self._kept[group] = rows
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        return rows


# What damaged tables make their reader raise.
_DAMAGED = (OSError, pa.ArrowException)


def _unreadable(name: str, error: Exception) -> ValueError:
    """One sentence instead of what a reader of damaged tables says."""
    return ValueError(f"{name} cannot be read: {str(error).strip().partition(chr(10))[0][:200]}")


class _OpenFiles(dict[int, Any]):
    """Parquet files by number, opened when they are asked for; a few stay open."""

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__()
        self._files = files

    def __missing__(self, number: int) -> Any:
        if len(self) >= 32:
            self.clear()
        self[number] = open_parquet(self._files[number])
        return self[number]


@dataclass(frozen=True)
class DatasetRows:
    """A column of a data set that lies on disk, as `datasets` keeps what it has downloaded.

    Attributes:
        dataset: dataset whose column is not decoded.
        column: name of the column of {bytes, path}.
        place: name of the data in error messages.
        within: folders that may contain the images' files.
    """

    dataset: Any
    column: str
    place: str
    within: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.dataset)

    def fetch(self, index: int) -> bytes | str:
        try:
            row = self.dataset[index][self.column]
        except _DAMAGED as error:
            raise _unreadable(self.name(index), error) from error
        return bytes_of(row or {}, self.name(index), self.within)

    def name(self, index: int) -> str:
        return f"image {index} of {self.place}"

    @property
    def together(self) -> int:
        return 1

    def neighbourhoods(self, indices: NDArray[np.int64]) -> NDArray[np.int64] | None:
        return None


def open_parquet(file: str) -> Any:
    """A parquet file, here or at an address."""
    if "://" not in file:
        return pq.ParquetFile(file)
    import fsspec

    return pq.ParquetFile(fsspec.open(file).open(), pre_buffer=True)


def bytes_of(row: Mapping[str, Any] | None, name: str, within: Sequence[Path] = ()) -> bytes | str:
    """The bytes in {bytes, path}, or the path.

    A path only where the source consists of files: elsewhere it could be that of any file of this machine.
    """
    row = row or {}
    if row.get("bytes") or not row.get("path"):
        return row.get("bytes") or b""
    path = os.path.abspath(row["path"])  # noqa: PTH100, without following links, which are the owner's
    if not any(Path(path).is_relative_to(os.path.abspath(folder)) for folder in within):  # noqa: PTH100
        raise ValueError(f"{name} is only a path, {row['path']!r:.100}; accepted: the image itself, as bytes")
    return path


def _bytes_of(group: Any, column: str) -> int:
    """Return the uncompressed size of a column with its nested columns."""
    parts = (group.column(number) for number in range(group.num_columns))
    return sum(part.total_uncompressed_size for part in parts if part.path_in_schema.split(".")[0] == column)

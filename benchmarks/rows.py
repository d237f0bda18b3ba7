"""Measured figures as rows: the result type of every speed benchmark, and its table."""

import importlib
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch


@dataclass(frozen=True)
class Row:
    """A measured figure.

    Attributes:
        what: description of the measurement.
        value: the figure.
        unit: unit of value and limit.
        limit: upper limit on an idle machine, if any.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def met(self) -> bool:
        return self.limit is None or self.value <= self.limit

    @property
    def verdict(self) -> str:
        """Return the limit and whether it is met; "" without one."""
        return "" if self.limit is None else f"{number(self.limit)} {self.unit}: {'met' if self.met else 'MISSED'}"


def number(value: float) -> str:
    """Format a figure with about three digits, never in scientific notation."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a table."""
    lines = [f"| {row.what} | {number(row.value)} {row.unit} | {row.verdict} |" for row in rows]
    return "\n".join(["| | measured | limit |", "|---|---:|---|", *lines])


def report(rows: Iterable[Row]) -> int:
    """Print each row when it is measured; return the exit status, 0 if every limit is met."""
    met = True
    for row in rows:
        met &= row.met
        limit = f"   limit {row.verdict}" if row.verdict else ""
        print(f"{row.what:72} {number(row.value):>10} {row.unit}{limit}", flush=True)
    return 0 if met else 1


def rows_of(benchmark: str) -> list[Row]:
    """Return the rows of one benchmark; to be called in a fresh process, since loaded modules affect the times."""
    warnings.simplefilter("ignore")
    return list(importlib.import_module(f"benchmarks.{benchmark}").rows())


def machine() -> str:
    """Describe the machine in one line."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = models[0] if models else platform.processor() or platform.machine()
    return f"{cpu}, {torch.get_num_threads()} thread(s), Python {platform.python_version()}, torch {torch.__version__}"


def today() -> str:
    """Return the date in UTC."""
    return datetime.now(UTC).date().isoformat()


def seconds(action: Callable[[], object], times: int = 1) -> float:
    """Return the mean wall-clock duration of `action` in seconds."""
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times


def median_seconds(action: Callable[[], object], repeats: int) -> float:
    """Return the median wall-clock duration of `action` in seconds."""
    return statistics.median(seconds(action) for _ in range(repeats))

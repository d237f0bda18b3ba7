"""Measured figures as rows: what every benchmark of speed returns, and how it is written down."""

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
        what: was measured, in words.
        value: the figure.
        unit: of value and limit.
        limit: what it must stay below, if anything; a machine at rest is meant.
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
        """Limit, and whether it was met; nothing where there is none."""
        return "" if self.limit is None else f"{number(self.limit)} {self.unit}: {'met' if self.met else 'MISSED'}"


def number(value: float) -> str:
    """A figure with about three digits, never in powers of ten."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(rows: Iterable[Row]) -> str:
    """The rows as a table."""
    lines = [f"| {row.what} | {number(row.value)} {row.unit} | {row.verdict} |" for row in rows]
    return "\n".join(["| | measured | limit |", "|---|---:|---|", *lines])


def report(rows: Iterable[Row]) -> int:
    """Prints the rows as they come, and returns the exit status: 0 if every limit is met."""
    met = True
    for row in rows:
        met &= row.met
        limit = f"   limit {row.verdict}" if row.verdict else ""
        print(f"{row.what:72} {number(row.value):>10} {row.unit}{limit}", flush=True)
    return 0 if met else 1


def rows_of(benchmark: str) -> list[Row]:
    """What one benchmark measures; meant for a process of its own, since what is loaded counts."""
    warnings.simplefilter("ignore")
    return list(importlib.import_module(f"benchmarks.{benchmark}").rows())


def machine() -> str:
    """One line about what the times were taken on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = models[0] if models else platform.processor() or platform.machine()
    return f"{cpu}, {torch.get_num_threads()} thread(s), Python {platform.python_version()}, torch {torch.__version__}"


def today() -> str:
    """The date in UTC."""
    return datetime.now(UTC).date().isoformat()


def seconds(action: Callable[[], object], times: int = 1) -> float:
    """Mean duration of `action`, in seconds of the clock."""
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times


def median_seconds(action: Callable[[], object], repeats: int) -> float:
    """Median duration of `action`, in seconds of the clock."""
    return statistics.median(seconds(action) for _ in range(repeats))

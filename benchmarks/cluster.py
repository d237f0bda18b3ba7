"""What a Ray cluster gives: 8 evaluations on two nodes of one core each, against one, and what a task costs besides.

Run as `python -m benchmarks.cluster` on a machine at rest with two cores and requirements-cluster.txt. Real nodes start
on loopback; times are of the clock, from the first task handed out to the last result, and everything that a task needs
before and after its training counts: a process with torch, the images, a checkpoint in the shared folder.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row, report

EVALUATIONS, LEAST_GAIN, OVERHEAD_SECONDS = 8, 1.8, 5.0
_ARCHITECTURE = "DARTS"


def rows() -> Iterator[Row]:
    """The figures, and whether they keep their limits."""
    alone, overhead = timed(1)
    yield Row(f"{EVALUATIONS} evaluations on one node", alone, "s")
    yield Row("a task besides its training, mean", overhead, "s", OVERHEAD_SECONDS)
    both, _ = timed(2)
    yield Row(f"{EVALUATIONS} evaluations on two nodes", both, "s", alone / LEAST_GAIN)
    yield Row("throughput of two nodes ÷ one's", alone / both, "")


def timed(nodes: int) -> tuple[float, float]:
    """Seconds for all evaluations, and per task what is not its training."""
    from nat_core.architecture.library import library
    from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
    from nat_core.learning.scratch.measured import MeasuredResult
    from nat_core.learning.scratch.presets import preset_budget
    from nat_core.runs.kinds.spreading import Driver, Place, spread
    from tests.support.cluster import two_nodes

    item = NamedArchitecture.of(library()[_ARCHITECTURE].architecture, _ARCHITECTURE)
    budget = preset_budget("smoke", item.architecture, epochs=10)
    config = EvaluationConfig((item,), budget, tuple(range(EVALUATIONS)), "smoke")
    found: list[MeasuredResult] = []
    driver = Driver(lambda: False, lambda *progress: None, lambda _, result: found.append(result), lambda text: None)
    with tempfile.TemporaryDirectory() as folder, two_nodes(Path(folder), nodes) as cluster:
        os.environ["RAY_ADDRESS"] = cluster.node_address
        began = time.perf_counter()
        spread(config, list(range(EVALUATIONS)), Place("benchmark", str(cluster.storage), "cpu", 1), driver)
        whole = time.perf_counter() - began
    trained = sum(result.elapsed_seconds for result in found)
    return whole, (nodes * whole - trained) / EVALUATIONS


if __name__ == "__main__":
    sys.exit(report(rows()))

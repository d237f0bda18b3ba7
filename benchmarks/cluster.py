"""Speed-up of a Ray cluster: 8 evaluations on two one-core nodes against one node, and the overhead of a task.

Run as `python -m benchmarks.cluster [--epochs N]` on a machine at rest with two cores and requirements-cluster.txt; it
takes about six minutes. Real nodes start on loopback with Ray's default settings, except for its log monitor and usage
statistics. Times are wall-clock, from the first task submitted to the last result, and include what a task needs around
its training: loading torch and the images, writing a checkpoint to the shared folder. Each evaluation takes about 25
seconds of an idle core: real ones take hours, and much shorter ones would measure how fast nodes start. Two cores of
one machine share caches and memory, and Ray's own processes use them, too; so a shorter training of the same network
is also measured without Ray, in one process and in two at once.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rows import Row, report

if TYPE_CHECKING:
    from nat_core.learning.scratch.config import EvaluationConfig

EVALUATIONS, EPOCHS, LEAST_GAIN, OVERHEAD_SECONDS = 8, 26, 1.8, 5.0
_EPOCHS_WITHOUT_RAY = 12
_ARCHITECTURE = "DARTS"


def rows(epochs: int = EPOCHS) -> Iterator[Row]:
    """Yield the figures with their limits."""
    short, config = evaluations(min(epochs, _EPOCHS_WITHOUT_RAY)), evaluations(epochs)
    single, double = side_by_side(short, 1), side_by_side(short, 2)
    yield Row("one training, without Ray", single, "s")
    yield Row("each of two trainings side by side, without Ray", double, "s")
    yield Row("throughput of two processes ÷ one's, without Ray: what this machine can give", 2 * single / double, "")
    alone, overhead = timed(config, 1)
    yield Row(f"{EVALUATIONS} evaluations on one node", alone, "s")
    yield Row("a task besides its training, mean", overhead, "s", OVERHEAD_SECONDS)
    both, _ = timed(config, 2)
    yield Row(f"{EVALUATIONS} evaluations on two nodes", both, "s", alone / LEAST_GAIN)
    yield Row("throughput of two nodes ÷ one's", alone / both, "")


def evaluations(epochs: int) -> "EvaluationConfig":
    """Return the trainings: one architecture with several seeds."""
    from nat_core.architecture.library import library
    from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
    from nat_core.learning.scratch.presets import preset_budget

    item = NamedArchitecture.of(library()[_ARCHITECTURE].architecture, _ARCHITECTURE)
    budget = preset_budget("smoke", item.architecture, epochs=epochs)
    return EvaluationConfig((item,), budget, tuple(range(EVALUATIONS)), "smoke")


def side_by_side(config: "EvaluationConfig", processes: int) -> float:
    """Return the mean seconds of simultaneous trainings, each in a single-threaded process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return sum(pool.map(_train, [config] * processes, range(processes))) / processes


def _train(config: "EvaluationConfig", position: int) -> float:
    """Return the seconds of one training, without the process's start-up."""
    import torch

    from nat_core.learning.scratch.queue import evaluate

    torch.set_num_threads(1)
    (result,) = evaluate(replace(config, seeds=(config.seeds[position],))).results
    return result.elapsed_seconds


def timed(config: "EvaluationConfig", nodes: int) -> tuple[float, float]:
    """Return the seconds for all evaluations and the mean overhead of a task beyond its training."""
    from nat_core.learning.scratch.measured import MeasuredResult
    from nat_core.runs.kinds.spreading import Driver, Place, spread
    from tests.support.cluster import two_nodes

    found: list[MeasuredResult] = []
    driver = Driver(lambda: False, lambda *progress: None, lambda _, result: found.append(result), lambda text: None)
    with tempfile.TemporaryDirectory() as folder, two_nodes(Path(folder), nodes, settings={}) as cluster:
        os.environ["RAY_ADDRESS"] = cluster.node_address
        began = time.perf_counter()
        spread(config, list(range(EVALUATIONS)), Place("benchmark", str(cluster.storage), "cpu", 1), driver)
        whole = time.perf_counter() - began
    trained = sum(result.elapsed_seconds for result in found)
    return whole, (nodes * whole - trained) / EVALUATIONS


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of each training")
    sys.exit(report(rows(parser.parse_args().epochs)))

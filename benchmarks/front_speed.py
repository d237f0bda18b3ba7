"""Time to compute an architecture's trade-off: five budgets, ten candidates each, costs and predictions.

Run as `python -m benchmarks.front_speed`. One input is measured in processor time on one thread, as a page computes it;
a thousand inputs in wall-clock time on all threads, as the command line does. Inputs are drawn at random, so that
nothing about them is cached. Garbage is collected as rarely as by the command line.
"""

import random
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial

import torch

from benchmarks.rows import Row, report, seconds
from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import find
from nat_core.architecture.spaces import SPACES
from nat_core.garbage import search_seldom
from nat_core.paths import PRETRAINED
from nat_core.tradeoff import fronts_by

ONE_LIMIT_MS, MANY_LIMIT_S = 50.0, 5.0
MANY = 1000
_REPEATS = 7
_SPACES = ("fully_concat", "loose_end", "nasbench201")


def rows() -> Iterator[Row]:
    """Yield the times of DARTS, then of one and of a thousand random inputs of every space."""
    threads = torch.get_num_threads()
    search_seldom()
    rng = random.Random(0)
    fronts_by(PRETRAINED, [find("DARTS").architecture])  # also fills the caches
    yield Row(
        "front of DARTS, asked for again", 1000 * processor_seconds([find("DARTS").architecture]), "ms", ONE_LIMIT_MS
    )
    for name in _SPACES:
        drawn = [SPACES[name].sample(rng) for _ in range(MANY + _REPEATS + 1)]
        fronts_by(PRETRAINED, drawn[:1])
        alone = statistics.median(processor_seconds([item]) for item in drawn[1 : _REPEATS + 1])
        yield Row(f"front of a new {name} input", 1000 * alone, "ms", ONE_LIMIT_MS)
        many = seconds(partial(fronts_by, PRETRAINED, drawn[_REPEATS + 1 :]))
        yield Row(f"fronts of {MANY:,} new {name} inputs, {threads} threads", many, "s", MANY_LIMIT_S)


def processor_seconds(inputs: list[Architecture]) -> float:
    """Return the processor time of the fronts of `inputs` together on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    began = time.process_time()
    fronts_by(PRETRAINED, inputs)
    spent = time.process_time() - began
    torch.set_num_threads(threads)
    return spent


if __name__ == "__main__":
    sys.exit(report(rows()))

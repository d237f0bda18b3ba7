"""How long the trade-off of an architecture takes: five budgets, ten candidates each, costs and predictions.

Run as `python -m benchmarks.front_speed`: on one thread, in processor time, which no busy neighbour lengthens. Inputs
are drawn at random, so that nothing about them is remembered. Garbage is searched as seldom as by the command line.
"""

import random
import statistics
import sys
import time
from collections.abc import Iterator

import torch

from benchmarks.rows import Row, report
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
    """DARTS alone, then one and a thousand random inputs of every space."""
    torch.set_num_threads(1)
    search_seldom()
    rng = random.Random(0)
    fronts_by(PRETRAINED, [find("DARTS").architecture])  # also loads what is remembered
    yield Row("front of DARTS, asked for again", 1000 * seconds([find("DARTS").architecture]), "ms", ONE_LIMIT_MS)
    for name in _SPACES:
        drawn = [SPACES[name].sample(rng) for _ in range(MANY + _REPEATS + 1)]
        fronts_by(PRETRAINED, drawn[:1])
        alone = statistics.median(seconds([item]) for item in drawn[1 : _REPEATS + 1])
        yield Row(f"front of a new {name} input", 1000 * alone, "ms", ONE_LIMIT_MS)
        yield Row(f"fronts of {MANY:,} new {name} inputs", seconds(drawn[_REPEATS + 1 :]), "s", MANY_LIMIT_S)


def seconds(inputs: list[Architecture]) -> float:
    """Processor time of the fronts of `inputs` together."""
    began = time.process_time()
    fronts_by(PRETRAINED, inputs)
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(report(rows()))

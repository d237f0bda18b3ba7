"""How long costs and drawings take: `python -m benchmarks.costs`. Prints times, asserts nothing."""

import random
import sys
from collections.abc import Iterator
from itertools import product

import torch

from benchmarks.rows import Row, machine, median_seconds, report, seconds
from nat_core.architecture.library import library
from nat_core.architecture.operations import NAMES
from nat_core.architecture.spaces import NASBENCH201_OPERATIONS, SPACES
from nat_core.drawing.cells import draw_architecture, draw_pair
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.network.measure import measure
from nat_core.network.networks import build_network


def all_nasbench201_costs() -> int:
    """Construct and cost every NAS-Bench-201 cell; return their number."""
    model, topology = cost_model(NETWORKS["nasbench201"]), SPACES["nasbench201"].sample(random.Random(0))
    return len([model.cost(topology.with_operations(names)) for names in product(NASBENCH201_OPERATIONS, repeat=6)])


def rows() -> Iterator[Row]:
    """Yield the times of costs, then of drawings, on one thread."""
    torch.set_num_threads(1)
    darts, config = library()["DARTS"].architecture, NETWORKS["cifar"]
    model = cost_model(config)
    image = (1, 3, config.resolution, config.resolution)
    yield Row("cost of DARTS, nothing measured yet", 1e3 * seconds(lambda: model.cost(darts)), "ms")
    yield Row("cost of DARTS, later", 1e6 * seconds(lambda: model.cost(darts), 10_000), "µs")
    first = seconds(lambda: model.edge_table(darts))
    yield Row(f"costs of {len(NAMES)} operations on each edge, first", 1e3 * first, "ms")
    later = seconds(lambda: model.edge_table(darts), 1_000)
    yield Row(f"costs of {len(NAMES)} operations on each edge, later", 1e6 * later, "µs")
    whole = median_seconds(lambda: measure(build_network(darts, config), image), 3)
    yield Row("for comparison: whole-model count with fvcore", 1e3 * whole, "ms")
    yield Row("costs of all 15,625 NAS-Bench-201 cells", seconds(all_nasbench201_costs), "s")
    yield from drawings()


def drawings() -> Iterator[Row]:
    """Yield the times of SVG drawings: one architecture; input and output in one layout with changed edges marked."""
    entries = library()
    darts, transformed = entries["DARTS"].architecture, entries["NATv2_DARTS"].architecture
    alone, beside = draw_architecture.__wrapped__, draw_pair.__wrapped__  # bypasses the cache
    alone(darts)  # loads Graphviz
    yield Row("drawing of DARTS, both cells", 1e3 * median_seconds(lambda: alone(darts), 7), "ms")
    pair = median_seconds(lambda: beside(darts.normal, transformed.normal), 7)
    yield Row("drawing of DARTS → NATv2_DARTS, normal cell", 1e3 * pair, "ms")


def main() -> int:
    torch.set_num_threads(1)
    print(machine())
    return report(rows())


if __name__ == "__main__":
    sys.exit(main())

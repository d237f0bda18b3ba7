"""Seeded random architectures with small networks: null, dead and parallel edges, all families and sizes."""

import random

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import NAMES, NULL
from nat_core.network.config import FAMILIES, NetworkConfig

RESOLUTIONS = {"cifar": (13, 16), "imagenet": (45, 64), "nasbench201": (9, 16)}


def random_cell(rng: random.Random, inputs: int, width_one: bool = False) -> Cell:
    """Return a cell of 3 to 7 nodes if it has two inputs; a quarter of the edges is null, the wiring is random."""
    nodes = inputs + rng.randint(1, 5)
    edges = []
    for _ in range(rng.randint(1, 7)):
        target = rng.randrange(inputs, nodes)
        edges.append(Edge(NULL if rng.random() < 0.25 else rng.choice(NAMES), rng.randrange(target), target))
    entered = sorted({edge.target for edge in edges})
    output = tuple(rng.sample(range(inputs, nodes), rng.randint(1, nodes - inputs)))
    if not set(output) & set(entered):
        output = (entered[0],)
    output += tuple(node for node in range(inputs) if rng.random() < 0.2)
    return Cell(inputs, nodes, tuple(edges), output, "sum" if width_one else rng.choice(("concat", "concat", "sum")))


def random_network(seed: int) -> tuple[Architecture, NetworkConfig]:
    """Return a case; consecutive seeds cycle through the families."""
    rng = random.Random(seed)
    family = FAMILIES[tuple(FAMILIES)[seed % len(FAMILIES)]]
    config = NetworkConfig(
        family.name,
        channels=rng.choice((4, 8)),
        layers=rng.choice((3, 3, 3, 3, 6)) if family.stages > 1 else rng.choice((1, 2, 3, 4)),
        resolution=rng.choice(RESOLUTIONS[family.name]),
        classes=rng.randint(2, 20),
    )
    normal = random_cell(rng, family.cell_inputs, width_one=not family.has_reduction)
    return Architecture(normal, random_cell(rng, 2) if family.has_reduction else None), config

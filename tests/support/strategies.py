"""Hypothesis strategies for cells and architectures of every shape."""

import random

from hypothesis import strategies as st

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import NAMES
from nat_core.architecture.spaces import SPACES


@st.composite
def cells(draw, inputs=None, combine=None, operations=NAMES, max_intermediates=5, max_edges=12) -> Cell:
    """Any legal cell: nodes without edges, parallel edges, dead ends, partial outputs, inputs in outputs."""
    inputs = draw(st.integers(1, 2)) if inputs is None else inputs
    nodes = inputs + draw(st.integers(1, max_intermediates))
    targets = st.integers(inputs, nodes - 1)
    drawn = draw(
        st.lists(st.tuples(st.sampled_from(operations), targets, st.floats(0, 0.999)), min_size=1, max_size=max_edges)
    )
    edges = tuple(Edge(operation, int(fraction * target), target) for operation, target, fraction in drawn)
    output = draw(st.lists(st.integers(0, nodes - 1), unique=True, max_size=nodes))
    if not {edge.target for edge in edges} & set(output):
        output = [*output, edges[0].target] if edges[0].target not in output else output
    return Cell(inputs, nodes, edges, tuple(output), combine or draw(st.sampled_from(["concat", "sum"])))


@st.composite
def architectures(draw, **options) -> Architecture:
    """Any legal architecture, with or without a reduction cell."""
    normal = draw(cells(**options))
    reduction = draw(st.none() | cells(**{**options, "inputs": normal.inputs}))
    return Architecture(normal, reduction)


@st.composite
def two_cell_architectures(draw, **options) -> Architecture:
    """Architectures of the CIFAR and ImageNet networks: two inputs, concat, a reduction cell."""
    options = {"inputs": 2, "combine": "concat", **options}
    return Architecture(draw(cells(**options)), draw(cells(**options)))


@st.composite
def sampled_architectures(draw, space=None) -> Architecture:
    """Architectures drawn by a space's own sampler."""
    chosen = SPACES[space] if space else draw(st.sampled_from(list(SPACES.values())))
    return chosen.sample(random.Random(draw(st.integers(0, 2**32))))

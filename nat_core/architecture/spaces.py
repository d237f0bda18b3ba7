"""Search spaces as data: their operations, their topology, and how architectures are sampled from them."""

import random
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from nat_core.architecture.cell import Architecture, Cell, Combine, Edge
from nat_core.architecture.transitions import legal_targets

NAT_OPERATIONS = (
    "conv_1x1", "conv_3x3", "conv_5x5", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
    "max_pool_3x3", "max_pool_5x5", "avg_pool_3x3", "avg_pool_5x5", "skip_connect", "null",
)  # fmt: skip
NASBENCH201_OPERATIONS = ("conv_1x1", "conv_3x3", "avg_pool_3x3", "skip_connect", "null")


@dataclass(frozen=True)
class Space:
    """A family of architectures.

    Attributes:
        name, title: the name on the command line, and the one shown to people.
        operations: the operations that a transformation may introduce.
        inputs, intermediates: the numbers of input and intermediate nodes of a sampled cell.
        edges_per_node: incoming edges of a sampled node; None connects it to every earlier node.
        output: the rule for which nodes form the output.
        combine: whether the output concatenates or sums its nodes.
        has_reduction: whether there is a reduction cell beside the normal one.
        network: the network on which the space's costs are usually quoted.
    """

    name: str
    title: str
    operations: tuple[str, ...]
    inputs: int
    intermediates: int
    edges_per_node: int | None
    output: Literal["all", "loose_ends", "last"]
    combine: Combine
    has_reduction: bool
    network: str

    def targets(self, operation: str, rule: str = "nat++") -> tuple[str, ...]:
        """Return the legal replacements of `operation` in this space; they always include the operation itself."""
        return legal_targets(operation, self.operations, rule)

    def sample(self, rng: random.Random) -> Architecture:
        """Sample an architecture: every edge's source and operation are drawn independently and uniformly."""
        reduction = self._sample_cell(rng) if self.has_reduction else None
        return Architecture(self._sample_cell(rng), reduction)

    def _sample_cell(self, rng: random.Random) -> Cell:
        edges = []
        for target in range(self.inputs, self.inputs + self.intermediates):
            count = target if self.edges_per_node is None else self.edges_per_node
            sources = range(target) if self.edges_per_node is None else (rng.randrange(target) for _ in range(count))
            edges += [Edge(rng.choice(self.operations), source, target) for source in sources]
        return self.cell(tuple(edges), self.inputs + self.intermediates)

    def cell(self, edges: tuple[Edge, ...], nodes: int) -> Cell:
        """Build a cell of these edges with the output that this space prescribes."""
        everything = Cell(self.inputs, nodes, edges, tuple(range(self.inputs, nodes)), self.combine)
        return Cell(self.inputs, nodes, edges, self._output(everything), self.combine)

    def _output(self, cell: Cell) -> tuple[int, ...]:
        if self.output == "last":
            return (cell.nodes - 1,)
        return cell.loose_ends if self.output == "loose_ends" else tuple(cell.intermediates)

    def mismatch(self, architecture: Architecture) -> str | None:
        """Return why `architecture` is not in this space, or None.

        Operations and the numbers of nodes and edges are free, except in a benchmark that enumerates all its cells.
        """
        if self.has_reduction != (architecture.reduction is not None):
            return f"{self.title} needs {'a normal and a reduction cell' if self.has_reduction else 'a single cell'}"
        for name, cell in architecture.cells:
            if (cell.inputs, cell.combine) != (self.inputs, self.combine):
                wanted, found = (self.inputs, self.combine), (cell.inputs, cell.combine)
                return f"{self.title} has (inputs, output) = {wanted}; the {name} cell has {found}"
            if set(cell.output_nodes) != set(self._output(cell)) & {edge.target for edge in cell.edges}:
                return f"the {name} cell's output is not what {self.title} prescribes"
            if self.edges_per_node is None and sorted(edge[1:] for edge in cell.edges) != self._complete_graph:
                return f"{self.title} has {self.inputs + self.intermediates} nodes, each joined to every earlier one"
            if self.edges_per_node is None and (others := set(cell.operations) - set(self.operations)):
                return f"{self.title} has no {sorted(others)[0]}; its operations: {', '.join(self.operations)}"
        return None

    @property
    def _complete_graph(self) -> list[tuple[int, int]]:
        return sorted(
            (source, target)
            for target in range(self.inputs, self.inputs + self.intermediates)
            for source in range(target)
        )


SPACES = MappingProxyType(
    {
        space.name: space
        for space in (
            Space("fully_concat", "Fully-concat (DARTS-like)", NAT_OPERATIONS, 2, 4, 2, "all", "concat", True, "cifar"),
            Space("loose_end", "Loose-end (ENAS-like)", NAT_OPERATIONS, 2, 5, 2, "loose_ends", "concat", True, "cifar"),
            Space(
                "nasbench201", "NAS-Bench-201", NASBENCH201_OPERATIONS, 1, 3, None, "last", "sum", False, "nasbench201"
            ),
        )
    }
)


def space_of(architecture: Architecture) -> Space | None:
    """Return the first space that `architecture` belongs to, or None."""
    return next((space for space in SPACES.values() if space.mismatch(architecture) is None), None)

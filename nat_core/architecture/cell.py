"""Cells and architectures as frozen, hashable values.

A cell is a DAG. Its first `inputs` nodes are outputs of earlier cells, every later node sums its incoming edges, and
every edge carries one operation (NAT, arXiv 1910.14488, section 3.1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

from nat_core.architecture.operations import NULL, OPERATIONS, Operation, canonical_name

MAX_NODES = 20
MAX_EDGES = 200

Combine = Literal["concat", "sum"]
CellName = Literal["normal", "reduction"]


class Edge(NamedTuple):
    """An edge applies `operation` to node `source` and adds the result to node `target` (source < target)."""

    operation: str
    source: int
    target: int

    @property
    def traits(self) -> Operation:
        return OPERATIONS[self.operation]

    @property
    def is_null(self) -> bool:
        return self.operation == NULL


@dataclass(frozen=True)
class Cell:
    """A cell with any number of nodes and any number of edges per node; parallel edges are allowed.

    Attributes:
        inputs: the number of input nodes (2 in DARTS-like cells, 1 in NAS-Bench-201).
        nodes: the number of all nodes, inputs included.
        edges: the edges in the given order; a transformation keeps this order, so an edge is known by its position.
        output: the nodes that form the output; at least one is an intermediate node with an incoming edge. An input
            node contributes C channels at the output's resolution.
        combine: whether the output concatenates or sums its nodes.

    Raises:
        ValueError: a limit, an operation, an edge or an output node is invalid.
    """

    inputs: int
    nodes: int
    edges: tuple[Edge, ...]
    output: tuple[int, ...]
    combine: Combine = "concat"

    def __post_init__(self) -> None:
        if not 1 <= self.inputs < self.nodes:
            raise ValueError(
                f"a cell needs 1 or more inputs and an intermediate node, not {self.inputs} of {self.nodes}"
            )
        if self.nodes > MAX_NODES:
            raise ValueError(f"{self.nodes} nodes; at most {MAX_NODES} are accepted")
        if len(self.edges) > MAX_EDGES:
            raise ValueError(f"{len(self.edges)} edges; at most {MAX_EDGES} are accepted")
        for position, edge in enumerate(self.edges):
            self._check_edge(position, edge)
        self._check_output()

    def _check_edge(self, position: int, edge: Edge) -> None:
        operation, source, target = edge
        if operation not in OPERATIONS:
            canonical_name(operation)  # raises an error with a hint unless the name is an alias
            raise ValueError(
                f"edge {position}: {operation!r} is another notation's name; use {canonical_name(operation)!r}"
            )
        if not 0 <= source < target < self.nodes:
            raise ValueError(
                f"edge {position} ({operation}): source {source} → target {target} must satisfy "
                f"0 ≤ source < target < {self.nodes}, so that the cell has no cycle"
            )
        if target < self.inputs:
            raise ValueError(
                f"edge {position} ({operation}): target {target} is an input node; "
                f"intermediate nodes start at {self.inputs}"
            )

    def _check_output(self) -> None:
        if self.combine not in ("concat", "sum"):
            raise ValueError(f"combine is {self.combine!r:.60}; accepted: concat, sum")
        for node in self.output:
            if not 0 <= node < self.nodes:
                raise ValueError(f"output node {node} does not exist; accepted: 0 to {self.nodes - 1}")
        if len(set(self.output)) != len(self.output):
            raise ValueError(f"output {list(self.output)!s:.60} names a node twice")
        if not set(self.output_nodes) & set(self.intermediates):
            raise ValueError(
                f"no intermediate node of the output {list(self.output)!s:.60} has an incoming edge, so the cell has "
                "no output of its own"
            )

    @cached_property
    def output_nodes(self) -> tuple[int, ...]:
        """The nodes of `output` that are inputs or have an incoming edge, which may be null.

        Like FairDARTS, the output leaves out nodes without incoming edges.
        """
        entered = {edge.target for edge in self.edges}
        return tuple(node for node in self.output if node in entered or node < self.inputs)

    @property
    def output_inputs(self) -> tuple[int, ...]:
        """Input nodes that are part of the output, as in NAO's version of NASNet-A."""
        return tuple(node for node in self.output if node < self.inputs)

    @property
    def width(self) -> int:
        """Channels of the cell's output in multiples of C."""
        return len(self.output_nodes) if self.combine == "concat" else 1

    @property
    def intermediates(self) -> range:
        return range(self.inputs, self.nodes)

    @property
    def operations(self) -> tuple[str, ...]:
        return tuple(edge.operation for edge in self.edges)

    def incoming(self, node: int) -> tuple[Edge, ...]:
        return tuple(edge for edge in self.edges if edge.target == node)

    @cached_property
    def loose_ends(self) -> tuple[int, ...]:
        """Intermediate nodes with incoming but no outgoing edges; null edges count."""
        sources = {edge.source for edge in self.edges}
        entered = {edge.target for edge in self.edges}
        return tuple(node for node in self.intermediates if node in entered and node not in sources)

    @cached_property
    def live_nodes(self) -> frozenset[int]:
        """Nodes from which some path of non-null edges reaches the output."""
        live = set(self.output_nodes)
        for edge in sorted(self.edges, key=lambda edge: -edge.target):
            if edge.target in live and not edge.is_null:
                live.add(edge.source)
        return frozenset(live)

    @property
    def dead_nodes(self) -> tuple[int, ...]:
        """Intermediate nodes that reach no output."""
        return tuple(node for node in self.intermediates if node not in self.live_nodes)

    @property
    def dead_edges(self) -> tuple[int, ...]:
        """Positions of non-null edges that do not reach the output: they have a cost but no effect."""
        return tuple(i for i, edge in enumerate(self.edges) if not edge.is_null and edge.target not in self.live_nodes)

    @cached_property
    def effective(self) -> "Cell":
        """The same cell with its dead edges set to null; it computes the same output."""
        dead = set(self.dead_edges)
        return self.with_operations(NULL if i in dead else op for i, op in enumerate(self.operations)) if dead else self

    @cached_property
    def ordered(self) -> "Cell":
        """The same cell with its edges in one order; nodes sum their edges, so that it computes the same output."""
        return replace(
            self, edges=tuple(sorted(self.edges, key=lambda edge: (edge.target, edge.source, edge.operation)))
        )

    def with_operations(self, operations: Iterator[str] | Sequence[str]) -> "Cell":
        """The same topology with other operations, one per edge in order."""
        edges = tuple(Edge(op, edge.source, edge.target) for op, edge in zip(operations, self.edges, strict=True))
        return replace(self, edges=edges)


@dataclass(frozen=True)
class Architecture:
    """A network's cells: a normal one and, except in NAS-Bench-201, a reduction one."""

    normal: Cell
    reduction: Cell | None = None

    def __post_init__(self) -> None:
        if self.reduction is not None and self.reduction.inputs != self.normal.inputs:
            raise ValueError(
                f"normal cell has {self.normal.inputs} inputs, reduction cell {self.reduction.inputs}; they must agree"
            )

    @cached_property
    def _hash(self) -> int:
        return hash((self.normal, self.reduction))

    def __hash__(self) -> int:  # cached because lookups need it thousands of times a second
        return self._hash

    @property
    def cells(self) -> tuple[tuple[CellName, Cell], ...]:
        """Its cells with their names, normal first."""
        named: tuple[tuple[CellName, Cell], ...] = (("normal", self.normal),)
        return named if self.reduction is None else (*named, ("reduction", self.reduction))

    @property
    def edges(self) -> tuple[tuple[CellName, Edge], ...]:
        """All edges, the normal cell's first: the order in which a policy decides."""
        return tuple((name, edge) for name, cell in self.cells for edge in cell.edges)

    @property
    def operations(self) -> tuple[str, ...]:
        return tuple(edge.operation for _, edge in self.edges)

    @cached_property
    def topology(self) -> object:
        """Everything except the operations; architectures with equal topologies have the same edges in the same
        order.
        """
        return tuple(
            (cell.inputs, cell.nodes, cell.output, cell.combine, tuple((e.source, e.target) for e in cell.edges))
            for _, cell in self.cells
        )

    @cached_property
    def ordered(self) -> "Architecture":
        """The same architecture with each cell's edges in one order."""
        return Architecture(self.normal.ordered, self.reduction.ordered if self.reduction else None)

    @cached_property
    def effective(self) -> "Architecture":
        """The same architecture with dead edges set to null."""
        return Architecture(self.normal.effective, self.reduction.effective if self.reduction else None)

    def with_operations(self, operations: Sequence[str]) -> "Architecture":
        """The same topology with other operations, one per edge in the order of `edges`."""
        if len(operations) != len(self.edges):
            raise ValueError(f"{len(operations)} operations for {len(self.edges)} edges")
        split = len(self.normal.edges)
        normal = self.normal.with_operations(operations[:split])
        return Architecture(normal, self.reduction.with_operations(operations[split:]) if self.reduction else None)

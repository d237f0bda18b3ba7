"""Editing a cell: pure functions that return a new cell or raise a one-sentence error.

Functions that add or remove edges or nodes take an optional space. The new cell's output then follows the rule of that
space, such as all nodes or the loose ends; without a space, the output keeps its nodes.
"""

from collections.abc import Iterable
from dataclasses import replace

from nat_core.architecture.cell import Architecture, Cell, CellName, Edge
from nat_core.architecture.spaces import Space


def replaced(architecture: Architecture, name: CellName, cell: Cell) -> Architecture:
    """Replace the cell `name`. Raises ValueError if there is no such cell, or the numbers of inputs differ."""
    if name not in dict(architecture.cells):
        raise ValueError(f"the architecture has no {name} cell")
    return replace(architecture, **{name: cell})


def with_operation(cell: Cell, position: int, operation: str) -> Cell:
    """Replace the operation of edge `position`. Raises ValueError if there is no such edge or operation."""
    edge = _edge(cell, position)
    return replace(cell, edges=_spliced(cell, position, edge._replace(operation=operation)))


def rewired(cell: Cell, position: int, source: int, target: int, space: Space | None = None) -> Cell:
    """Connect other nodes by edge `position`. Raises ValueError if there is no such edge, or it would form a cycle."""
    edge = _edge(cell, position)
    return _with_edges(cell, _spliced(cell, position, Edge(edge.operation, source, target)), space)


def with_edge(cell: Cell, operation: str, source: int, target: int, space: Space | None = None) -> Cell:
    """Add an edge, the last into `target`. Raises ValueError if it would form a cycle, or there are too many edges."""
    after = max((i + 1 for i, edge in enumerate(cell.edges) if edge.target <= target), default=0)
    edges = (*cell.edges[:after], Edge(operation, source, target), *cell.edges[after:])
    return _with_edges(cell, edges, space)


def without_edge(cell: Cell, position: int, space: Space | None = None) -> Cell:
    """Remove edge `position`. Raises ValueError if there is no such edge, or nothing would reach the output."""
    _edge(cell, position)
    return _with_edges(cell, _spliced(cell, position), space)


def with_node(cell: Cell, operation: str, source: int, space: Space | None = None) -> Cell:
    """Add a node at the end, which has one incoming edge and is part of the output.

    Raises:
        ValueError: there are too many nodes, or there is no such source.
    """
    node = cell.nodes
    edges = (*cell.edges, Edge(operation, source, node))
    return _rebuilt(cell, node + 1, edges, (*cell.output, node), space)


def without_node(cell: Cell, node: int, space: Space | None = None) -> Cell:
    """Remove an intermediate node and its edges; later nodes move up.

    Raises:
        ValueError: the node is an input, the only intermediate node, or the only one that reaches the output.
    """
    if node not in cell.intermediates:
        raise ValueError(f"node {node} is not an intermediate node ({cell.inputs}…{cell.nodes - 1})")
    if len(cell.intermediates) == 1:
        raise ValueError("the only intermediate node cannot be deleted")

    def moved(other: int) -> int:
        return other - (other > node)

    edges = tuple(
        Edge(edge.operation, moved(edge.source), moved(edge.target))
        for edge in cell.edges
        if node not in (edge.source, edge.target)
    )
    output = tuple(moved(other) for other in cell.output if other != node)
    return _rebuilt(cell, cell.nodes - 1, edges, output, space)


def with_outputs(cell: Cell, nodes: Iterable[int]) -> Cell:
    """Make these nodes the output. Raises ValueError if one cannot be part of it, or nothing reaches it."""
    return replace(cell, output=tuple(sorted(nodes)))


def _edge(cell: Cell, position: int) -> Edge:
    if not 0 <= position < len(cell.edges):
        raise ValueError(f"there is no edge {position}; the cell has {len(cell.edges)}")
    return cell.edges[position]


def _spliced(cell: Cell, position: int, *new: Edge) -> tuple[Edge, ...]:
    """The cell's edges with the edge at `position` replaced by `new`."""
    return (*cell.edges[:position], *new, *cell.edges[position + 1 :])


def _with_edges(cell: Cell, edges: tuple[Edge, ...], space: Space | None) -> Cell:
    return _rebuilt(cell, cell.nodes, edges, cell.output, space)


def _rebuilt(cell: Cell, nodes: int, edges: tuple[Edge, ...], output: tuple[int, ...], space: Space | None) -> Cell:
    """Build a cell like `cell` with other nodes and edges; if a space is given, it determines the output."""
    if space is not None:
        return space.cell(edges, nodes)
    return Cell(cell.inputs, nodes, edges, output, cell.combine)

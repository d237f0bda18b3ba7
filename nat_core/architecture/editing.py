"""Editing a cell: pure functions that give a new cell, or one sentence on why there is none.

Where edges or nodes come and go, a space may be given, whose rule for the output the new cell then follows (all
nodes, say, or the loose ends); without one the output keeps its nodes.
"""

from collections.abc import Iterable
from dataclasses import replace

from nat_core.architecture.cell import Architecture, Cell, CellName, Edge
from nat_core.architecture.spaces import Space


def replaced(architecture: Architecture, name: CellName, cell: Cell) -> Architecture:
    """The architecture with another cell of that name. Raises ValueError: it has none, or the inputs disagree."""
    if name not in dict(architecture.cells):
        raise ValueError(f"the architecture has no {name} cell")
    return replace(architecture, **{name: cell})


def with_operation(cell: Cell, position: int, operation: str) -> Cell:
    """Another operation on the edge at `position`. Raises ValueError: no such edge or operation."""
    edge = _edge(cell, position)
    return replace(cell, edges=_spliced(cell, position, edge._replace(operation=operation)))


def rewired(cell: Cell, position: int, source: int, target: int, space: Space | None = None) -> Cell:
    """The edge at `position` between other nodes. Raises ValueError: no such edge, or it would form a cycle."""
    edge = _edge(cell, position)
    return _with_edges(cell, _spliced(cell, position, Edge(edge.operation, source, target)), space)


def with_edge(cell: Cell, operation: str, source: int, target: int, space: Space | None = None) -> Cell:
    """One more edge, the last of those that enter `target`. Raises ValueError: it would form a cycle, or too many."""
    after = max((i + 1 for i, edge in enumerate(cell.edges) if edge.target <= target), default=0)
    edges = (*cell.edges[:after], Edge(operation, source, target), *cell.edges[after:])
    return _with_edges(cell, edges, space)


def without_edge(cell: Cell, position: int, space: Space | None = None) -> Cell:
    """The cell without the edge at `position`. Raises ValueError: no such edge, or nothing would reach the output."""
    _edge(cell, position)
    return _with_edges(cell, _spliced(cell, position), space)


def with_node(cell: Cell, operation: str, source: int, space: Space | None = None) -> Cell:
    """One more intermediate node, the last one, entered by one edge and part of the output.

    Raises:
        ValueError: too many nodes, or no such source.
    """
    node = cell.nodes
    edges = (*cell.edges, Edge(operation, source, node))
    return _rebuilt(cell, node + 1, edges, (*cell.output, node), space)


def without_node(cell: Cell, node: int, space: Space | None = None) -> Cell:
    """The cell without an intermediate node and its edges; later nodes move up.

    Raises:
        ValueError: it is an input, the only intermediate node, or the only one that reaches the output.
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
    """Another output, of these nodes. Raises ValueError: one cannot be part of it, or none reaches it."""
    return replace(cell, output=tuple(sorted(nodes)))


def _edge(cell: Cell, position: int) -> Edge:
    if not 0 <= position < len(cell.edges):
        raise ValueError(f"there is no edge {position}; the cell has {len(cell.edges)}")
    return cell.edges[position]


def _spliced(cell: Cell, position: int, *new: Edge) -> tuple[Edge, ...]:
    """The cell's edges with `new` in the place of one."""
    return (*cell.edges[:position], *new, *cell.edges[position + 1 :])


def _with_edges(cell: Cell, edges: tuple[Edge, ...], space: Space | None) -> Cell:
    return _rebuilt(cell, cell.nodes, edges, cell.output, space)


def _rebuilt(cell: Cell, nodes: int, edges: tuple[Edge, ...], output: tuple[int, ...], space: Space | None) -> Cell:
    """A cell like `cell`, with the output that the space prescribes, if there is one."""
    if space is not None:
        return space.cell(edges, nodes)
    return Cell(cell.inputs, nodes, edges, output, cell.combine)

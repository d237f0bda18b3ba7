"""Architectures as batched graphs for torch-geometric: what a policy or a reward model sees of them.

One graph per architecture. Its nodes are the nodes of both cells and one output node per cell; its
decision edges are the cells' edges in the order of `Architecture.edges`. Links, which carry no operation, join the
output nodes of a cell to its output, and the normal cell's output to the reduction cell's, so
that each cell sees the other. All features are relative (depth ÷ deepest), never a node's
number: cells of any size are accepted and renaming nodes changes nothing.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import MAX_EDGES, Architecture, Cell, Combine, Edge
from nat_core.architecture.operations import INDEX, NULL, OPERATIONS, Kind, Operation
from nat_core.architecture.rows import CellRows
from nat_core.architecture.spaces import Space
from nat_core.architecture.transitions import legal_targets

OPERATION_COUNT = len(OPERATIONS)
_KINDS = tuple(Kind)
TRAIT_FEATURES = len(_KINDS) + 4
NODE_FEATURES = 10
EDGE_FEATURES = 5
_HALF_LOG = np.array([math.log1p(count) / 2 for count in range(MAX_EDGES + 1)])


def _traits(operation: Operation) -> list[float]:
    kinds = [float(operation.kind is kind) for kind in _KINDS]
    size = [operation.kernel / 7, math.log2(max(operation.kernel, 1)) / 3]
    return [*kinds, *size, operation.dilation - 1, float(operation.tall_first)]


@lru_cache(maxsize=1)
def operation_traits() -> Tensor:
    """[operations, TRAIT_FEATURES] the operations' traits: kind (one-hot), kernel, dilation, orientation."""
    return torch.tensor([_traits(operation) for operation in OPERATIONS.values()])


@lru_cache
def legal_mask(space: Space, rule: str = "nat++") -> Tensor:
    """[operations, operations] bool: whether column may replace row in `space`; the diagonal is always true.

    Raises:
        ValueError: unknown rule.
    """
    mask = torch.zeros(OPERATION_COUNT, OPERATION_COUNT, dtype=torch.bool)
    for name, row in INDEX.items():
        mask[row, [INDEX[target] for target in legal_targets(name, space.operations, rule)]] = True
    return mask


def encode(architectures: Sequence[Architecture]) -> Data:
    """One batch of graphs for n architectures with E edges and N nodes in all.

    Returns:
        Data with x [N, NODE_FEATURES]; edge_index [2, E] (source, target); edge_attr [E, EDGE_FEATURES];
        operation [E] (row of the table of operations); edge_cell [E] (0 normal, 1 reduction);
        link_index [2, L]; batch [N], edge_batch [E], link_batch [L] (number of the graph);
        node_ptr, edge_ptr, link_ptr [n + 1] (where each graph begins).

    Raises:
        ValueError: no architecture.
    """
    if not architectures:
        raise ValueError("a batch needs at least one architecture")
    graphs = [_topology(*_topology_key(architecture)) for architecture in architectures]
    operations = [INDEX[name] for architecture in architectures for name in architecture.operations]
    pointers = {
        name: _pointer([getattr(graph, field).shape[-1 if "index" in field else 0] for graph in graphs])
        for name, field in (("node", "x"), ("edge", "edge_index"), ("link", "link_index"))
    }
    numbers = {name: _numbers(pointer) for name, pointer in pointers.items()}
    offset = {name: pointers["node"][number] for name, number in numbers.items()}
    return Data(
        x=torch.cat([graph.x for graph in graphs]),
        edge_index=torch.cat([graph.edge_index for graph in graphs], dim=1) + offset["edge"],
        edge_attr=torch.cat([graph.edge_attr for graph in graphs]),
        operation=torch.tensor(operations, dtype=torch.long),
        edge_cell=torch.cat([graph.edge_cell for graph in graphs]),
        link_index=torch.cat([graph.link_index for graph in graphs], dim=1) + offset["link"],
        batch=numbers["node"], edge_batch=numbers["edge"], link_batch=numbers["link"],
        **{f"{name}_ptr": pointer for name, pointer in pointers.items()},
    )  # fmt: skip


def select(graphs: Data, chosen: Tensor) -> Data:
    """The graphs numbered `chosen` [n] (repeats allowed) as a batch of their own; no Python per architecture."""
    nodes, node_ptr, numbers = _rows(graphs.node_ptr, chosen)
    edges, edge_ptr, edge_numbers = _rows(graphs.edge_ptr, chosen)
    links, link_ptr, link_numbers = _rows(graphs.link_ptr, chosen)
    moved = node_ptr[:-1] - graphs.node_ptr[chosen]
    return Data(
        x=graphs.x[nodes],
        edge_index=graphs.edge_index[:, edges] + moved[edge_numbers],
        edge_attr=graphs.edge_attr[edges],
        operation=graphs.operation[edges],
        edge_cell=graphs.edge_cell[edges],
        link_index=graphs.link_index[:, links] + moved[link_numbers],
        batch=numbers, edge_batch=edge_numbers, link_batch=link_numbers,
        node_ptr=node_ptr, edge_ptr=edge_ptr, link_ptr=link_ptr,
    )  # fmt: skip


def graph_count(graphs: Data) -> int:
    """How many architectures a batch holds."""
    return len(graphs.node_ptr) - 1


def edge_rows(graphs: Data, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Which decision edges belong to the graphs numbered `chosen` [n], one after the other, and whose each then is."""
    rows, _, numbers = _rows(graphs.edge_ptr, chosen)
    return rows, numbers


def _pointer(sizes: list[int]) -> Tensor:
    return torch.tensor([0, *np.cumsum(sizes)], dtype=torch.long)


def _numbers(pointer: Tensor) -> Tensor:
    return torch.repeat_interleave(torch.arange(len(pointer) - 1, device=pointer.device), pointer.diff())


def _rows(pointer: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of the chosen graphs in a flat tensor, where each then begins, and whose each row is."""
    sizes = pointer.diff()[chosen]
    begins = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    numbers = _numbers(begins)
    within = torch.arange(len(numbers), device=numbers.device) - begins[numbers]
    return pointer[chosen][numbers] + within, begins, numbers


def encode_cells(rows: CellRows) -> Data:
    """One batch of graphs as of `encode`, for n architectures of a single cell each."""
    node_rows, edge_rows = _cell_features(rows, is_reduction=False)
    count, last = rows.nodes + 1, node_rows.shape[1] - 1
    first = np.cumsum(count) - count
    place = np.arange(last + 1)
    has_node = (place < rows.nodes[:, None]) | (place == last)
    graph, edge = np.nonzero(rows.exists)
    linked, node = np.nonzero(rows.forms_output)
    ends = [first[graph] + nodes[graph, edge] for nodes in (rows.sources, rows.targets)]
    links = [first[linked] + node, first[linked] + rows.nodes[linked]]
    sizes = {"node": count, "edge": rows.exists.sum(axis=1), "link": rows.forms_output.sum(axis=1)}
    pointers = {name: _pointer(values.tolist()) for name, values in sizes.items()}
    numbers = {name: _numbers(pointer) for name, pointer in pointers.items()}
    return Data(
        x=torch.from_numpy(node_rows[has_node]).float(),
        edge_index=torch.from_numpy(np.stack(ends)),
        edge_attr=torch.from_numpy(edge_rows[rows.exists]).float(),
        operation=torch.from_numpy(rows.operations[rows.exists]),
        edge_cell=torch.zeros(len(graph), dtype=torch.long),
        link_index=torch.from_numpy(np.stack(links)),
        batch=numbers["node"], edge_batch=numbers["edge"], link_batch=numbers["link"],
        **{f"{name}_ptr": pointer for name, pointer in pointers.items()},
    )  # fmt: skip


_CellKey = tuple[int, int, tuple[tuple[int, int], ...], tuple[int, ...], Combine]


def _topology_key(architecture: Architecture) -> tuple[_CellKey, ...]:
    return tuple(
        (cell.inputs, cell.nodes, tuple([(edge.source, edge.target) for edge in cell.edges]), cell.output, cell.combine)
        for _, cell in architecture.cells
    )


@lru_cache(maxsize=4096)
def _topology(*keys: _CellKey) -> Data:
    """The parts of a graph that do not depend on operations."""
    nodes: list[list[float]] = []
    positions: list[list[float]] = []
    edges: list[tuple[int, int]] = []
    links: list[tuple[int, int]] = []
    types: list[int] = []
    outputs: list[int] = []
    for is_reduction, (inputs, count, ends, output, combine) in enumerate(keys):
        cell = Cell(inputs, count, tuple(Edge(NULL, *pair) for pair in ends), output, combine)
        first = len(nodes)
        outputs.append(first + count)
        (node_rows,), (position_rows,) = _cell_features(CellRows.of([cell]), bool(is_reduction))
        nodes += node_rows.tolist()
        positions += position_rows.tolist()
        edges += [(first + source, first + target) for source, target in ends]
        links += [(first + node, first + count) for node in cell.output_nodes]
        types += [is_reduction] * len(ends)
    links += pairwise(outputs)
    return Data(
        x=torch.tensor(nodes),
        edge_index=torch.tensor(edges, dtype=torch.long).reshape(-1, 2).T,
        edge_attr=torch.tensor(positions).reshape(-1, EDGE_FEATURES),
        edge_cell=torch.tensor(types, dtype=torch.long),
        link_index=torch.tensor(links, dtype=torch.long).T,
    )


def _cell_features(rows: CellRows, is_reduction: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of n cells: [n, N + 1, NODE_FEATURES] of nodes, the cell's output node last, and [n, E, EDGE_FEATURES]."""
    depth, height = rows.depths(rows.exists), rows.heights(rows.exists)
    deepest, highest = (levels.max(axis=1, keepdims=True).clip(1) for levels in (depth, height))
    deep, high = depth / deepest, height / highest
    node, last = np.arange(rows.outputs.shape[1]), rows.outputs.shape[1] - 1
    entering, leaving = (rows.count(ends, rows.exists) for ends in (rows.targets, rows.sources))
    nodes = np.zeros((len(rows), len(node), NODE_FEATURES))
    inside = [
        rows.is_input, 0.0, np.where(rows.is_input, (node + 1) / rows.inputs[:, None], 0.0), deep, high,
        rows.forms_output, _HALF_LOG[entering], _HALF_LOG[leaving],
    ]  # fmt: skip
    outside = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, _HALF_LOG[rows.forms_output.sum(axis=1)], 0.0]
    for place, (values, of_output) in enumerate(zip(inside, outside, strict=True)):
        nodes[:, :, place], nodes[:, last, place] = values, of_output
    nodes[:, :, -2], nodes[:, :, -1] = is_reduction, rows.concatenates[:, None]
    from_input = np.take_along_axis(rows.is_input, rows.sources, axis=1)
    edges = [
        np.take_along_axis(deep, rows.sources, axis=1), np.take_along_axis(deep, rows.targets, axis=1),
        np.take_along_axis(high, rows.targets, axis=1), from_input & is_reduction,
        np.full(rows.sources.shape, is_reduction),
    ]  # fmt: skip
    return nodes, np.stack([np.asarray(values, dtype=np.float64) for values in edges], axis=2)

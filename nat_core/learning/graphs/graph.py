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
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import MAX_EDGES, Architecture
from nat_core.architecture.operations import INDEX, OPERATIONS, Kind, Operation
from nat_core.architecture.rows import CellRows, Numbers
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
    """Return operations' kind (one-hot), kernel, dilation and orientation, shape [operations, TRAIT_FEATURES]."""
    return torch.tensor([_traits(operation) for operation in OPERATIONS.values()])


@lru_cache
def legal_mask(space: Space, rule: str = "nat++") -> Tensor:
    """Return whether the column may replace the row in `space`, bool [operations, operations]; the diagonal is true.

    Raises:
        ValueError: the rule is unknown.
    """
    mask = torch.zeros(OPERATION_COUNT, OPERATION_COUNT, dtype=torch.bool)
    for name, row in INDEX.items():
        mask[row, [INDEX[target] for target in legal_targets(name, space.operations, rule)]] = True
    return mask


def encode(architectures: Sequence[Architecture]) -> Data:
    """Encode n architectures with E edges and N nodes in all as one batch of graphs.

    Returns:
        Data with x [N, NODE_FEATURES]; edge_index [2, E] (source, target); edge_attr [E, EDGE_FEATURES];
        operation [E] (row of the table of operations); edge_cell [E] (0 normal, 1 reduction);
        link_index [2, L]; batch [N], edge_batch [E], link_batch [L] (number of the graph);
        node_ptr, edge_ptr, link_ptr [n + 1] (where each graph begins).

    Raises:
        ValueError: there is no architecture.
    """
    if not architectures:
        raise ValueError("a batch needs at least one architecture")
    cells = [[cell for _, cell in architecture.cells] for architecture in architectures]
    return _encoded(CellRows.of(list(chain.from_iterable(cells))), np.array([len(item) for item in cells]))


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
    """Return the number of architectures in a batch."""
    return len(graphs.node_ptr) - 1


def edge_kinds(graphs: Data) -> tuple[Tensor, Tensor]:
    """Group decision edges with equal operations and features; graphs must be on the CPU.

    Returns:
        One edge of each kind, [k], and the kind of every edge, [E].
    """
    rows = torch.cat([graphs.operation[:, None].to(graphs.edge_attr.dtype), graphs.edge_attr], dim=1).numpy()
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
    _, first, kinds = np.unique(whole, return_index=True, return_inverse=True)
    return torch.from_numpy(first), torch.from_numpy(kinds)


def edge_rows(graphs: Data, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Return the decision edges of the graphs `chosen` [n], in this order, and each edge's position in `chosen`."""
    rows, _, numbers = _rows(graphs.edge_ptr, chosen)
    return rows, numbers


def _pointer(sizes: list[int]) -> Tensor:
    return torch.tensor([0, *np.cumsum(sizes)], dtype=torch.long)


def _numbers(pointer: Tensor) -> Tensor:
    return torch.repeat_interleave(torch.arange(len(pointer) - 1, device=pointer.device), pointer.diff())


def _rows(pointer: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the chosen graphs' rows in a flat tensor, where each graph then begins, and the graph of each row."""
    sizes = pointer.diff()[chosen]
    begins = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    numbers = _numbers(begins)
    within = torch.arange(len(numbers), device=numbers.device) - begins[numbers]
    return pointer[chosen][numbers] + within, begins, numbers


def encode_cells(rows: CellRows) -> Data:
    """One batch of graphs as of `encode`, for n architectures of a single cell each."""
    return _encoded(rows, np.ones(len(rows), dtype=np.int64))


def _encoded(rows: CellRows, cells: Numbers) -> Data:
    """A batch of graphs, each of the next `cells` [n] of `rows`: a normal one, and a reduction one if there are two."""
    owner = np.repeat(np.arange(len(cells)), cells)
    is_reduction = np.append(False, owner[1:] == owner[:-1])
    node_rows, edge_rows = _cell_features(rows, is_reduction)
    count, last = rows.nodes + 1, node_rows.shape[1] - 1
    first = np.cumsum(count) - count
    place = np.arange(last + 1)
    has_node = (place < rows.nodes[:, None]) | (place == last)
    cell, edge = np.nonzero(rows.exists)
    ends = [first[cell] + nodes[cell, edge] for nodes in (rows.sources, rows.targets)]
    links, linked = _links(rows, first, is_reduction)
    owners = {"node": np.repeat(owner, count), "edge": owner[cell], "link": owner[linked]}
    numbers = {name: torch.from_numpy(values) for name, values in owners.items()}
    sizes = {name: torch.bincount(values, minlength=len(cells)) for name, values in numbers.items()}
    return Data(
        x=torch.from_numpy(node_rows[has_node]).float(),
        edge_index=torch.from_numpy(np.stack(ends)),
        edge_attr=torch.from_numpy(edge_rows[rows.exists]).float(),
        operation=torch.from_numpy(rows.operations[rows.exists]),
        edge_cell=torch.from_numpy(is_reduction[cell].astype(np.int64)),
        link_index=torch.from_numpy(links),
        batch=numbers["node"], edge_batch=numbers["edge"], link_batch=numbers["link"],
        **{f"{name}_ptr": torch.cat([values.new_zeros(1), values.cumsum(0)]) for name, values in sizes.items()},
    )  # fmt: skip


def _links(rows: CellRows, first: Numbers, is_reduction: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Return links [2, links] from a cell's output nodes to its output and from a normal cell's output to that of its
    reduction cell, and the cell in which each ends, [links]. Cells begin at the nodes `first`."""
    linked, node = np.nonzero(rows.forms_output)
    second = np.flatnonzero(is_reduction)
    outputs = first + rows.nodes
    ends = np.concatenate([linked, second])
    begins = np.concatenate([first[linked] + node, outputs[second - 1]])
    order = np.argsort(ends, kind="stable")
    return np.stack([begins, outputs[ends]])[:, order], ends[order]


def _cell_features(rows: CellRows, is_reduction: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return features of nodes, the output last, [n, N + 1, NODE_FEATURES], and of edges, [n, E, EDGE_FEATURES]."""
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
    nodes[:, :, -2], nodes[:, :, -1] = is_reduction[:, None], rows.concatenates[:, None]
    from_input = np.take_along_axis(rows.is_input, rows.sources, axis=1)
    edges = [
        np.take_along_axis(deep, rows.sources, axis=1), np.take_along_axis(deep, rows.targets, axis=1),
        np.take_along_axis(high, rows.targets, axis=1), from_input & is_reduction[:, None],
        np.broadcast_to(is_reduction[:, None], from_input.shape),
    ]  # fmt: skip
    return nodes, np.stack([np.asarray(values, dtype=np.float64) for values in edges], axis=2)

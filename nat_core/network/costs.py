"""The cost of an architecture: each kind of block and operation is measured once, scaled to size and summed up.

The sum takes microseconds and equals fvcore's count of the whole built network exactly, for parameters and for every
operator. An auxiliary head adds its parameters but no operations, since inference does not execute it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from nat_core.architecture.cell import Architecture, Cell, CellName
from nat_core.architecture.operations import NAMES, NULL, OPERATIONS, Kind
from nat_core.architecture.spaces import NAT_OPERATIONS
from nat_core.network.config import NetworkConfig
from nat_core.network.cost import FIELDS, Cost, total
from nat_core.network.measured_costs import measured, small_block_cost, small_cost
from nat_core.network.modules import build_operation
from nat_core.network.plan import Block, OutputShape, Plan, output_shape, plan_network
from nat_core.network.scaling import (
    BLOCK_POINTS,
    OPERATION_POINTS,
    Scaling,
    terms_of_block,
    terms_of_operation,
)

__all__ = ["Cost", "CostModel", "FigureRow", "cost_model", "operation_cost", "operation_figure"]


_PARAMETERS = FIELDS.index("parameters")
_MACS = [FIELDS.index("convolution"), FIELDS.index("linear")]


@lru_cache(maxsize=65_536)
def operation_cost(name: str, channels: int, resolution: int, stride: int, affine: bool = True) -> Cost:
    """Return the cost of one operation on `channels` × `resolution` × `resolution` inputs; null costs nothing."""
    if name == NULL:
        return Cost()
    if channels % 2 or resolution % stride:
        return measured(lambda: build_operation(name, channels, stride, affine), channels, resolution)
    return _operation_scaling(name, stride, affine).cost(channels, resolution=resolution)


@lru_cache(maxsize=1024)
def _operation_scaling(name: str, stride: int, affine: bool) -> Scaling:
    costs = [small_cost(name, channels, stride, affine) for (channels,) in OPERATION_POINTS]
    return Scaling.fitted(terms_of_operation, OPERATION_POINTS, costs)


@lru_cache(maxsize=16_384)
def _block_cost(block: Block) -> Cost:
    if block.resolution % 2**block.halvings:
        return measured(block.build, block.in_channels, block.resolution)
    return _block_scaling(block.module).cost(block.in_channels, block.out_channels, resolution=block.resolution)


@lru_cache(maxsize=64)
def _block_scaling(module: Callable[[int, int], nn.Module]) -> Scaling:
    costs = [small_block_cost(module, *point) for point in BLOCK_POINTS]
    return Scaling.fitted(terms_of_block, BLOCK_POINTS, costs)


@lru_cache(maxsize=256)
def _auxiliary_parameters(block: Block) -> int:
    """Return the parameters of an auxiliary head; its operations do not count, since inference leaves it out."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in block.build().parameters())


def _fixed_cost(plan: Plan) -> Cost:
    auxiliary = Cost(parameters=_auxiliary_parameters(plan.auxiliary)) if plan.auxiliary else Cost()
    return total((auxiliary, *map(_block_cost, plan.blocks)))


@dataclass(frozen=True, eq=False)
class OperationCosts:
    """The costs of k transformations of one architecture.

    Attributes:
        counts: costs in the order of the fields of `Cost`, int64 [k, fields].
    """

    counts: np.ndarray

    @property
    def macs(self) -> np.ndarray:
        """Return the MACs, int64 [k]."""
        return np.asarray(self.counts[:, _MACS].sum(axis=1))

    @property
    def parameters(self) -> np.ndarray:
        """Return the numbers of parameters, int64 [k]."""
        return np.asarray(self.counts[:, _PARAMETERS])

    def __getitem__(self, number: int) -> Cost:
        return Cost(*self.counts[number].tolist())


class CostModel:
    """Computes costs of architectures on one network; get an instance from `cost_model`, which caches measurements.

    Costs include dead edges; pass `architecture.effective` to leave them out.
    """

    def __init__(self, config: NetworkConfig) -> None:
        self.config = config
        self._fixed: dict[tuple[tuple[int, OutputShape], ...], tuple[Cost, Plan]] = {}
        self._edges: dict[tuple[CellName, bool, str], Cost] = {}
        self._tables: dict[CellName, np.ndarray] = {}

    def cost(self, architecture: Architecture) -> Cost:
        """Cost of the whole network: `fixed_cost` plus all `edge_costs`.

        Raises:
            ValueError: the network cannot be built of these cells.
        """
        return total((self.fixed_cost(architecture), *self.edge_costs(architecture)))

    def fixed_cost(self, architecture: Architecture) -> Cost:
        """Cost of everything outside the edges: stem, preprocessing, residual blocks, classifier, auxiliary parameters.

        This cost depends on the widths of the cells' outputs, not on the operations.
        """
        return self._prepared(architecture)[0]

    def edge_costs(self, architecture: Architecture) -> tuple[Cost, ...]:
        """Cost of each of `architecture.edges`, summed over every cell of the network in which it occurs."""
        plan = self._prepared(architecture)[1]
        return tuple(
            self._edge_cost(plan, name, edge.source < plan.cell_inputs, edge.operation)
            for name, edge in architecture.edges
        )

    def edge_table(self, architecture: Architecture) -> tuple[np.ndarray, np.ndarray]:
        """MACs and parameters of every operation on every edge: the costs of many candidates are sums of its entries.

        Returns:
            two int64 arrays [edges, len(NAMES)]; column j is the operation `NAMES[j]`.
        """
        counts = self._edge_counts(architecture)
        return counts[..., _MACS].sum(axis=-1), counts[..., _PARAMETERS]

    def operation_costs(self, architecture: Architecture, operations: np.ndarray) -> "OperationCosts":
        """The costs of k transformations; `operations` [k, edges] holds indices into `NAMES`.

        Raises:
            ValueError: the network cannot be built of these cells.
        """
        edges, fixed = np.arange(operations.shape[1]), _numbers(self.fixed_cost(architecture))
        return OperationCosts(fixed + self._edge_counts(architecture)[edges, operations].sum(axis=1))

    def _edge_counts(self, architecture: Architecture) -> np.ndarray:
        """Return the costs of all operations on every edge, shape [edges, len(NAMES), fields of `Cost`]."""
        plan = self._prepared(architecture)[1]
        return np.concatenate([self._table(plan, name)[_from_inputs(cell)] for name, cell in architecture.cells])

    def _prepared(self, architecture: Architecture) -> tuple[Cost, Plan]:
        """Return fixed cost and plan; both depend only on the numbers of inputs and the shapes of the outputs."""
        key = tuple((cell.inputs, output_shape(cell)) for _, cell in architecture.cells)
        if key not in self._fixed:
            plan = plan_network(architecture, self.config)
            self._fixed[key] = (_fixed_cost(plan), plan)
        return self._fixed[key]

    def _edge_cost(self, plan: Plan, name: CellName, from_input: bool, operation: str) -> Cost:
        key = (name, from_input, operation)
        if key not in self._edges:
            self._edges[key] = total(
                operation_cost(operation, cell.channels, cell.resolution_of(from_input), cell.stride(from_input))
                for cell in plan.cells
                if cell.name == name
            )
        return self._edges[key]

    def _table(self, plan: Plan, name: CellName) -> np.ndarray:
        """Return a cell's costs of all operations on edges from intermediate and from input nodes, [2, NAMES, fields of
        `Cost`]."""
        if name not in self._tables:
            rows = [[_numbers(self._edge_cost(plan, name, first, item)) for item in NAMES] for first in (False, True)]
            self._tables[name] = np.array(rows)
        return self._tables[name]


def _from_inputs(cell: Cell) -> list[int]:
    """Return for each edge 1 if it starts at an input node, else 0."""
    return [int(edge.source < cell.inputs) for edge in cell.edges]


def _numbers(cost: Cost) -> np.ndarray:
    return np.array([getattr(cost, name) for name in FIELDS], np.int64)


@lru_cache(maxsize=256)
def cost_model(config: NetworkConfig) -> CostModel:
    """Return the cost model of a network; it is cached, so equal configurations share one."""
    return CostModel(config)


@dataclass(frozen=True)
class FigureRow:
    """One bar of NAT++'s figure of operation costs.

    Attributes:
        operation: canonical name.
        multiply_adds: convolutions' MACs, plus k²·C·H·W for pooling and C·H·W for skip_connect.
        weights: parameters of convolutions only.
    """

    operation: str
    multiply_adds: int
    weights: int


def operation_figure(
    channels: int = 128, resolution: int = 32, operations: Sequence[str] = NAT_OPERATIONS
) -> tuple[FigureRow, ...]:
    """Return the data of NAT++'s figure of operation costs at stride 1, in its conventions (arXiv 2102.10301)."""
    return tuple(_figure_row(name, channels, resolution) for name in operations)


def _figure_row(name: str, channels: int, resolution: int) -> FigureRow:
    cost = operation_cost(name, channels, resolution, stride=1, affine=False)
    copied = channels * resolution**2 if OPERATIONS[name].kind is Kind.SKIP else 0
    return FigureRow(name, cost.macs + cost.max_pool + cost.avg_pool + copied, cost.parameters)

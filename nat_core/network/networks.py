"""Networks of searched cells, to be trained from scratch, built from a plan.

Null edges have no module. Dead edges, which reach no output, are built and executed, because published costs include
them; build `architecture.effective` for the same network without them.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nat_core.architecture.cell import Architecture, Cell
from nat_core.network.config import NetworkConfig
from nat_core.network.modules import DropPath, build_operation, drop_first_relu
from nat_core.network.plan import CellPlan, Plan, plan_network

# Builds an operation's module from (name, channels, stride).
OperationBuilder = Callable[[str, int, int], nn.Module]


class CellModule(nn.Module):
    """One cell: [batch, any channels, h, w] per input to [batch, width · channels, h', w'].

    `operations` holds the module of edge i under the key ``str(i)``; null edges have no key. Most operations begin with
    a ReLU, which is computed once per node for all of its edges. `drop_path` follows every operation but the identity.
    If an input node is part of a reduction cell's output, `carried` holds the block that halves it, by node number.
    """

    def __init__(
        self, cell: Cell, plan: CellPlan, build: OperationBuilder = build_operation, drop_path: DropPath | None = None
    ) -> None:
        super().__init__()
        self.cell = cell
        self.drop_path = drop_path or DropPath()
        self.stride = plan.stride(from_input=True)
        self.preprocess = nn.ModuleList(block.build() for block in plan.preprocess)
        self.operations = nn.ModuleDict(
            {
                str(i): build(edge.operation, plan.channels, plan.stride(edge.source < cell.inputs))
                for i, edge in enumerate(cell.edges)
                if not edge.is_null
            }
        )
        self.carried = nn.ModuleDict({str(node): block.build() for node, block in plan.carried})
        self._take_rectified = frozenset(key for key, module in self.operations.items() if drop_first_relu(module))
        self._incoming = tuple(
            tuple(
                (str(i), edge.source) for i, edge in enumerate(cell.edges) if edge.target == node and not edge.is_null
            )
            for node in range(cell.nodes)
        )

    def forward(self, earlier: tuple[Tensor, ...]) -> Tensor:
        nodes = [block(x) for block, x in zip(self.preprocess, earlier, strict=True)] if self.preprocess else [*earlier]
        rectified: dict[int, Tensor] = {}
        for node in self.cell.intermediates:
            terms = [self._term(key, source, nodes, rectified) for key, source in self._incoming[node]]
            nodes.append(sum(terms[1:], start=terms[0]) if terms else self._zeros(nodes[0]))
        output = [self._carried(node, nodes[node]) for node in self.cell.output_nodes]
        return torch.cat(output, dim=1) if self.cell.combine == "concat" else sum(output[1:], start=output[0])

    def _carried(self, node: int, x: Tensor) -> Tensor:
        """Return the node's contribution to the output."""
        return self.carried[str(node)](x) if str(node) in self.carried else x

    def _term(self, key: str, source: int, nodes: Sequence[Tensor], rectified: dict[int, Tensor]) -> Tensor:
        """Return the edge's contribution to its target node; `rectified` caches the nodes' ReLUs."""
        operation, x = self.operations[key], nodes[source]
        if key in self._take_rectified:
            if source not in rectified:
                rectified[source] = F.relu(x)
            x = rectified[source]
        return x if isinstance(operation, nn.Identity) else self.drop_path(operation(x))

    def _zeros(self, example: Tensor) -> Tensor:
        """Return the value of a node without incoming operations: zeros in the shape of an intermediate node."""
        return torch.zeros_like(example[:, :, :: self.stride, :: self.stride])


class CellNetwork(nn.Module):
    """Stem, cells, classifier: images [batch, 3, h, w] to logits [batch, classes].

    With an auxiliary head, training mode returns (logits, auxiliary logits). All cells share `drop_path`, which is off
    until its probability is set. See `plan` for the sources.
    """

    def __init__(self, architecture: Architecture, plan: Plan, build: OperationBuilder = build_operation) -> None:
        super().__init__()
        cells = dict(architecture.cells)
        self.cell_inputs = plan.cell_inputs
        self.stem = nn.ModuleList(block.build() for block in plan.stem)
        self.drop_path = DropPath()
        self.cells = nn.ModuleList(CellModule(cells[cell.name], cell, build, self.drop_path) for cell in plan.cells)
        self.classifier = plan.classifier.build()
        self.auxiliary = plan.auxiliary.build() if plan.auxiliary else None
        self.auxiliary_after = plan.auxiliary_after

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        states = self._first_states(images)
        auxiliary_logits = None
        for index, cell in enumerate(self.cells):
            output = cell(states)
            states = (*states[1:], output)
            if self.training and self.auxiliary is not None and index == self.auxiliary_after:
                auxiliary_logits = self.auxiliary(output)
        logits = self.classifier(output)
        return logits if auxiliary_logits is None else (logits, auxiliary_logits)

    def _first_states(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the first cell's inputs: the outputs of the first and the last stem block, or of the last one only."""
        outputs: list[Tensor] = []
        for block in self.stem:
            outputs.append(block(outputs[-1] if outputs else images))
        return (outputs[0], outputs[-1])[-self.cell_inputs :]


def build_network(architecture: Architecture, config: NetworkConfig) -> CellNetwork:
    """The network of `architecture`'s cells that `config` describes, with fresh weights, on the default device.

    Raises:
        ValueError: the cells do not fit the network, such as a NAS-Bench-201 cell in a CIFAR network.
    """
    return CellNetwork(architecture, plan_network(architecture, config))

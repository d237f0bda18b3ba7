"""Shared weights: one network that contains every architecture of a space (ENAS, arXiv 1802.03268; NAT, section 3.3).

Every cell of the network owns one module per (source, target, operation), and an architecture is given with every call.
What makes it a different network from one trained from scratch: no batch norm has affine parameters, one follows every
pooling, and all of them use the statistics of the batch at hand, in training and in evaluation alike: architectures
take turns, so running averages would belong to none of them. Evaluate with a fixed batch size, and nothing is modified.

- Parallel edges of the same operation between the same nodes share one module, whose output counts as often as they
  occur. A second module would see about one step in fifty of the first one's, and an untrained module misleads.
- A cell's output may lack nodes (loose ends). What takes it has weights for all nodes and uses those of the ones there.
- Null and dead edges, inputs that no edge reads, and edges from zeros are not executed: without affine parameters
  zeros stay zeros. What is left out gets no gradient (None), so that an optimiser touches neither it nor its momentum.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.operations import NULL
from nat_core.architecture.spaces import Space
from nat_core.network.batch_norm import BatchStatisticsNorm
from nat_core.network.config import NetworkConfig
from nat_core.network.modules import build_operation, drop_first_relu
from nat_core.network.networks import CellModule, CellNetwork
from nat_core.network.plan import Block, CellPlan, plan_network
from nat_core.network.signals import Signal, Signals
from nat_core.network.typed import channels_last, members

build_shared_operation = partial(build_operation, affine=False, pool_batch_norm=True)


class Supernet(nn.Module):
    """The shared weights of a space: (images [batch, 3, h, w], architecture) to logits [batch, classes].

    Args:
        space: operations, inputs and outputs of the cells.
        config: configuration of the network around the cells; an auxiliary head is not supported.
        intermediates: maximum number of a cell's intermediate nodes; the space's own number by default.
    """

    def __init__(self, space: Space, config: NetworkConfig, intermediates: int | None = None) -> None:
        super().__init__()
        if config.auxiliary:
            raise ValueError("auxiliary is True; a network of shared weights has no auxiliary head")
        self.space = space
        self.config = config
        self.intermediates = intermediates or space.intermediates
        widest = _widest(space, self.intermediates)
        plan = plan_network(widest, config)
        self.stem = nn.ModuleList(block.build() for block in plan.stem)
        self.cells = nn.ModuleList(SharedCell(cell, widest.normal, space.operations) for cell in plan.cells)
        self.cell_names = tuple(cell.name for cell in plan.cells)
        self.classifier = Selective(plan.classifier, self.intermediates)
        _use_batch_statistics(self)
        channels_last(self)

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why there are no weights for `architecture`, or None."""
        if problem := self.space.mismatch(architecture) or self.config.mismatch(architecture):
            return problem
        for name, cell in architecture.cells:
            if len(cell.intermediates) > self.intermediates:
                return (
                    f"the {name} cell has {len(cell.intermediates)} intermediate nodes; "
                    f"there are shared weights for {self.intermediates}"
                )
            if unknown := sorted(set(cell.operations) - {*self.space.operations, NULL}):
                return (
                    f"the {name} cell has {unknown[0]}, for which there are no shared weights; "
                    f"there are some for: {', '.join(self.space.operations)}"
                )
        return None

    def forward(self, images: Tensor, architecture: Architecture) -> Tensor:
        """Logits of `architecture`, which `mismatch` must accept; dead edges cost nothing."""
        return next(self.each(images, [architecture]))

    def each(self, images: Tensor, architectures: Iterable[Architecture]) -> Iterator[Tensor]:
        """Logits of one architecture after the other; what several have in common is computed once.

        Two architectures have an edge in common if everything before it is the same, too.
        """
        first, signals = self._first_states(images), Signals()
        outputs = deque(self._outputs(first, architecture, signals) for architecture in architectures)
        del first, signals  # the architectures to come hold what they need, and nothing else does
        while outputs:
            yield self._logits(outputs.popleft(), len(images))

    def _outputs(self, first: tuple[Signal, ...], architecture: Architecture, signals: Signals) -> deque[Signal]:
        """The outputs of the cells, yet to be computed."""
        cells = dict(architecture.effective.cells)
        states = [*first]
        for name, module in zip(self.cell_names, self.cells, strict=True):
            states.append(module(tuple(states[-len(first) :]), cells[name], signals))
        return deque(states[len(first) :])

    def _logits(self, outputs: deque[Signal], count: int) -> Tensor:
        """Computes cell by cell: a recursion through the whole network would be too deep."""
        while len(outputs) > 1:
            outputs.popleft().settle()
        last = outputs.pop()
        return self._bias().expand(count, -1) if last.is_zero else self.classifier(last)

    def standalone(self, architecture: Architecture) -> CellNetwork:
        """A network of `architecture` alone with a copy of its weights; the same logits, and it learns by itself."""
        plan = plan_network(architecture, self.config)
        network = CellNetwork(architecture, plan, build_shared_operation)
        _use_batch_statistics(network)
        network.stem.load_state_dict(self.stem.state_dict())
        widths: list[tuple[int, ...] | None] = [None] * plan.cell_inputs
        for module, shared in zip(members(network.cells, CellModule), members(self.cells, SharedCell), strict=True):
            shared.copy_to(module, widths[-plan.cell_inputs :])
            widths.append(_columns(module.cell, module.cell.output_nodes))
        network.classifier.load_state_dict(self.classifier.state_of(widths[-1]))
        return channels_last(network.to(self._bias().device))

    def _first_states(self, images: Tensor) -> tuple[Signal, ...]:
        outputs = [images]
        for block in self.stem:
            outputs.append(block(outputs[-1]))
        return tuple(Signal.known(value) for value in (outputs[1], outputs[-1])[-self.space.inputs :])

    def _bias(self) -> Tensor:
        """The logits of a network through which nothing flows."""
        return next(parameter for parameter in self.classifier.parameters() if parameter.dim() == 1)


class Selective(nn.Module):
    """A block that takes a concatenation of some of a cell's nodes, with weights for all of them."""

    def __init__(self, block: Block, intermediates: int) -> None:
        super().__init__()
        self.block = block.build()
        self._takes_rectified = drop_first_relu(self.block)
        self._everything = tuple(range(intermediates))
        self._selected = tuple(
            name
            for name, weight in self.block.named_parameters()
            if weight.dim() > 1 and weight.shape[1] == block.in_channels
        )

    def forward(self, signal: Signal) -> Tensor:
        x = signal.rectified if self._takes_rectified else signal.value
        weights = self._weights_of(signal.columns)
        return functional_call(self.block, weights, (x,)) if weights else self.block(x)

    def state_of(self, columns: tuple[int, ...] | None) -> dict[str, Tensor]:
        """The state of a block that takes these nodes only, in this order."""
        return {**self.block.state_dict(), **self._weights_of(columns)}

    def _weights_of(self, columns: tuple[int, ...] | None) -> dict[str, Tensor]:
        """The weights that depend on the nodes present; none if there is nothing to select."""
        if columns in (None, self._everything):
            return {}
        weights = {name: self.block.get_parameter(name) for name in self._selected}
        by_node = {name: weight.chunk(len(self._everything), dim=1) for name, weight in weights.items()}
        return {name: torch.cat([parts[node] for node in columns], dim=1) for name, parts in by_node.items()}


class SharedCell(nn.Module):
    """One cell of the network with the modules of every possible edge.

    `operations` holds the module of an edge under the key ``source_target_operation``.
    """

    def __init__(self, plan: CellPlan, widest: Cell, operations: Sequence[str]) -> None:
        super().__init__()
        self.preprocess = nn.ModuleList(Selective(block, len(widest.intermediates)) for block in plan.preprocess)
        self.operations = nn.ModuleDict(
            {
                _key(Edge(operation, source, target)): build_shared_operation(
                    operation, plan.channels, plan.stride(source < widest.inputs)
                )
                for target in widest.intermediates
                for source in range(target)
                for operation in operations
                if operation != NULL
            }
        )
        self._take_rectified = frozenset(key for key, module in self.operations.items() if drop_first_relu(module))

    def forward(self, earlier: tuple[Signal, ...], cell: Cell, signals: Signals) -> Signal:
        """The output of `cell`, yet to be computed. Without affine parameters a batch norm keeps zeros."""
        schedule = _schedule(cell)
        nodes = self._inputs(earlier, {source for incoming in schedule for _, source, _ in incoming}, signals)
        for incoming in schedule:
            terms = [
                (signals.computed(self._edge, key, nodes[source]), count)
                for key, source, count in incoming
                if not nodes[source].is_zero
            ]
            nodes.append(_sum(terms, signals))
        present = [node for node in sorted(cell.output_nodes) if not nodes[node].is_zero]
        if (columns := _columns(cell, present)) is not None:
            return signals.concatenated(tuple(nodes[node] for node in present), columns)
        return _sum([(nodes[node], 1) for node in present], signals)

    def _inputs(self, earlier: tuple[Signal, ...], read: set[int], signals: Signals) -> list[Signal]:
        """The input nodes; one that no edge reads is not computed."""
        if not self.preprocess:
            return [*earlier]
        blocks = zip(self.preprocess, earlier, strict=True)
        return [
            Signal(None) if signal.is_zero or node not in read else signals.computed(block, signal)
            for node, (block, signal) in enumerate(blocks)
        ]

    def _edge(self, key: str, source: Signal) -> Tensor:
        return self.operations[key](source.rectified if key in self._take_rectified else source.value)

    def copy_to(self, module: CellModule, inputs: Sequence[tuple[int, ...] | None]) -> None:
        """Copies this cell's weights into a stand-alone cell, whose inputs concatenate the nodes `inputs`."""
        if self.preprocess:
            blocks = members(self.preprocess, Selective)
            for block, shared, columns in zip(module.preprocess, blocks, inputs, strict=True):
                block.load_state_dict(shared.state_of(columns))
        for i, operation in module.operations.items():
            operation.load_state_dict(self.operations[_key(module.cell.edges[int(i)])].state_dict())


@lru_cache(maxsize=4096)
def _schedule(cell: Cell) -> tuple[tuple[tuple[str, int, int], ...], ...]:
    """Per intermediate node what enters it: (key, source, how many parallel edges), null edges left out."""
    counts = Counter(edge for edge in cell.edges if not edge.is_null)
    return tuple(
        tuple((_key(edge), edge.source, count) for edge, count in counts.items() if edge.target == node)
        for node in cell.intermediates
    )


def _key(edge: Edge) -> str:
    return f"{edge.source}_{edge.target}_{edge.operation}"


def _columns(cell: Cell, nodes: Sequence[int]) -> tuple[int, ...] | None:
    """Return `Signal.columns` for an output of these nodes."""
    return tuple(node - cell.inputs for node in nodes) if cell.combine == "concat" else None


def _sum(terms: Sequence[tuple[Signal, int]], signals: Signals) -> Signal:
    """The sum of signals, each as often as given beside it; of none it is zero."""
    return signals.computed(_total, *terms) if terms else Signal(None)


def _total(*terms: tuple[Signal, int]) -> Tensor:
    values = [count * signal.value if count > 1 else signal.value for signal, count in terms]
    return sum(values[1:], start=values[0])


def _widest(space: Space, intermediates: int) -> Architecture:
    """Cells with as many nodes as may occur, all of them in the output where outputs are concatenated."""
    nodes = range(space.inputs, space.inputs + intermediates)
    edges = tuple(Edge(NULL, 0, node) for node in nodes)
    output = tuple(nodes) if space.combine == "concat" else (nodes[-1],)
    cell = Cell(space.inputs, space.inputs + intermediates, edges, output, space.combine)
    return Architecture(cell, cell if space.has_reduction else None)


def _use_batch_statistics(network: nn.Module) -> None:
    """Replaces every batch norm by one without parameters and without running averages."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, BatchStatisticsNorm(child.eps))

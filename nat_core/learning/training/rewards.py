"""Computes rewards of sampled transformations: accuracy, minus a weighted cost if asked for, with as few look-ups as
possible.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracySource, OperationsSource, UncertainSource
from nat_core.learning.policies.distribution import transformed

# [n] costs as fractions of the heaviest architecture's, for n architectures.
RelativeCost = Callable[[Sequence[Architecture]], NDArray[np.float64]]

_REMEMBERED = 500_000
_NO_EDGE = -1
# Deducted from what may not be believed: more than anything gains.
_UNBELIEVED_POINTS = 100.0


@dataclass(frozen=True)
class Objective:
    """The objective that a policy maximises, in percentage points.

    Accuracy in percent − 100 · cost_weight · cost ÷ heaviest cost − change_weight · edges changed
    − caution · standard error of what is gained over the input, and a hundred points where the source says that no gain
    may be believed.

    Attributes:
        source: accuracy source.
        relative_cost: relative cost of architectures, between 0 and 1; None ignores costs.
        cost_weight: λ; 0.05 trades the whole cost for five points of accuracy.
        change_weight: points deducted for each changed edge.
        caution: number of standard errors deducted from a gain: a policy finds architectures that a source overrates,
            and the source is least certain of what it knows least.

    Raises:
        ValueError: there is `caution` and the source does not know its standard errors.
    """

    source: AccuracySource
    relative_cost: RelativeCost | None = None
    cost_weight: float = 0.0
    change_weight: float = 0.0
    caution: float = 0.0

    def __post_init__(self) -> None:
        if self.caution and not isinstance(self.source, UncertainSource):
            raise ValueError(f"caution is {self.caution:g}; accepted for {self.source.kind} accuracies: 0")

    def __call__(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return the objectives of unchanged inputs, shape [n]. Raises ValueError like the source."""
        points = self.source.accuracy_percent(architectures)
        if self.relative_cost is None or self.cost_weight == 0:
            return points
        return points - 100 * self.cost_weight * self.relative_cost(architectures)

    def doubt(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return the points that `caution` deducts from n outputs, shape [n]. Raises ValueError like the source."""
        if not self.caution or not isinstance(self.source, UncertainSource):
            return np.zeros(len(outputs))
        unbelieved = ~self.source.believable(inputs, outputs)
        return self._doubt(self.source.gain_error_points(inputs, outputs), unbelieved)

    def _doubt(self, errors: NDArray[np.float64], unbelieved: NDArray[np.bool_]) -> NDArray[np.float64]:
        return self.caution * errors + np.where(unbelieved, _UNBELIEVED_POINTS, 0.0)

    def of_operations(
        self, inputs: Sequence[Architecture], operations: Sequence[NDArray[np.int64]]
    ) -> NDArray[np.float64]:
        """Return the objectives, less doubt, of m transformations of n inputs, shape [m], ordered by input.

        Args:
            operations: transformations of each input as rows of the table of operations, [transformations, edges].

        Raises:
            ValueError: the source raises one.
        """
        priced = self.relative_cost is not None and self.cost_weight > 0
        if isinstance(self.source, OperationsSource) and self.caution and not priced:
            evaluated = self.source.evaluate_operations(inputs, operations)
            return evaluated.accuracy_percent - self._doubt(evaluated.gain_error_points, ~evaluated.believable)
        pairs = [(item, transformed(item, row)) for item, rows in zip(inputs, operations, strict=True) for row in rows]
        given, made = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        return self(made) - self.doubt(given, made)


def changed_edges(inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.int64]:
    """Return the number of operations that differ, shape [n]."""
    pairs = zip(inputs, outputs, strict=True)
    return np.array([sum(map(str.__ne__, old.operations, new.operations)) for old, new in pairs], dtype=np.int64)


class Rewards:
    """Objectives of transformations of a fixed pool of architectures, given as operation numbers.

    A stable source is asked once per architecture (the last half million are remembered by topology and
    operations; by input and operations where the objective is cautious), another once per call, so that a table with
    15,625 rows serves millions of samples.

    Args:
        objective: what is maximised.
        pool: the architectures that are transformed.
        graphs: `graph.encode(pool)`.
    """

    def __init__(self, objective: Objective, pool: Sequence[Architecture], graphs: Data) -> None:
        self.objective = objective
        self.pool = pool
        topologies: dict[object, int] = {}
        numbers = [topologies.setdefault(item.topology, len(topologies)) for item in pool]
        self._family = torch.tensor(range(len(pool)) if objective.caution else numbers)
        self._first = graphs.edge_ptr[:-1].cpu()
        self._edges = graphs.edge_ptr.diff().cpu()
        self._own = graphs.operation.cpu()
        self._known: dict[bytes, float] = {}

    def __call__(self, chosen: Tensor, operations: Tensor) -> Tensor:
        """Return objectives [samples, n] of the pool's architectures `chosen` [n] with `operations` [samples, E]."""
        chosen, operations = chosen.cpu(), operations.cpu()
        keys = self._keys(chosen, operations)
        known = self._known if self.objective.source.stable else {}
        self._ask(keys, chosen, known)
        values = torch.tensor([known[key] for key in keys], dtype=torch.float64)
        if len(known) > _REMEMBERED:
            known.clear()
        values = values.view(len(operations), len(chosen))
        if weight := self.objective.change_weight:
            values -= weight * self._changes(chosen, operations)
        return values

    def _changes(self, chosen: Tensor, operations: Tensor) -> Tensor:
        """Return the number of edges changed against the pool's architecture, shape [samples, n]."""
        graph, within = self._places(chosen)
        changed = (operations != self._own[self._first[chosen][graph] + within]).double()
        return torch.zeros(len(operations), len(chosen), dtype=torch.float64).index_add_(1, graph, changed)

    def _places(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return for every edge of the chosen architectures, in order, its architecture and its position there."""
        sizes = self._edges[chosen]
        graph = torch.repeat_interleave(torch.arange(len(chosen)), sizes)
        return graph, torch.arange(len(graph)) - (sizes.cumsum(0) - sizes)[graph]

    def _keys(self, chosen: Tensor, operations: Tensor) -> list[bytes]:
        """Topology (or input) and operations of every sample as bytes, sample by sample."""
        sizes = self._edges[chosen]
        rows = torch.full((len(operations), len(chosen), int(sizes.max()) + 4), _NO_EDGE, dtype=torch.int8)
        graph, within = self._places(chosen)
        rows[:, graph, within + 4] = operations.to(torch.int8)
        rows[:, :, :4] = self._family[chosen].to(torch.int32).view(torch.int8).view(-1, 4)
        raw, width = rows.numpy().tobytes(), rows.shape[2]
        return [raw[start : start + width] for start in range(0, len(raw), width)]

    def _ask(self, keys: list[bytes], chosen: Tensor, known: dict[bytes, float]) -> None:
        """Adds what is missing to `known`."""
        missing = {key: position for position, key in enumerate(keys) if key not in known}
        if not missing:
            return
        places = {key: int(chosen[position % len(chosen)]) for key, position in missing.items()}
        ordered = sorted(places, key=places.__getitem__)
        groups = {number: [*keys] for number, keys in groupby(ordered, key=places.__getitem__)}
        rows = [
            np.array([[*key[4 : 4 + int(self._edges[number])]] for key in group], dtype=np.int64)
            for number, group in groups.items()
        ]
        values = self.objective.of_operations([self.pool[number] for number in groups], rows)
        known.update(zip(ordered, values.tolist(), strict=True))

"""From sampled transformations to rewards: an accuracy source, perhaps minus a cost, asked as seldom as possible."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracySource, UncertainSource
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.training.rules import Rule, applied

# [n] costs as fractions of the heaviest architecture's, for n architectures.
RelativeCost = Callable[[Sequence[Architecture]], NDArray[np.float64]]

_REMEMBERED = 500_000
_NO_EDGE = -1
# Deducted from what may not be believed: more than anything gains.
_UNBELIEVED_POINTS = 100.0


@dataclass(frozen=True)
class Objective:
    """What a policy maximises, in points.

    Accuracy in percent − 100 · cost_weight · cost ÷ heaviest cost − change_weight · edges changed
    − caution · standard error of what is gained over the output of `rule`, and a hundred points where the source says
    that no gain may be believed.

    Attributes:
        source: of accuracies.
        relative_cost: of architectures, between 0 and 1; None ignores costs.
        cost_weight: λ; 0.05 trades the whole cost for five points of accuracy.
        change_weight: points that changing an edge must be worth.
        caution: standard errors of what it gains over a plain rule that a transformation must be worth: a policy
            finds what a source overrates, and the source is least sure of what it knows least.
        rule: the plain one; an empty one keeps the input.

    Raises:
        ValueError: `caution` with a source that does not know its errors.
    """

    source: AccuracySource
    relative_cost: RelativeCost | None = None
    cost_weight: float = 0.0
    change_weight: float = 0.0
    caution: float = 0.0
    rule: Rule = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.caution and not isinstance(self.source, UncertainSource):
            raise ValueError(f"caution is {self.caution:g}; accepted for {self.source.kind} accuracies: 0")

    def __call__(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """[n] objectives as of inputs, of which nothing is changed. Raises ValueError where the source does."""
        points = self.source.accuracy_percent(architectures)
        if self.relative_cost is None or self.cost_weight == 0:
            return points
        return points - 100 * self.cost_weight * self.relative_cost(architectures)

    def doubt(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.float64]:
        """[n] points that `caution` deducts from outputs of n inputs. Raises ValueError where the source does."""
        if not self.caution or not isinstance(self.source, UncertainSource):
            return np.zeros(len(outputs))
        plain = self.ruled(inputs)
        unbelieved = np.where(self.source.believable(inputs, outputs), 0.0, _UNBELIEVED_POINTS)
        return self.caution * self.source.gain_error_points(plain, outputs) + unbelieved

    def ruled(self, inputs: Sequence[Architecture]) -> list[Architecture]:
        """What the rule makes of inputs, and those inputs themselves of whose gains none may be believed."""
        distinct = list(dict.fromkeys(inputs))
        made = self._believed(distinct, [applied(self.rule, item) for item in distinct])
        known = dict(zip(distinct, made, strict=True))
        return [known[item] for item in inputs]

    def _believed(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> list[Architecture]:
        if not isinstance(self.source, UncertainSource):
            return list(outputs)
        believable = self.source.believable(inputs, outputs)
        return [new if is_kept else old for old, new, is_kept in zip(inputs, outputs, believable, strict=True)]

    def surely_gained(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> float:
        """Mean points by which n outputs exceed their inputs, less `caution` standard errors of this mean.

        Errors of a rule are those of a mean, which chance can raise least. Raises ValueError where the source does.
        """
        outputs = self._believed(inputs, outputs)
        mean = float((self(outputs) - self(inputs) - self.change_weight * changed_edges(inputs, outputs)).mean())
        if self.caution and isinstance(self.source, UncertainSource):
            return mean - self.caution * self.source.mean_gain_error_points(inputs, outputs)
        return mean


def changed_edges(inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.int64]:
    """[n] how many operations differ."""
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
        """Objectives [samples, n] of the pool's architectures `chosen` [n] with operations [samples, E]."""
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
        """[samples, n] edges whose operation is another than in the pool's architecture."""
        graph, within = self._places(chosen)
        changed = (operations != self._own[self._first[chosen][graph] + within]).double()
        return torch.zeros(len(operations), len(chosen), dtype=torch.float64).index_add_(1, graph, changed)

    def _places(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Of every edge of the chosen architectures, one after the other: whose it is, and its place there."""
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
        numbers = [int(chosen[position % len(chosen)]) for position in missing.values()]
        inputs = [self.pool[number] for number in numbers]
        outputs = [
            transformed(given, [*key[4 : 4 + int(self._edges[number])]])
            for given, number, key in zip(inputs, numbers, missing, strict=True)
        ]
        values = self.objective(outputs) - self.objective.doubt(inputs, outputs)
        known.update(zip(missing, values.tolist(), strict=True))

"""Candidates for many inputs at once: a policy's proposals within budgets, with costs and accuracies.

An `Architecture` object is created only for candidates that are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import Space
from nat_core.learning.accuracy import (
    AccuracySource,
    EvaluatedOperations,
    OperationsSource,
    UncertainSource,
    standard_errors_points,
)
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies.costs import check_cost, edge_costs
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.policies.policy import Policy
from nat_core.learning.policies.proposing import proposals
from nat_core.learning.support.threads import in_threads
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import OperationCosts, cost_model
from nat_core.ranking import Candidate

_INPUTS_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Pool:
    """Distinct candidates for one input, beginning with the input itself.

    Attributes:
        architecture: the input.
        network: network in which costs are counted.
        operations: the candidates' operations as rows of the table of operations, [k, E].
        scores: the policy's log-probabilities of the candidates, [k].
        log_probabilities: the policy's log-probabilities of all operations on each edge, [E, operations].
    """

    architecture: Architecture
    network: NetworkConfig
    operations: NDArray[np.int64]
    scores: NDArray[np.float64]
    log_probabilities: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        architecture: Architecture,
        network: NetworkConfig,
        operations: NDArray[np.int64],
        scores: NDArray[np.float64],
        log_probabilities: NDArray[np.float64],
    ) -> "Pool":
        """Make a pool of proposals [k, E] in their order, without repeats."""
        own = np.array([[INDEX[name] for name in architecture.operations]])
        staying = log_probabilities[np.arange(own.shape[1]), own[0]].sum(keepdims=True)
        rows, totals = np.concatenate([own, operations]), np.concatenate([staying, scores])
        first: dict[bytes, int] = {}
        for number, row in enumerate(rows):
            first.setdefault(row.tobytes(), number)
        kept = [*first.values()]
        return cls(architecture, network, rows[kept], totals[kept], log_probabilities)

    def candidate(self, number: int) -> Candidate:
        """The candidate in that row."""
        item = transformed(self.architecture, self.operations[number].tolist()) if number else self.architecture
        return Candidate(item, self.network, self._counted[number], float(self.scores[number]), number=number)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """All candidates."""
        return tuple(map(self.candidate, range(len(self.operations))))

    def costs(self, cost: str) -> NDArray[np.float64]:
        """Return MACs, parameters or milliseconds, shape [k]. Raises ValueError if the cost is not known for them."""
        if cost in table.DEVICES:
            codes = table.codes([transformed(self.architecture, row) for row in self.operations.tolist()])
            return table.latencies_ms(cost)[codes]
        return np.asarray(getattr(self._counted, check_cost(cost)), dtype=np.float64)

    @cached_property
    def _counted(self) -> OperationCosts:
        return cost_model(self.network).operation_costs(self.architecture, self.operations)


def pooled(
    architectures: Sequence[Architecture],
    policy: Policy,
    space: Space,
    limits: Sequence[Sequence[float]],
    count: int,
    cost: str,
    network: NetworkConfig,
    source: AccuracySource | None = None,
) -> list[Pool]:
    """Return one pool per architecture: the policy's `count` most probable outputs within each of its limits.

    Those whose gains `source` does not believe are left out; the next probable come in their place.
    """
    believable = source.believable_operations if isinstance(source, OperationsSource) else None

    def propose(part: slice) -> list[Pool]:
        some = architectures[part]
        costs = edge_costs(some, space, cost, network)
        found = proposals(policy, some, space, limits[part], count, costs, believable=believable)
        distribution = policy.distribution(some, space)
        pools = []
        for number, (architecture, choices) in enumerate(zip(some, found, strict=True)):
            operations, scores = (np.concatenate(parts) for parts in zip(*choices, strict=True))
            rows = distribution.rows(number).double().cpu().numpy()
            pools.append(Pool.of(architecture, network, operations, scores, rows))
        return pools

    begins = range(0, len(architectures), _INPUTS_AT_ONCE)
    parts = [slice(begin, begin + _INPUTS_AT_ONCE) for begin in begins]
    return [*chain.from_iterable(in_threads(propose, parts, policy.device))]


def evaluated_pools(pools: Sequence[Pool], source: AccuracySource) -> list[EvaluatedOperations]:
    """Evaluate all candidates of all pools with one call of `source`."""
    inputs = [pool.architecture for pool in pools]
    operations = [pool.operations for pool in pools]
    if isinstance(source, OperationsSource):
        every = source.evaluate_operations(inputs, operations)
    else:
        every = _one_by_one(inputs, operations, source)
    ends = np.cumsum([len(rows) for rows in operations])
    return [
        _part(every, number, slice(end - len(rows), end))
        for number, (rows, end) in enumerate(zip(operations, ends.tolist(), strict=True))
    ]


def _part(every: EvaluatedOperations, number: int, rows: slice) -> EvaluatedOperations:
    return EvaluatedOperations(
        every.inputs_percent[number : number + 1],
        every.accuracy_percent[rows],
        every.standard_error_points[rows],
        every.gain_error_points[rows],
        every.believable[rows],
    )


def _one_by_one(
    inputs: Sequence[Architecture], operations: Sequence[NDArray[np.int64]], source: AccuracySource
) -> EvaluatedOperations:
    """Evaluate with a source that accepts architectures only; each input is the first row of its operations."""
    pairs = [(given, row) for given, rows in zip(inputs, operations, strict=True) for row in rows.tolist()]
    before, outputs = [given for given, _ in pairs], [transformed(given, row) for given, row in pairs]
    accuracies, unknown = source.accuracy_percent(outputs), np.full(len(outputs), np.nan)
    first = np.cumsum([0, *(len(rows) for rows in operations)])[:-1]
    gains, believable = unknown, np.ones(len(outputs), dtype=np.bool_)
    if isinstance(source, UncertainSource):
        gains, believable = source.gain_error_points(before, outputs), source.believable(before, outputs)
    errors = standard_errors_points(source, outputs)
    return EvaluatedOperations(accuracies[first], accuracies, errors, gains, believable)

"""The use case: architectures and a policy → the trade-off that the policy offers for each, from cheapest to best.

Within every budget, a share of the input's own cost, the policy proposes its most probable outputs. All of them, for
all inputs and budgets, are judged together; a front keeps the best within each budget that nothing cheaper matches.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation import shortest
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import Space
from nat_core.learning.accuracy import AccuracyKind, AccuracySource
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.costs import check_cost, edge_costs
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.policies.policy import Policy
from nat_core.learning.policies.proposing import proposals
from nat_core.network.config import NETWORKS, NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.ranking import Candidate, cheapest_as_good, judged, undominated

# Shares of the input's cost that are budgets unless others are asked for.
SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)
MAX_SHARES = 100
MAX_CANDIDATES = 1000
_INPUTS_AT_ONCE = 256


@dataclass(frozen=True)
class Pool:
    """Candidates for one input, not judged yet.

    Attributes:
        input: the architecture that was given, as a candidate.
        others: distinct proposals, of the largest budget first.
        log_probabilities: [E, operations] the policy's.
    """

    input: Candidate
    others: tuple[Candidate, ...]
    log_probabilities: NDArray[np.float64]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The input first."""
        return (self.input, *self.others)


@dataclass(frozen=True)
class Point:
    """A point of a front.

    Attributes:
        budget: the smallest of the shares in which it is the best.
        candidate: itself.
        latency_ms: where a device's latency is the cost.
    """

    budget: float
    candidate: Candidate
    latency_ms: float | None = None


@dataclass(frozen=True)
class Front:
    """What the policy offers for one input.

    Attributes:
        input: the architecture that was given, with its costs and its accuracy.
        points: from cheapest to best: distinct, none dominated; the input is one of them where it is not dominated.
        cost: what the budgets limit: "macs", "parameters" or a device.
        accuracy_kind, accuracy_description: of the source.
        latency_ms: of the input, where a device's latency is the cost.
    """

    input: Candidate
    points: tuple[Point, ...]
    cost: str
    accuracy_kind: AccuracyKind
    accuracy_description: str
    latency_ms: float | None = None

    @property
    def first(self) -> Point | None:
        """The point to show first: the cheapest that is as good as the input; None if none is."""
        places = {point.candidate: place for place, point in enumerate(self.points)}
        found = cheapest_as_good(places, self.input, places.__getitem__)
        return None if found is None else self.points[places[found]]

    def to_dict(self) -> dict[str, Any]:
        """What the command line gives as JSON; costs in MACs, parameters and milliseconds, accuracies in percent."""
        return {
            "input": _described(self.input, self.latency_ms),
            "points": [
                {"budget": point.budget, **_described(point.candidate, point.latency_ms)} for point in self.points
            ],
            "cost": self.cost,
            "network": self.input.network.description,
            "accuracy_kind": self.accuracy_kind,
            "accuracy_description": self.accuracy_description,
        }


def _described(item: Candidate, latency_ms: float | None) -> dict[str, Any]:
    known = {
        "genotype": shortest(item.architecture),
        "macs": item.cost.macs,
        "parameters": item.cost.parameters,
        "accuracy": item.accuracy_percent,
        "standard_error": item.standard_error_points,
        "gain_standard_error": item.gain_error_points,
        "log_probability": item.log_probability,
    }
    return known if latency_ms is None else {**known, "latency_ms": latency_ms}


def front(
    architectures: Sequence[Architecture],
    policy: Policy,
    space: Space,
    source: AccuracySource,
    shares: Sequence[float] = SHARES,
    *,
    candidates: int = 10,
    cost: str = "macs",
    network: NetworkConfig | None = None,
    greedy: bool = False,
) -> tuple[Front, ...]:
    """The fronts of `architectures`, in order.

    Args:
        architectures: the inputs, all of `space`.
        policy: that proposes.
        space: whose operations it may introduce.
        source: that judges.
        shares: budgets as shares of each input's own cost, more than 0 and at most 1.
        candidates: proposals within each budget, 1 to 1,000.
        cost: what budgets limit: "macs", "parameters", or a device whose latencies NAS-Bench-201 has.
        network: where MACs and parameters are counted; None: the one that the space is usually quoted on.
        greedy: only the most probable proposal within each budget.

    Raises:
        ValueError: an argument is out of its range, or an architecture does not fit; says which and why.
    """
    shares, network = checked_shares(shares), network or NETWORKS[space.network]
    if not 1 <= candidates <= MAX_CANDIDATES:
        raise ValueError(f"candidates is {candidates}; accepted: 1 to {MAX_CANDIDATES}")
    for position, item in enumerate(architectures):
        if reason := space.mismatch(item) or source.mismatch(item):
            raise ValueError(f"architecture {position} does not fit: {reason}")
    measure = measure_of(cost)
    costs = cost_model(network)
    own = [measure(Candidate(item, network, costs.cost(item), 0.0)) for item in architectures]
    limits = [[share * value for share in shares] for value in own]
    pools = list(pooled(architectures, policy, space, limits, 1 if greedy else candidates, cost, network))
    kept = [[item for item in pool.candidates if measure(item) <= shares[0] * value]
            for pool, value in zip(pools, own, strict=True)]  # fmt: skip
    judgements = iter(_judged(pools, kept, source))
    return tuple(
        _front(next(judgements), [next(judgements) for _ in items], value, shares, measure, cost, source)
        for items, value in zip(kept, own, strict=True)
    )


def fronts_by(
    roots: catalogue.Root,
    architectures: Sequence[Architecture],
    name: str | None = None,
    shares: Sequence[float] = SHARES,
    *,
    device: torch.device | str = "cpu",
    **options: Any,
) -> tuple[Front | str, ...]:
    """The fronts of architectures of any spaces by the policies that fit them; those of one policy together.

    Args:
        roots: folders of policies.
        architectures: the inputs.
        name: of a policy there, or its folder; None: for each architecture the first that fits it.
        shares: as of `front`.
        device: on which policies run.
        options: the other arguments of `front`.

    Returns:
        in order the front, or where there can be none one sentence saying why.

    Raises:
        ValueError: there is no such policy, a broken one, or an argument is out of its range.
    """
    groups, unfit = catalogue.assigned(roots, architectures, name)
    found: dict[int, Front | str] = dict(unfit)
    for known, positions in groups.items():
        policy, card = catalogue.load_for(roots, architectures[positions[0]], known, device)
        source = catalogue.source_of(card)
        reasons = [_why_not(source, architectures[position], known) for position in positions]
        judged = [position for position, reason in zip(positions, reasons, strict=True) if not reason]
        found |= zip(positions, reasons, strict=True)
        if source is not None and judged:
            inputs = [architectures[position] for position in judged]
            fronts = front(inputs, policy, card.target_space, source, shares, **options)
            found |= zip(judged, fronts, strict=True)
    return tuple(found[position] for position in range(len(architectures)))


def _why_not(source: AccuracySource | None, architecture: Architecture, policy: str) -> str:
    if source is None:
        return f"Nothing beside the policy {policy[:60]!r} tells accuracies, so there is no front."
    reason = source.mismatch(architecture)
    return f"{reason}." if reason else ""


def checked_shares(shares: Sequence[float]) -> tuple[float, ...]:
    """`shares`, distinct and the largest first. Raises ValueError for what is no share."""
    if not 1 <= len(shares) <= MAX_SHARES:
        raise ValueError(f"there are {len(shares)} budgets; accepted: 1 to {MAX_SHARES}")
    if wrong := [share for share in shares if not 0 < share <= 1]:
        raise ValueError(f"a budget is {wrong[0]}; accepted: shares of the input's cost, more than 0 and at most 1")
    return tuple(sorted(set(shares), reverse=True))


def measure_of(cost: str) -> Callable[[Candidate], float]:
    """What a candidate costs. Raises ValueError for an unknown cost; the function does for a latency not known."""
    if cost in table.DEVICES:
        latencies = table.latencies_ms(cost)
        return lambda item: float(latencies[table.codes([item.architecture])[0]])
    check_cost(cost)
    return lambda item: float(getattr(item.cost, cost))


def pooled(
    architectures: Sequence[Architecture],
    policy: Policy,
    space: Space,
    limits: Sequence[Sequence[float]],
    count: int,
    cost: str,
    network: NetworkConfig,
) -> Iterator[Pool]:
    """For every architecture the policy's `count` most probable outputs within each of its limits, as one pool."""
    for begin in range(0, len(architectures), _INPUTS_AT_ONCE):
        some, bounds = architectures[begin : begin + _INPUTS_AT_ONCE], limits[begin : begin + _INPUTS_AT_ONCE]
        costs = edge_costs(some, space, cost, network)
        found = proposals(policy, some, space, bounds, count, costs)
        with torch.inference_mode():
            distribution = policy.distribution(some, space)
        for number, (architecture, choices) in enumerate(zip(some, found, strict=True)):
            operations = np.concatenate([chosen for chosen, _ in choices])
            scores = np.concatenate([scores for _, scores in choices])
            rows = distribution.rows(number).double().cpu().numpy()
            yield pool(architecture, network, operations, scores, rows)


def pool(
    architecture: Architecture,
    network: NetworkConfig,
    operations: NDArray[np.int64],
    scores: NDArray[np.float64],
    log_probabilities: NDArray[np.float64],
) -> Pool:
    """The pool of one architecture.

    Args:
        architecture: the input.
        network: where costs are counted.
        operations: [k, E] of the proposals, repeats allowed.
        scores: [k] their log-probabilities.
        log_probabilities: [E, operations] the policy's.
    """
    own = [INDEX[name] for name in architecture.operations]
    staying = float(log_probabilities[np.arange(len(own)), own].sum())
    costs = cost_model(network)
    distinct = dict(zip(map(tuple, operations.tolist()), scores.tolist(), strict=True))
    distinct.pop(tuple(own), None)
    made = [(transformed(architecture, row), score) for row, score in distinct.items()]
    given, *others = (
        Candidate(item, network, costs.cost(item), score, number=number)
        for number, (item, score) in enumerate([(architecture, staying), *made])
    )
    return Pool(given, tuple(others), log_probabilities)


def _judged(pools: Sequence[Pool], kept: Sequence[Sequence[Candidate]], source: AccuracySource) -> list[Candidate]:
    """Every input and then what is kept of its pool, all judged in one call."""
    every = [item for pool, items in zip(pools, kept, strict=True) for item in (pool.input, *items)]
    inputs = [pool.input.architecture for pool, items in zip(pools, kept, strict=True) for _ in range(1 + len(items))]
    return judged(every, inputs, source, source.accuracy_percent([item.architecture for item in every]))


def _front(
    given: Candidate,
    items: Sequence[Candidate],
    own: float,
    shares: Sequence[float],
    measure: Callable[[Candidate], float],
    cost: str,
    source: AccuracySource,
) -> Front:
    costs = {item: measure(item) for item in items}
    best: dict[Candidate, float] = {}
    rising = undominated(items, costs.__getitem__)
    for share in reversed(shares):
        if fitting := [item for item in rising if costs[item] <= share * own]:
            best.setdefault(fitting[-1], share)
    is_latency = cost in table.DEVICES
    points = [Point(share, item, costs[item] if is_latency else None) for item, share in best.items()]
    return Front(given, tuple(points), cost, source.kind, source.description, own if is_latency else None)

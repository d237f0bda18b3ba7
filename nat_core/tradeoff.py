"""The use case: architectures and a policy → the trade-off that the policy offers for each, from cheapest to best.

Within every budget, a share of the input's own cost, the policy proposes its most probable outputs. All of them, for
all inputs and budgets, are evaluated together; a front keeps the best within each budget that nothing cheaper matches,
and the cheapest that is as good as the input, which is what `transformation` gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation import shortest
from nat_core.architecture.operations import NAMES
from nat_core.architecture.spaces import Space
from nat_core.learning.accuracy import AccuracyKind, AccuracySource, EvaluatedOperations
from nat_core.learning.nasbench201.table import DEVICES
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NETWORKS, NetworkConfig
from nat_core.pools import Pool, evaluated_pools, pooled
from nat_core.ranking import Candidate, as_good, undominated, with_evaluation

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Shares of the input's cost that are budgets unless others are asked for.
SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)
# In steps of 5 %: of fronts in charts, and within which transformations are sought.
FINE_SHARES = tuple(share / 20 for share in range(20, 1, -1))
MAX_SHARES = 100
MAX_CANDIDATES = 1000


@dataclass(frozen=True)
class Point:
    """A point of a front.

    Attributes:
        budget: the smallest budget that the candidate fits, as a share of the input's cost.
        candidate: the candidate at this point.
        latency_ms: latency of the candidate if the cost is a device's latency, else None.
    """

    budget: float
    candidate: Candidate
    latency_ms: float | None = None


@dataclass(frozen=True)
class Front:
    """The trade-off that the policy offers for one input.

    Attributes:
        input: the architecture that was given, with its costs and its accuracy.
        points: distinct points from cheapest to best, none dominated; the input is one of them unless it is dominated.
        first: the point to show first: the cheapest that is as good as the input within its error, or None.
        cost: what the budgets limit: "macs", "parameters" or a device.
        accuracy_kind, accuracy_description: kind and description of the accuracy source.
        latency_ms: latency of the input if the cost is a device's latency, else None.
    """

    input: Candidate
    points: tuple[Point, ...]
    first: Point | None
    cost: str
    accuracy_kind: AccuracyKind
    accuracy_description: str
    latency_ms: float | None = None

    def figure(self) -> "Figure":
        """The front as a plotly figure: accuracy over cost, with standard errors."""
        from nat_core.drawing.fronts import Mark, front_figure

        def mark(item: Candidate, latency_ms: float | None, label: str) -> Mark:
            costs = {"macs": item.cost.macs / 1e6, "parameters": item.cost.parameters / 1e6}
            value = costs[self.cost] if latency_ms is None else latency_ms
            accuracy = float("nan") if item.accuracy_percent is None else item.accuracy_percent
            return Mark(value, accuracy, item.standard_error_points, label)

        titles = {"macs": "MACs, millions", "parameters": "parameters, millions"}
        return front_figure(
            [mark(point.candidate, point.latency_ms, f"within {point.budget:.0%}") for point in self.points],
            mark(self.input, self.latency_ms, "input"),
            titles.get(self.cost, f"latency on {self.cost}, ms"),
            f"accuracy, % ({self.accuracy_kind})",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the front as JSON for the command line; costs in MACs, parameters and milliseconds, accuracies in
        percent.
        """
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
    """Return the fronts of `architectures`, in order.

    Args:
        architectures: the inputs, all of `space`.
        policy: policy that proposes candidates.
        space: space whose operations the policy may introduce.
        source: source of the accuracies.
        shares: budgets as shares of each input's own cost, more than 0 and at most 1.
        candidates: proposals within each budget, 1 to 1,000.
        cost: what budgets limit: "macs", "parameters", or a device whose latencies NAS-Bench-201 has.
        network: network in which MACs and parameters are counted; None: the one on which the space is usually quoted.
        greedy: whether only the most probable proposal within each budget is considered.

    Raises:
        ValueError: an argument is out of its range, or an architecture does not fit.
    """
    shares, network = checked_shares(shares), network or NETWORKS[space.network]
    if not 1 <= candidates <= MAX_CANDIDATES:
        raise ValueError(f"candidates is {candidates}; accepted: 1 to {MAX_CANDIDATES}")
    for position, item in enumerate(architectures):
        if reason := space.mismatch(item) or source.mismatch(item):
            raise ValueError(f"architecture {position} does not fit: {reason}")
    own = [float(pool.costs(cost)[0]) for pool in map(partial(_alone, network), architectures)]
    limits = [[share * value for share in shares] for value in own]
    pools = pooled(architectures, policy, space, limits, 1 if greedy else candidates, cost, network, source)
    evaluations = evaluated_pools(pools, source) if pools else []
    return tuple(_front(*pair, shares, cost, source) for pair in zip(pools, evaluations, strict=True))


def _alone(network: NetworkConfig, architecture: Architecture) -> Pool:
    """The input's own pool."""
    edges = len(architecture.edges)
    nothing = np.empty((0, edges), dtype=np.int64), np.empty(0)
    return Pool.of(architecture, network, *nothing, np.zeros((edges, len(NAMES))))


def fronts_by(
    roots: catalogue.Root,
    architectures: Sequence[Architecture],
    name: str | None = None,
    shares: Sequence[float] = SHARES,
    *,
    device: torch.device | str = "cpu",
    **options: Any,
) -> tuple[Front | str, ...]:
    """Return the fronts of architectures of any spaces, each by a policy that fits it.

    Args:
        roots: folders of policies.
        architectures: the inputs.
        name: a policy's name, folder or archive; None: for each architecture the first policy that fits it.
        shares: budgets, as for `front`.
        device: device of the policies.
        options: other arguments of `front`.

    Returns:
        For each architecture its front, or one sentence on why there is none.

    Raises:
        ValueError: there is no such policy, it is broken, or an argument is out of its range.
    """
    groups, unfit = catalogue.assigned(roots, architectures, name)
    found: dict[int, Front | str] = dict(unfit)
    for known, positions in groups.items():
        policy, card = catalogue.load_for(roots, architectures[positions[0]], known, device)
        source = catalogue.source_of(card)
        reasons = [_why_not(source, architectures[position], known) for position in positions]
        evaluated = [position for position, reason in zip(positions, reasons, strict=True) if not reason]
        found |= zip(positions, reasons, strict=True)
        if source is not None and evaluated:
            inputs = [architectures[position] for position in evaluated]
            fronts = front(inputs, policy, card.target_space, source, shares, **options)
            found |= zip(evaluated, fronts, strict=True)
    return tuple(found[position] for position in range(len(architectures)))


def _why_not(source: AccuracySource | None, architecture: Architecture, policy: str) -> str:
    if source is None:
        return f"Nothing beside the policy {policy[:60]!r} tells accuracies, so there is no front."
    reason = source.mismatch(architecture)
    return f"{reason}." if reason else ""


def checked_shares(shares: Sequence[float]) -> tuple[float, ...]:
    """Return the distinct `shares`, the largest first. Raises ValueError if one is not a share."""
    if not 1 <= len(shares) <= MAX_SHARES:
        raise ValueError(f"there are {len(shares)} budgets; accepted: 1 to {MAX_SHARES}")
    if wrong := [share for share in shares if not (isinstance(share, float | int) and 0 < share <= 1)]:
        raise ValueError(
            f"a budget is {wrong[0]!r:.60}; accepted: shares of the input's cost, more than 0 and at most 1"
        )
    return tuple(sorted(set(shares), reverse=True))


def _front(
    pool: Pool, evaluation: EvaluatedOperations, shares: Sequence[float], cost: str, source: AccuracySource
) -> Front:
    costs = pool.costs(cost)
    own = float(costs[0])
    rising = undominated(costs, evaluation.accuracy_percent, evaluation.believable)
    fitting = [[number for number in rising if costs[number] <= share * own] for share in shares]
    gains = evaluation.accuracy_percent - evaluation.accuracy_percent[0]
    good = evaluation.believable & as_good(gains, np.nan_to_num(evaluation.gain_error_points))
    first = next((number for number in fitting[0] if good[number]), None)
    kept = {numbers[-1] for numbers in fitting if numbers} | ({first} if first is not None else set())

    def point(number: int) -> Point:
        value = float(costs[number])
        budget = min(share for share in shares if value <= share * own)
        item = with_evaluation(pool.candidate(number), evaluation, number)
        return Point(budget, item, value if cost in DEVICES else None)

    given = with_evaluation(pool.candidate(0), evaluation, 0)
    points = {number: point(number) for number in fitting[0] if number in kept}
    latency = own if cost in DEVICES else None
    chosen = None if first is None else points[first]
    return Front(given, tuple(points.values()), chosen, cost, source.kind, source.description, latency)

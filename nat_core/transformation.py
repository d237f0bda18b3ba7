"""The use case: an architecture and a policy → ranked transformations of it.

Candidates come from the policy (its most probable distinct outputs, as for a front, or seeded samples), stay within a
budget of MACs, and are evaluated by an accuracy source. The output is the cheapest on their front that is not worse
than the input beyond its error or, where a budget is given, the most accurate that fits. Without a budget the input is
a candidate, so that the output is never worse than it by more than the source can tell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import EdgeChange, difference
from nat_core.architecture.notation import shortest
from nat_core.architecture.spaces import Space
from nat_core.learning.accuracy import AccuracyKind, AccuracySource, ChanceSource, StagedAccuracies, StagedSource
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NETWORKS, NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.pools import Pool, pooled
from nat_core.ranking import Candidate, cheapest_as_good, evaluated, most_accurate_first, undominated
from nat_core.tradeoff import FINE_SHARES, MAX_CANDIDATES, checked_shares
from nat_core.verdicts import compared, demonstration

MAX_SAMPLES = MAX_CANDIDATES

Method = Literal["probable", "sampled"]


@dataclass(frozen=True)
class Options:
    """Options of a transformation: how candidates are drawn and what they may cost.

    Attributes:
        samples: number of candidates beside the input within each budget that is tried, 1 to 1,000.
        method: "probable" for the most probable distinct outputs, or "sampled" for seeded draws without duplicates.
        seed: seed of the random draws; unused by "probable".
        max_macs: budget in multiply-adds of the whole network, every non-null edge counted; the output is the most
            accurate that fits. None: the input's own cost; the output is the cheapest that is as good as the input.
        allow_costlier: whether, without a budget, candidates may cost more than the input; the output is then the most
            accurate.
        network: network in which costs are counted; None: the one on which the space is usually quoted.
        shares: budgets within which candidates are proposed, as shares of the input's MACs, beside `max_macs`. One
            share of 1 and one sample give the policy's most probable output.

    Raises:
        ValueError: a field is out of its range.
    """

    samples: int = 10
    method: Method = "probable"
    seed: int = 0
    max_macs: int | None = None
    allow_costlier: bool = False
    network: NetworkConfig | None = None
    shares: tuple[float, ...] = FINE_SHARES

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise ValueError(f"samples is {self.samples}; accepted: 1 to {MAX_SAMPLES}")
        if self.method not in ("probable", "sampled"):
            raise ValueError(f"method is {self.method!r}; accepted: probable, sampled")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}; accepted: 0 to 2⁶³ − 1")
        if self.max_macs is not None and self.max_macs < 0:
            raise ValueError(f"the budget is {self.max_macs} MACs; accepted: 0 or more")
        checked_shares(self.shares)

    @property
    def has_budget(self) -> bool:
        """Whether the most accurate candidate is requested, within a budget or at any cost."""
        return self.max_macs is not None or self.allow_costlier


@dataclass(frozen=True)
class Transformation:
    """The result of a transformation.

    Attributes:
        input: the architecture that was given.
        output: the chosen candidate; the input itself if nothing better fits the budget.
        candidates: all candidates that fit the budget, best first; the input is one of them if it fits.
        max_macs: the budget that applied; None: unlimited.
        network: network in which costs were counted.
        accuracy_kind, accuracy_description: kind and description of the accuracy source; None without one.
        distribution: the policy's log-probabilities, [E, 26] in the order of `input.architecture.edges`.
        evaluated: number of the source's evaluations so far and in all; equal when it is done.
        options: the options of the transformation.
        over_budget: number of proposals beside the input that were dropped because they exceed the budget.
        chance_percent: the accuracy of guessing, if the candidates' may be no better; else None.
    """

    input: Candidate
    output: Candidate
    candidates: tuple[Candidate, ...]
    max_macs: int | None
    network: NetworkConfig
    accuracy_kind: AccuracyKind | None
    accuracy_description: str | None
    distribution: NDArray[np.float64] = field(compare=False, repr=False)
    evaluated: tuple[int, int] = (0, 0)
    options: Options = Options()
    over_budget: int = 0
    chance_percent: float | None = None

    @property
    def changes(self) -> tuple[EdgeChange, ...]:
        return difference(self.input.architecture, self.output.architecture)

    @property
    def is_unchanged(self) -> bool:
        return self.output.architecture == self.input.architecture

    @property
    def gain_percent(self) -> float | None:
        """Accuracy gained, in points."""
        return self.output.gain_over(self.input)

    @cached_property
    def front(self) -> tuple[Candidate, ...]:
        """The candidates that no other one dominates, cheapest first; all that differ in MACs without an accuracy."""
        if self.accuracy_kind is not None:
            items, known = (
                self.candidates,
                [item.accuracy_percent if item.is_final else None for item in self.candidates],
            )
            rising = undominated(
                np.array([float(item.cost.macs) for item in items]),
                np.array([np.nan if value is None else value for value in known]),
                np.array([item.is_believable for item in items]),
            )
            return tuple(items[number] for number in rising)
        best = {item.cost.macs: item for item in reversed(self.candidates)}
        return tuple(best[macs] for macs in sorted(best))

    @property
    def verdict(self) -> str:
        """One sentence about the outcome and the candidates tried."""
        return self._unchanged_verdict() if self.is_unchanged else self._changed_verdict()

    @property
    def _others(self) -> list[Candidate]:
        return [item for item in self.candidates if item.number != self.input.number]

    def _unchanged_verdict(self) -> str:
        """One sentence about the compared candidates, or why there are none."""
        if not self._others:
            return f"Left as it is: {self._why_alone()}."
        if self.accuracy_kind is None:
            every = len(self.candidates)
            return f"Left as it is: the input is the most probable of {every} candidates, not compared by accuracy."
        count = len(self._sure(self._others))
        if not count or self.input.accuracy_percent is None:
            return "Left as it is: no other candidate has been compared by accuracy."
        which = self._which(self._others)
        none = f"the only other candidate{which} is not" if count == 1 else f"none of the {count} others{which} is"
        if self.options.has_budget:
            return f"Already as good as it gets: {none} better."
        if count == 1:
            return f"Left as it is: {none} both cheaper and as good."
        return f"Left as it is: nothing cheaper on the front of {count + 1} candidates{which} is as good."

    def _why_alone(self) -> str:
        """Why the input is the only candidate."""
        budget = "" if self.max_macs is None else f" the budget of {self.max_macs:,} MACs"
        if self.options.method == "sampled":
            if self.over_budget:
                return f"none of the other candidates drawn, {self.over_budget} in all, fits{budget}"
            return "every candidate drawn is the input itself"
        if self.options.samples == 1:
            return "the most probable candidate is the input itself"
        return f"no other legal candidate fits{budget}" if budget else "no other candidate is legal"

    def _changed_verdict(self) -> str:
        count, has_input = len(self.candidates), len(self._others) < len(self.candidates)
        edges = f"{len(self.changes)} edge{'s' if len(self.changes) != 1 else ''} changed{self._where}"
        doubt = demonstration(self.input, self.output, self.chance_percent)
        facts = ", ".join(filter(None, (compared(self.input, self.output), doubt, edges)))
        if count == 1:
            return f"{facts}: the only candidate, since the input itself exceeds the budget."
        included = "the input included" if has_input else "without the input, which exceeds the budget"
        if self.accuracy_kind is None:
            return f"{facts}: the most probable of {count} candidates, {included}, not compared by accuracy."
        sure, which = len(self._sure(self.candidates)), self._which(self.candidates)
        if not self.options.has_budget and self.output.is_as_good_as(self.input):
            return f"{facts}: the cheapest on the front of {sure} candidates{which} that is as good as the input."
        if sure == 1:
            return f"{facts}: the only candidate{which}."
        return f"{facts}: the most accurate of {sure or count} candidates{which if sure else ''}, {included}."

    @staticmethod
    def _sure(items: Sequence[Candidate]) -> list[Candidate]:
        """The candidates whose accuracy is final and can be believed: only these are chosen among."""
        return [item for item in items if item.accuracy_percent is not None and item.is_believable and item.is_final]

    def _which(self, items: Sequence[Candidate]) -> str:
        """For a sentence about `_sure(items)`: what sets them apart from the others; "" where there are no others."""
        evaluated = sum(item.accuracy_percent is not None for item in items)
        return " whose accuracy can be believed" if len(self._sure(items)) < evaluated else ""

    @property
    def _where(self) -> str:
        """Return which cell has all changes, if the other one has none; else an empty text."""
        changed = {item.cell for item in self.changes}
        return f" in the {min(changed)} cell" if len(changed) == 1 < len(self.input.architecture.cells) else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the transformation as JSON for the command line and the page; costs in MACs and parameters, accuracy
        in percent.

        The output is the last architecture, which is the one that is read where such a text is given as input.
        """
        return {
            "input": self._described(self.input),
            "changes": [
                {"cell": c.cell, "source": c.source, "target": c.target, "from": c.before, "to": c.after}
                for c in self.changes
            ],
            "candidates": [self._described(candidate) for candidate in self.candidates],
            "network": self.network.description,
            "max_macs": self.max_macs,
            "accuracy_description": self.accuracy_description,
            "verdict": self.verdict,
            "output": self._described(self.output),
        }

    def _described(self, candidate: Candidate) -> dict[str, Any]:
        return {
            "genotype": shortest(candidate.architecture),
            "parameters": candidate.cost.parameters,
            "macs": candidate.cost.macs,
            "effective_parameters": candidate.effective_cost.parameters,
            "effective_macs": candidate.effective_cost.macs,
            "log_probability": candidate.log_probability,
            "accuracy": candidate.accuracy_percent,
            "accuracy_kind": self.accuracy_kind,
            "accuracy_is_final": candidate.is_final,
            "standard_error": candidate.standard_error_points,
            "gain_standard_error": candidate.gain_error_points,
        }


def transform(
    architecture: Architecture,
    policy: Policy,
    space: Space,
    source: AccuracySource | None = None,
    options: Options = Options(),
) -> Transformation:
    """Transform `architecture` with `policy`, by the transition rule that the policy was trained for.

    Without a budget the output is the cheapest on the front that is not worse than the input beyond its error; with
    one, the most accurate that fits; without an accuracy source, the most probable.

    Raises:
        ValueError: the network, the source or the budget does not fit the architecture.
    """
    proposal = propose(architecture, policy, space, options, source)
    if source is None:
        return proposal
    *_, final = evaluation_steps(proposal, source)
    return final


def propose(
    architecture: Architecture,
    policy: Policy,
    space: Space,
    options: Options = Options(),
    source: AccuracySource | None = None,
) -> Transformation:
    """Return the policy's proposals, most probable first, without accuracies.

    Proposals whose gains `source` does not believe are left out. Raises ValueError as `transform`
    does.
    """
    network = options.network or NETWORKS[space.network]
    own = cost_model(network).cost(architecture).macs
    max_macs = options.max_macs if options.max_macs is not None or options.allow_costlier else own
    if options.method == "sampled":
        drawn = _sampled(architecture, policy, space, network, options)
    else:
        drawn = _probable(architecture, policy, space, network, own, max_macs, options, source)
    candidates = drawn.candidates
    ranked = most_accurate_first(item for item in candidates if max_macs is None or item.cost.macs <= max_macs)
    if not ranked:
        raise ValueError(_why_nothing_fits(drawn, max_macs, options))
    over = sum(item.number > 0 for item in candidates) - sum(item.number > 0 for item in ranked)
    return Transformation(
        candidates[0], ranked[0], tuple(ranked), max_macs, network, None, None, drawn.log_probabilities,
        options=options, over_budget=over,
    )  # fmt: skip


def evaluation_steps(proposal: Transformation, source: AccuracySource) -> Iterator[Transformation]:
    """Yield `proposal` with more and more accuracies of `source`; the last one has all of them and the chosen output.

    Raises:
        ValueError: the source cannot evaluate a candidate.
    """
    numbered = {item.number: item for item in (proposal.input, *proposal.candidates)}
    items = [numbered[number] for number in sorted(numbered)]
    given = proposal.input.architecture
    for evaluation in _stages(source, [item.architecture for item in items]):
        rated = evaluated(items, [given] * len(items), source, evaluation.accuracy_percent, evaluation.is_final)
        kept = {item.number for item in proposal.candidates}
        ranked = most_accurate_first(item for item in rated if item.number in kept)
        found = replace(
            proposal,
            input=rated[0],
            candidates=tuple(ranked),
            accuracy_kind=source.kind,
            accuracy_description=source.description,
            chance_percent=source.chance_percent if isinstance(source, ChanceSource) else None,
            evaluated=(evaluation.done, evaluation.total),
        )
        yield replace(found, output=_chosen(found))


def _chosen(found: Transformation) -> Candidate:
    """The cheapest on the front that is as good as the input; within a budget, or if none is, the most accurate."""
    cheapest = None if found.options.has_budget else cheapest_as_good(found.front, found.input)
    return cheapest or found.candidates[0]


def _stages(source: AccuracySource, architectures: Sequence[Architecture]) -> Iterator[StagedAccuracies]:
    if isinstance(source, StagedSource):
        yield from source.steps(architectures)
    else:
        count = len(architectures)
        yield StagedAccuracies(source.accuracy_percent(architectures), np.ones(count, dtype=bool), count, count)


def _probable(
    architecture: Architecture,
    policy: Policy,
    space: Space,
    network: NetworkConfig,
    own: int,
    max_macs: int | None,
    options: Options,
    source: AccuracySource | None,
) -> Pool:
    """The most probable outputs within the budget, and within shares of the input's own MACs."""
    budget = _dearest(architecture, network) if max_macs is None else max_macs
    limits = [budget, *(share * own for share in checked_shares(options.shares) if share * own != budget)]
    return pooled([architecture], policy, space, [limits], options.samples, "macs", network, source)[0]


def _sampled(
    architecture: Architecture, policy: Policy, space: Space, network: NetworkConfig, options: Options
) -> Pool:
    """Seeded draws, whatever they cost."""
    with torch.inference_mode():
        distribution = policy.distribution([architecture], space)
    generator = torch.Generator(device=distribution.log_probabilities.device).manual_seed(options.seed)
    drawn = distribution.sample(options.samples, generator)
    scores = distribution.log_probability(drawn)[:, 0].double().cpu().numpy()
    rows = distribution.rows().double().cpu().numpy()
    return Pool.of(architecture, network, drawn.cpu().numpy(), scores, rows)


def _dearest(architecture: Architecture, network: NetworkConfig) -> int:
    """MACs with the dearest operation on every edge."""
    costs = cost_model(network)
    return costs.fixed_cost(architecture).macs + int(costs.edge_table(architecture)[0].max(axis=1).sum())


def _why_nothing_fits(drawn: Pool, max_macs: int | None, options: Options) -> str:
    """Return one sentence that says whether no legal transformation fits or only none of the candidates."""
    given = drawn.candidate(0)
    costs = cost_model(given.network)
    table, _ = costs.edge_table(given.architecture)
    legal = np.where(np.isfinite(drawn.log_probabilities), table, np.iinfo(np.int64).max)
    cheapest = costs.fixed_cost(given.architecture).macs + int(legal.min(1).sum())
    facts = f"the cheapest legal one has {cheapest:,}, the input {given.cost.macs:,} ({given.network.description})"
    if max_macs is not None and cheapest > max_macs:
        return f"no legal transformation stays within {max_macs:,} MACs; {facts}"
    count = f"{options.samples} candidate{'s' if options.samples != 1 else ''} drawn"
    return f"none of the {count} stays within {max_macs:,} MACs; {facts}; draw more, or take the most probable ones"

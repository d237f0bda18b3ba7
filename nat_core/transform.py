"""The use case: an architecture and a policy → ranked transformations of it.

Candidates come from the policy (its most probable distinct outputs, or seeded samples), stay within a budget of
MACs, and are ranked by an accuracy source (`nat_core.ranking`). The input is always a candidate, so that the output is
never worse by the source, but for what an uncertain one may give up for MACs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import EdgeChange, difference
from nat_core.architecture.notation import shortest
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import Space
from nat_core.learning.accuracy import AccuracyKind, AccuracySource, Judgement, StagedSource, UncertainSource
from nat_core.learning.policies.budget import most_probable_spread
from nat_core.learning.policies.distribution import TransformationDistribution, transformed
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NETWORKS, NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.ranking import Candidate, believed, most_accurate_first, worth_most_first

MAX_SAMPLES = 1000
# Shares of the input's MACs, or of a smaller budget, within which candidates for an uncertain source are sought beside
# those that just fit: it may err about what is gained, not about what is saved.
SPREAD = (0.75, 0.5)

Method = Literal["probable", "sampled"]


@dataclass(frozen=True)
class Options:
    """How candidates are drawn and what they may cost.

    Attributes:
        samples: candidates beside the input, 1 to 1,000; 1 with method "probable" is the greedy output.
        method: the most probable distinct outputs (for an uncertain source also within smaller budgets), or seeded
            random draws (duplicates dropped).
        seed: of the draws; "probable" needs none.
        max_macs: budget in multiply-adds of the whole network, every non-null edge counted; None: the input's own.
        allow_costlier: without a budget, whether candidates may cost more than the input.
        network: where costs are counted; None: the one that the space is usually quoted on.

    Raises:
        ValueError: a field is out of its range.
    """

    samples: int = 10
    method: Method = "probable"
    seed: int = 0
    max_macs: int | None = None
    allow_costlier: bool = False
    network: NetworkConfig | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise ValueError(f"samples is {self.samples}; accepted: 1 to {MAX_SAMPLES}")
        if self.method not in ("probable", "sampled"):
            raise ValueError(f"method is {self.method!r}; accepted: probable, sampled")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}; accepted: 0 to 2⁶³ − 1")
        if self.max_macs is not None and self.max_macs < 0:
            raise ValueError(f"the budget is {self.max_macs} MACs; accepted: 0 or more")


@dataclass(frozen=True)
class Transformation:
    """The result.

    Attributes:
        input: the architecture that was given.
        output: the chosen one; the input itself if nothing better fits the budget.
        candidates: all that fit the budget, best first; the input among them if it fits.
        max_macs: the budget that held; None: unlimited.
        network: what costs were counted on.
        accuracy_kind, accuracy_description: of the source that chose; None without one.
        distribution: the policy's probabilities, log [E, 26] in the order of `input.architecture.edges`.
        judged: evaluations of the source so far and in all; equal when it is done.
        options: how candidates were drawn.
        over_budget: proposals beside the input that were dropped since they exceed the budget.
    """

    input: Candidate
    output: Candidate
    candidates: tuple[Candidate, ...]
    max_macs: int | None
    network: NetworkConfig
    accuracy_kind: AccuracyKind | None
    accuracy_description: str | None
    distribution: NDArray[np.float64] = field(compare=False, repr=False)
    judged: tuple[int, int] = (0, 0)
    options: Options = Options()
    over_budget: int = 0

    @property
    def changes(self) -> tuple[EdgeChange, ...]:
        return difference(self.input.architecture, self.output.architecture)

    @property
    def is_unchanged(self) -> bool:
        return self.output.architecture == self.input.architecture

    @property
    def gain_percent(self) -> float | None:
        """Accuracy gained, in points."""
        if self.output.accuracy_percent is None or self.input.accuracy_percent is None:
            return None
        return self.output.accuracy_percent - self.input.accuracy_percent

    @property
    def verdict(self) -> str:
        """One sentence about what happened."""
        return self._unchanged_verdict() if self.is_unchanged else self._changed_verdict()

    def _unchanged_verdict(self) -> str:
        """Of the candidates that were compared, or why there are none."""
        others = [item for item in self.candidates if item.number != self.input.number]
        if not others:
            return f"Left as it is: {self._why_alone()}."
        if self.accuracy_kind is None:
            count = len(self.candidates)
            return f"Left as it is: the input is the most probable of {count} candidates, not compared by accuracy."
        judged = [item.accuracy_percent for item in others if item.accuracy_percent is not None and item.is_final]
        compared = [item for item in others if item.accuracy_percent is not None]
        if not compared or self.input.accuracy_percent is None:
            return "Left as it is: no other candidate has been compared by accuracy."
        none = "the only other candidate is not" if len(compared) == 1 else f"none of the {len(compared)} others is"
        if any(accuracy > self.input.accuracy_percent for accuracy in judged):
            return f"Better left as it is: {none} clearly more accurate or clearly cheaper."
        return f"Already as good as it gets: {none} better."

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
        count, has_input = len(self.candidates), any(item.number == self.input.number for item in self.candidates)
        edges = f"{len(self.changes)} edge{'s' if len(self.changes) != 1 else ''} changed{self._where}"
        if self.gain_percent is not None and self.gain_percent < 0:
            if has_input:
                return f"{edges}: it may be less accurate than the input, and saves more than that is worth."
            return f"{edges}: the best that fits the budget, which the input itself exceeds."
        if count == 1:
            return f"{edges}; the only candidate, since the input itself exceeds the budget."
        included = "the input included" if has_input else "without the input, which exceeds the budget"
        if self.accuracy_kind is None:
            return f"{edges}; the most probable of {count} candidates, {included}, not compared by accuracy."
        return f"{edges}; chosen from {count} candidates, {included}."

    @property
    def _where(self) -> str:
        """The cell that has all the changes, where another one has none."""
        changed = {item.cell for item in self.changes}
        return f", in the {min(changed)} cell" if len(changed) == 1 < len(self.input.architecture.cells) else ""

    def to_dict(self) -> dict[str, Any]:
        """What the command line and the page's JSON export give; costs in MACs and parameters, accuracy in percent."""
        return {
            "input": self._described(self.input),
            "output": self._described(self.output),
            "changes": [
                {"cell": c.cell, "source": c.source, "target": c.target, "from": c.before, "to": c.after}
                for c in self.changes
            ],
            "candidates": [self._described(candidate) for candidate in self.candidates],
            "network": self.network.description,
            "max_macs": self.max_macs,
            "accuracy_description": self.accuracy_description,
            "verdict": self.verdict,
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
        }


def transform(
    architecture: Architecture,
    policy: Policy,
    space: Space,
    source: AccuracySource | None = None,
    options: Options = Options(),
) -> Transformation:
    """Transform `architecture` with `policy`, by the transition rule that the policy was trained for.

    With an accuracy source the most accurate candidate is chosen; with an uncertain one, that which is worth most, its
    accuracy, how sure that is and what it saves taken together. Without a source, the most probable.

    Raises:
        ValueError: the network, the source or the budget does not fit the architecture; says which and why.
    """
    proposal = propose(architecture, policy, space, options, spread=isinstance(source, UncertainSource))
    if source is None:
        return proposal
    *_, final = evaluation_steps(proposal, source)
    return final


def propose(
    architecture: Architecture, policy: Policy, space: Space, options: Options = Options(), spread: bool = False
) -> Transformation:
    """What the policy proposes, the most probable first, without accuracies. Raises ValueError as `transform` does.

    With `spread`, a third of the candidates are the most probable within the budget; the other two thirds are the most
    probable within the shares of it in `SPREAD`.
    """
    network = options.network or NETWORKS[space.network]
    costs = cost_model(network)
    own = costs.cost(architecture)
    max_macs = options.max_macs if options.max_macs is not None or options.allow_costlier else own.macs
    with torch.inference_mode():
        distribution = policy.distribution([architecture], space)
        rows = distribution.rows().double().cpu().numpy()
        chosen = _draw(distribution, rows, architecture, network, max_macs, options, SPREAD if spread else ())
    staying = _log_probability_of_staying(distribution)
    outputs = [(transformed(architecture, operations), float(score)) for operations, score in zip(*chosen, strict=True)]
    candidates = [
        Candidate(item, costs.cost(item), costs.cost(item.effective), score, number=number)
        for number, (item, score) in enumerate(dict([(architecture, staying), *outputs]).items())
    ]
    ranked = most_accurate_first([item for item in candidates if max_macs is None or item.cost.macs <= max_macs])
    if not ranked:
        raise ValueError(_why_nothing_fits(rows, architecture, network, max_macs, options))
    over = sum(item.number > 0 for item in candidates) - sum(item.number > 0 for item in ranked)
    return Transformation(
        candidates[0], ranked[0], tuple(ranked), max_macs, network, None, None, rows, options=options, over_budget=over
    )


def evaluation_steps(proposal: Transformation, source: AccuracySource) -> Iterator[Transformation]:
    """`proposal` with more and more accuracies of `source`; the last one has all of them, and its output is chosen.

    Raises:
        ValueError: the source cannot evaluate a candidate; says which and why.
    """
    items = sorted({proposal.input, *proposal.candidates}, key=lambda item: item.number)
    for judgement in _judgements(source, [item.architecture for item in items]):
        evaluated = [
            replace(item, accuracy_percent=None if np.isnan(value) else float(value), is_final=bool(is_final))
            for item, value, is_final in zip(items, judgement.accuracy_percent, judgement.is_final, strict=True)
        ]
        kept = {item.number for item in proposal.candidates}
        ranked = most_accurate_first([item for item in evaluated if item.number in kept])
        if isinstance(source, UncertainSource):
            ranked = worth_most_first(believed(ranked, evaluated[0], source), evaluated[0], source)
        yield replace(
            proposal,
            input=evaluated[0],
            output=ranked[0],
            candidates=tuple(ranked),
            accuracy_kind=source.kind,
            accuracy_description=source.description,
            judged=(judgement.done, judgement.total),
        )


def _judgements(source: AccuracySource, architectures: Sequence[Architecture]) -> Iterator[Judgement]:
    if isinstance(source, StagedSource):
        yield from source.steps(architectures)
    else:
        count = len(architectures)
        yield Judgement(source.accuracy_percent(architectures), np.ones(count, dtype=bool), count, count)


def _draw(
    distribution: TransformationDistribution,
    rows: NDArray[np.float64],
    architecture: Architecture,
    network: NetworkConfig,
    max_macs: int | None,
    options: Options,
    shares: Sequence[float],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Operations [k, E] and log-probabilities [k] of candidates that fit the budget, some of them `shares` of it."""
    if options.method == "sampled":
        generator = torch.Generator(device=distribution.log_probabilities.device).manual_seed(options.seed)
        drawn = distribution.sample(options.samples, generator)
        scores = distribution.log_probability(drawn)[:, 0]
        return drawn.cpu().numpy(), scores.double().cpu().numpy()
    costs = cost_model(network)
    macs, _ = costs.edge_table(architecture)
    fixed, own = costs.fixed_cost(architecture).macs, costs.cost(architecture).macs
    budget = fixed + int(macs.max(axis=1).sum()) if max_macs is None else max_macs
    limits = [budget, *(int(share * min(budget, own)) for share in shares)]
    return most_probable_spread(rows, macs, [limit - fixed for limit in limits], options.samples)


def _log_probability_of_staying(distribution: TransformationDistribution) -> float:
    """Log-probability of the input itself."""
    own = [INDEX[name] for name in distribution.architectures[0].operations]
    indices = torch.tensor([own], device=distribution.log_probabilities.device)
    return float(distribution.log_probability(indices)[0, 0])


def _why_nothing_fits(
    rows: NDArray[np.float64],
    architecture: Architecture,
    network: NetworkConfig,
    max_macs: int | None,
    options: Options,
) -> str:
    """One sentence: nothing legal does, or nothing of what was drawn."""
    costs = cost_model(network)
    macs, _ = costs.edge_table(architecture)
    legal = np.where(np.isfinite(rows), macs, np.iinfo(np.int64).max)
    cheapest, own = costs.fixed_cost(architecture).macs + int(legal.min(1).sum()), costs.cost(architecture).macs
    facts = f"the cheapest found has {cheapest:,}, the input {own:,} ({network.description})"
    if max_macs is not None and cheapest > max_macs:
        return f"no legal transformation stays within {max_macs:,} MACs; {facts}"
    drawn = f"{options.samples} candidate{'s' if options.samples != 1 else ''} drawn"
    return f"none of the {drawn} stays within {max_macs:,} MACs; {facts}; draw more, or take the most probable ones"

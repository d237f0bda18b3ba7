"""The order of candidates: by accuracy, or by worth where the accuracies are uncertain."""

from dataclasses import dataclass

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import UncertainSource
from nat_core.network.costs import Cost

# What saving all of the input's MACs is worth, in tolerances of an uncertain source.
MACS_WORTH = 6.0
# Share of the input's MACs that must be saved to lose as much as the tolerance; for a smaller loss in proportion.
FAIR_SAVING = 0.4


@dataclass(frozen=True)
class Candidate:
    """An architecture with its costs and its accuracy.

    Attributes:
        cost: every non-null edge counted, as in the literature.
        effective_cost: without edges that reach no output.
        log_probability: natural logarithm of the policy's probability for it, given the input.
        accuracy_percent: by the accuracy source; None without one.
        is_final: whether the source has spent its full effort on it; candidates without rank after the others.
        number: 0 for the input, then in the order in which the policy proposed them.
    """

    architecture: Architecture
    cost: Cost
    effective_cost: Cost
    log_probability: float
    accuracy_percent: float | None = None
    is_final: bool = True
    number: int = 0


def most_accurate_first(candidates: list[Candidate]) -> list[Candidate]:
    """Most accurate first; without accuracies, most probable first; of equals, the cheaper.

    While some have no accuracy yet, those that have one come first. Once all have one, final accuracies come first.
    """
    complete = all(item.accuracy_percent is not None for item in candidates)

    def key(item: Candidate) -> tuple[bool, bool, float, int]:
        unknown = item.accuracy_percent is None
        merit = item.log_probability if item.accuracy_percent is None else item.accuracy_percent
        return (complete and not item.is_final, unknown, -merit, item.cost.macs)

    return sorted(candidates, key=key)


def believed(ranked: list[Candidate], given: Candidate, source: UncertainSource) -> list[Candidate]:
    """`ranked` without those whose gains the source does not believe; all of them if it believes none."""
    outputs = [item.architecture for item in ranked]
    believable = source.believable([given.architecture] * len(outputs), outputs)
    return [item for item, is_kept in zip(ranked, believable, strict=True) if is_kept] or ranked


def worth_most_first(ranked: list[Candidate], given: Candidate, source: UncertainSource) -> list[Candidate]:
    """`ranked`, but with the candidate that is worth most moved to the front.

    Worth, in points, is the gain in accuracy minus its standard error, plus `MACS_WORTH` times the source's tolerance
    for all of the input's MACs saved, and for a part of them in proportion. A candidate whose gain minus standard error
    is negative is eligible only if it saves enough MACs: `FAIR_SAVING` of them where it may lose the tolerance.
    """
    tolerance = source.tolerance_points
    known = [item for item in ranked if item.accuracy_percent is not None]
    outputs = [item.architecture for item in known]
    errors = source.gain_error_points([given.architecture] * len(known), outputs)
    sure = {
        item.number: (item.accuracy_percent or 0) - (given.accuracy_percent or 0) - float(error)
        for item, error in zip(known, errors, strict=True)
    }

    def saved(item: Candidate) -> float:
        return 1 - item.cost.macs / given.cost.macs

    def is_paid(item: Candidate) -> bool:
        return sure[item.number] >= min(0.0, -tolerance * saved(item) / FAIR_SAVING)

    paid = [item for item in known if given not in ranked or is_paid(item)]
    chosen = max(paid or known, key=lambda item: sure[item.number] + tolerance * MACS_WORTH * saved(item), default=None)
    return [*filter(None, [chosen]), *(item for item in ranked if item is not chosen)]

"""The use case: architectures → what is known or predicted of their accuracies, by a policy's accuracy source."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracyKind, AccuracySource, known, standard_errors_points
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import PolicyCard


@dataclass(frozen=True)
class Prediction:
    """The prediction for one architecture.

    Attributes:
        accuracy_percent: the predicted accuracy; None if there is none, for the reason in `why_not`.
        standard_error_points: standard error of the accuracy; None if the source does not know it.
        kind, description: the same properties of the accuracy source; None without an accuracy.
        policy: name of the policy to which the source belongs; None if no policy fits.
        why_not: one sentence on why there is no accuracy, or "".
    """

    accuracy_percent: float | None = None
    standard_error_points: float | None = None
    kind: AccuracyKind | None = None
    description: str | None = None
    policy: str | None = None
    why_not: str = ""


def predict(
    architectures: Sequence[Architecture], roots: Sequence[Path], policy: str | None = None
) -> tuple[Prediction, ...]:
    """Return one prediction per architecture, in order; each source evaluates its architectures together.

    Args:
        architectures: architectures of any spaces.
        roots: folders of policies.
        policy: a policy's name, folder or archive; None: for each architecture the first policy that fits it.

    Raises:
        ValueError: there is no such policy, or its accuracy source is broken.
    """
    groups, unfit = catalogue.assigned(roots, architectures, policy)
    found = {position: Prediction(why_not=reason) for position, reason in unfit.items()}
    for name, positions in groups.items():
        card = catalogue.card_of(roots, name)
        evaluated = _evaluated([architectures[position] for position in positions], name, card)
        found |= zip(positions, evaluated, strict=True)
    return tuple(found[position] for position in range(len(architectures)))


def _evaluated(architectures: Sequence[Architecture], policy: str, card: PolicyCard) -> list[Prediction]:
    """Return the predictions of one policy's source for architectures of its space."""
    source = catalogue.source_of(card)
    if source is None:
        return [
            Prediction(policy=policy, why_not=f"Nothing beside the policy {policy[:60]!r} tells accuracies.")
        ] * len(architectures)
    reasons = [source.mismatch(item) for item in architectures]
    found = iter(
        _asked(source, [item for item, reason in zip(architectures, reasons, strict=True) if not reason], policy)
    )
    return [Prediction(policy=policy, why_not=f"{reason}.") if reason else next(found) for reason in reasons]


def _asked(source: AccuracySource, architectures: Sequence[Architecture], policy: str) -> list[Prediction]:
    if not architectures:
        return []
    accuracies, errors = source.accuracy_percent(architectures), standard_errors_points(source, architectures)
    return [
        Prediction(known(accuracy), known(error), source.kind, source.description, policy)
        for accuracy, error in zip(accuracies, errors, strict=True)
    ]

"""Compares a candidate with its input, in words and numbers."""

from collections.abc import Iterable

from nat_core.ranking import Candidate


def compared(given: Candidate, item: Candidate, unit: str = "MACs") -> str:
    """``24 % fewer MACs, accuracy the same within ± 0.15``; `unit` names what a multiply-add or two count as."""
    clauses = [_cost(given.cost.macs, item.cost.macs, unit), _accuracy(given, item)]
    return ", ".join(filter(None, clauses))


def demonstration(
    given: Candidate, item: Candidate, chance_percent: float | None = None, is_short: bool = False
) -> str:
    """Return why a comparison shows only that training works, as ``a demonstration: guessing gives 10 %``; or "".

    Args:
        given, item: the input and a candidate.
        chance_percent: the accuracy of guessing, if the accuracies may be no better.
        is_short: whether the policy was trained only briefly.
    """
    if is_near_chance((given.accuracy_percent, item.accuracy_percent), chance_percent):
        return f"a demonstration: guessing gives {chance_percent:.3g} %"
    return "a demonstration: the policy was trained only briefly" if is_short else ""


def is_near_chance(percents: Iterable[float | None], chance_percent: float | None) -> bool:
    """Whether all known accuracies are less than twice the accuracy of guessing."""
    known = [percent for percent in percents if percent is not None]
    return chance_percent is not None and bool(known) and max(known) < 2 * chance_percent


def _cost(before: int, after: int, unit: str) -> str:
    if before == after:
        return f"as many {unit}"
    share = abs(after / before - 1) if before else 1.0
    return f"{100 * share:.{0 if share >= 0.0095 else 1}f} % {'fewer' if after < before else 'more'} {unit}"


def _accuracy(given: Candidate, item: Candidate) -> str:
    """Return the gain as text, or "" if one of them is not evaluated."""
    gain, error = item.gain_over(given), item.gain_error_points
    if gain is None:
        return ""
    if error is None:
        return "the same accuracy" if abs(gain) < 0.005 else f"accuracy {abs(gain):.2f} points {_direction(gain)}"
    if abs(gain) <= error:
        return f"accuracy the same within ± {max(error, 0.01):.2f}"
    return f"accuracy {abs(gain):.2f} ± {error:.2f} points {_direction(gain)}"


def _direction(gain: float) -> str:
    return "higher" if gain > 0 else "lower"

"""Rules: one mapping of operations for every edge, regardless of context; the baseline for policies."""

from collections.abc import Callable, Mapping, Sequence

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space

Rule = Mapping[str, str]
# What n outputs of n inputs are worth together.
Worth = Callable[[Sequence[Architecture], Sequence[Architecture]], float]


def applied(rule: Rule, architecture: Architecture) -> Architecture:
    """Replace every operation by the rule; operations that it does not name stay."""
    return architecture.with_operations([rule.get(name, name) for name in architecture.operations])


def best_rule(space: Space, inputs: Sequence[Architecture], worth: Worth, transitions: str = "nat++") -> Rule:
    """Coordinate ascent over rules that are legal by `transitions`, from none, by what they make of the inputs."""

    def value_of(rule: Rule) -> float:
        return worth(inputs, [applied(rule, item) for item in inputs])

    rule: Rule = {name: name for name in space.operations}
    value, before = value_of(rule), -float("inf")
    while value > before:
        before = value
        for name in space.operations:
            for target in space.targets(name, transitions):
                option = {**rule, name: target}
                if (found := value_of(option)) > value:
                    rule, value = option, found
    return rule

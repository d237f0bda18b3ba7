"""The transition rules of NAT and NAT++: which operation may replace which, derived from traits.

NAT (arXiv 1910.14488, section 3.1): an operation stays, becomes skip, or becomes null.
NAT++ (arXiv 2102.10301, section 3.2): an operation may also move down the type levels conv → separable → dilated →
pooling, to a kernel that is not larger. The papers do not place two types: by its cost, a thin convolution stands
between conv and separable, and a dilated separable one between separable and dilated.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from types import MappingProxyType

from nat_core.architecture.operations import OPERATIONS, Kind, Operation

TYPE_LEVELS = MappingProxyType(
    {Kind.CONV: 0, Kind.THIN_CONV: 1, Kind.SEP_CONV: 2, Kind.DIL_CONV: 3, Kind.MAX_POOL: 4, Kind.AVG_POOL: 4}
)


def type_level(operation: Operation) -> tuple[int, int]:
    """Return the type level of a convolution or pooling, as a sort key; within a type, dilated ones are lower."""
    return TYPE_LEVELS[operation.kind], operation.dilation


def _nat(source: Operation, target: Operation) -> bool:
    return target.kind in (Kind.SKIP, Kind.NULL)


def _nat_plus_plus(source: Operation, target: Operation) -> bool:
    if _nat(source, target):
        return True
    if source.kind in (Kind.SKIP, Kind.NULL):
        return False
    return type_level(source) <= type_level(target) and target.kernel <= source.kernel


RULES: MappingProxyType[str, Callable[[Operation, Operation], bool]] = MappingProxyType(
    {"nat": _nat, "nat++": _nat_plus_plus}
)


def check_rule(rule: str) -> str:
    """Return `rule`. Raises ValueError if it is unknown."""
    if not isinstance(rule, str) or rule not in RULES:
        raise ValueError(f"unknown transition rule {rule!r:.60}; accepted: {', '.join(RULES)}")
    return rule


def is_legal(source: str, target: str, rule: str = "nat++") -> bool:
    """Whether `rule` lets operation `target` replace `source`. Staying is always legal.

    Raises:
        ValueError: the rule is unknown.
    """
    allows = RULES[check_rule(rule)]
    return source == target or allows(OPERATIONS[source], OPERATIONS[target])


@lru_cache(maxsize=4096)
def _targets(source: str, operations: tuple[str, ...], rule: str) -> tuple[str, ...]:
    return tuple(name for name in OPERATIONS if name == source or (name in operations and is_legal(source, name, rule)))


def legal_targets(source: str, operations: Iterable[str], rule: str = "nat++") -> tuple[str, ...]:
    """Return the operations that may replace `source`: itself, and those of `operations` that `rule` allows.

    Raises:
        ValueError: the rule is unknown.
    """
    return _targets(source, tuple(operations), check_rule(rule))

"""Caches for what pages derive from a value, such as tables, figures and titles of an outcome."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")


class _Same:
    """A value that is compared by identity, which takes no time."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


def once(most: int) -> Callable[[Callable[Concatenate[T, P], R]], Callable[Concatenate[T, P], R]]:
    """Cache the last `most` results of a function for all visitors; callers must not change them.

    The first argument is compared by identity, since comparing a thousand candidates takes longer than many a table of
    them. The others must be hashable.
    """

    def decorate(function: Callable[Concatenate[T, P], R]) -> Callable[Concatenate[T, P], R]:
        @lru_cache(maxsize=most)
        def remembered(same: _Same, *rest: P.args, **options: P.kwargs) -> R:
            return function(same.value, *rest, **options)

        @wraps(function)
        def call(value: T, /, *rest: P.args, **options: P.kwargs) -> R:
            return remembered(_Same(value), *rest, **options)

        return call

    return decorate

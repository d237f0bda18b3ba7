"""The values that nodes of the shared-weight network pass on, each computed when it is first needed, and once.

A signal refers to those it is computed from only until it has a value. So memory is held by the signals that are still
to be computed from, whichever network they belong to.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property, partial

import torch
from torch import Tensor
from torch.nn import functional as F


class Signal:
    """A node's or a cell's output, and its ReLU.

    Attributes:
        is_zero: whether the output is all zeros; such a signal has no value, because zeros are never computed.
        columns: which nodes of a cell the value concatenates, counted from the first intermediate one; None if the
            value is not a concatenation.
    """

    def __init__(self, compute: Callable[[], Tensor] | None, columns: tuple[int, ...] | None = None) -> None:
        self._compute = compute
        self.columns = columns
        self.is_zero = compute is None

    @classmethod
    def known(cls, value: Tensor) -> "Signal":
        """A signal that has its value."""
        return cls(lambda: value)

    @cached_property
    def value(self) -> Tensor:
        """Return the output, shape [batch, channels, h, w]. Raises ValueError if it is all zeros."""
        if self._compute is None:
            raise ValueError("zeros are known by is_zero and have no value")
        compute, self._compute = self._compute, None
        return compute()

    @cached_property
    def rectified(self) -> Tensor:
        return F.relu(self.value)

    def settle(self) -> None:
        """Computes what all that follows is computed from."""
        if not self.is_zero:
            _ = self.value


class Concatenation(Signal):
    """The concatenation of several nodes; its ReLU reuses the ReLUs that the nodes have already computed."""

    def __init__(self, parts: Sequence[Signal], columns: tuple[int, ...]) -> None:
        super().__init__((lambda: torch.cat([part.value for part in parts], dim=1)) if parts else None, columns)
        self._parts = parts

    @cached_property
    def rectified(self) -> Tensor:
        return torch.cat([part.rectified for part in self._parts], dim=1)

    def settle(self) -> None:
        for part in self._parts:
            part.settle()


class Signals:
    """Signals by what they are computed from: what several networks compute alike is one signal."""

    def __init__(self) -> None:
        self._known: dict[tuple[Hashable, ...], Signal] = {}

    def computed(self, function: Callable[..., Tensor], *arguments: Hashable) -> Signal:
        """Return the signal whose value is `function(*arguments)`."""
        return self._once((function, *arguments), lambda: Signal(partial(function, *arguments)))

    def concatenated(self, parts: tuple[Signal, ...], columns: tuple[int, ...]) -> Signal:
        """Return the concatenation of `parts`; see `Signal.columns`."""
        return self._once((parts, columns), lambda: Concatenation(parts, columns))

    def _once(self, key: tuple[Hashable, ...], build: Callable[[], Signal]) -> Signal:
        if key not in self._known:
            self._known[key] = build()
        return self._known[key]

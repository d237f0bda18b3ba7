"""The values that nodes of the shared-weight network pass on, each computed lazily and once."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F


class Signal:
    """A node's or a cell's output, whose ReLU is computed at most once.

    Attributes:
        is_zero: whether the output is all zeros; such a signal has no value, because zeros are never computed.
        columns: which nodes of a cell the value concatenates, counted from the first intermediate one; None if the
            value is not a concatenation.
    """

    def __init__(self, value: Tensor | None, columns: tuple[int, ...] | None = None) -> None:
        self._value = value
        self.columns = columns
        self.is_zero = value is None

    @cached_property
    def value(self) -> Tensor:
        """[batch, channels, h, w]. Raises ValueError for zeros."""
        if self._value is None:
            raise ValueError("zeros are known by is_zero and have no value")
        return self._value

    @cached_property
    def rectified(self) -> Tensor:
        return F.relu(self.value)


class Concatenation(Signal):
    """The concatenation of several nodes; its ReLU reuses the ReLUs that the nodes have already computed."""

    def __init__(self, parts: Sequence[Signal], columns: tuple[int, ...]) -> None:
        super().__init__(None, columns)
        self._parts = parts
        self.is_zero = not parts

    @cached_property
    def value(self) -> Tensor:
        return torch.cat([part.value for part in self._parts], dim=1)

    @cached_property
    def rectified(self) -> Tensor:
        return torch.cat([part.rectified for part in self._parts], dim=1)

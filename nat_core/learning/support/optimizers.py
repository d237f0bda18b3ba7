"""torch's optimizers without its compiler, which takes a second to load in every process that trains.

torch wraps those of their methods that it does not compile, and the first call of one loads the compiler to say so.
Nothing is compiled here, so the methods are called as they are; the numbers are the same.
"""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


class _Uncompiled(Optimizer):
    """The mixin that precedes a torch optimizer in the order of bases."""

    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)
    zero_grad = unwrap(Optimizer.zero_grad)
    add_param_group = unwrap(Optimizer.add_param_group)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Return the trained parameters in order; a module's own list is a walk through all its parts."""
        return [parameter for group in self.param_groups for parameter in group["params"]]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Changes the parameters once, by their gradients."""
        step: Any = super().step
        return unwrap(step.__func__)(self, closure)


class SGD(_Uncompiled, torch.optim.SGD):
    """Stochastic gradient descent with momentum."""


class Adam(_Uncompiled, torch.optim.Adam):
    """Adam."""


class AdamW(_Uncompiled, torch.optim.AdamW):
    """Adam whose weight decay is no part of the gradient."""

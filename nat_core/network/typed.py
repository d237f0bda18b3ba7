"""What torch's type stubs leave out, made up for in one place."""

from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def channels_last(module: M) -> M:
    """`module` itself, its weights of images now channels-last in memory."""
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs


def members(modules: nn.ModuleList, kind: type[M]) -> list[M]:
    """All of `modules`, known to be of one `kind`; a ModuleList's type does not say which.

    Raises:
        TypeError: one is of another kind.
    """
    found = [module for module in modules if isinstance(module, kind)]
    if len(found) != len(modules):
        raise TypeError(f"{len(modules) - len(found)} of {len(modules)} modules are no {kind.__name__}")
    return found

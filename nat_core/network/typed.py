"""Typed wrappers for calls that torch's type stubs do not describe."""

from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def channels_last(module: M) -> M:
    """Convert the module's convolution weights to channels-last memory format, in place, and return the module."""
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs


def members(modules: nn.ModuleList, kind: type[M]) -> list[M]:
    """Return all of `modules`, typed as `kind`, which the type of a ModuleList does not express.

    Raises:
        TypeError: a module is of another kind.
    """
    found = [module for module in modules if isinstance(module, kind)]
    if len(found) != len(modules):
        raise TypeError(f"{len(modules) - len(found)} of {len(modules)} modules are no {kind.__name__}")
    return found

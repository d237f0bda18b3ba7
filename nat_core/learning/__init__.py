"""Learning: policies, what rewards them, and training from scratch."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import torch  # noqa: F401  its own start looks for its compiler


class _LoadedWhenUsed(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, attribute: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), attribute)


# torch-geometric imports torch's compiler for one type check; that would be a third of this program's start.
sys.modules.setdefault("torch._dynamo", _LoadedWhenUsed("torch._dynamo"))

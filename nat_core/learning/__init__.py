"""Learning: policies, what rewards them, and training from scratch."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch  # noqa: F401  its own start looks for its compiler


class _LoadedWhenUsed(ModuleType):
    """Stands for a module until something of it is asked for; whoever only looks where it is finds its own spec."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__, self.__loader__, self.__file__ = spec, spec.loader, spec.origin
        self.__package__ = spec.parent

    def __getattr__(self, attribute: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), attribute)


# torch-geometric imports torch's compiler for one type check, and that takes more than half as long as all the rest of
# this program's start. `benchmarks.startup` measures both.
if "torch._dynamo" not in sys.modules and (_spec := find_spec("torch._dynamo")) is not None:
    sys.modules[_spec.name] = _LoadedWhenUsed(_spec)

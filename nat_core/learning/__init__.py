"""Learning: policies, what rewards them, and training from scratch."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _LoadedWhenUsed(ModuleType):
    """A placeholder that imports its module on the first attribute access; its spec is the module's own."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__, self.__loader__, self.__file__ = spec, spec.loader, spec.origin
        self.__package__ = spec.parent

    def __getattr__(self, attribute: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), attribute)


class _CompilerDeferred(MetaPathFinder):
    """Defers torch's compiler before torch-geometric, which imports it for one type check.

    That takes more than half as long as all the rest of this program's start; `benchmarks.startup` measures both.
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name != "torch_geometric":
            return
        sys.meta_path.remove(self)
        import_module("torch")  # its own start looks for its compiler
        if "torch._dynamo" not in sys.modules and (spec := find_spec("torch._dynamo")) is not None:
            sys.modules[spec.name] = _LoadedWhenUsed(spec)


sys.meta_path.insert(0, _CompilerDeferred())

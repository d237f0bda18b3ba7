"""Learning: policies, what rewards them, and training from scratch."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _LoadedWhenUsed(ModuleType):
    """A placeholder that imports its module on the first attribute access; its spec is the module's own."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__, self.__loader__, self.__file__ = spec, spec.loader, spec.origin
        self.__package__, self.__cached__ = spec.parent, spec.cached

    def __getattr__(self, attribute: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), attribute)


class _PlaceholderLoader(Loader):
    """Loads a placeholder. `importlib.util.LazyLoader`'s would import its module when `inspect` asks for its file."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        placeholder = _LoadedWhenUsed(spec)
        placeholder.__path__ = []  # asked for between these two calls
        return placeholder

    def exec_module(self, module: ModuleType) -> None:
        del module.__path__


class _Deferred(MetaPathFinder):
    """Defers imports of torch-geometric, which take more than half as long as all the rest of this program's start.

    They are torch's compiler, which it imports for one type check; its datasets, which import pandas, its explanations
    and transforms, which nothing here uses; and its layers, of which one network here has one. `benchmarks.startup`
    measures all.
    """

    def __init__(self) -> None:
        self._names = {f"torch_geometric.{name}" for name in ("datasets", "explain", "nn", "transforms")}

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "torch_geometric":
            import_module("torch")  # its own start looks for its compiler
            if "torch._dynamo" not in sys.modules and (compiler := find_spec("torch._dynamo")) is not None:
                sys.modules[compiler.name] = _LoadedWhenUsed(compiler)
        if name not in self._names:
            return None
        self._names.remove(name)  # a placeholder that is used loads its module
        spec = PathFinder.find_spec(name, path)
        if spec is not None:
            spec.loader = _PlaceholderLoader()
        return spec


sys.meta_path.insert(0, _Deferred())

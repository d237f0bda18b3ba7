"""What starting costs: torch's compiler and what torch-geometric imports are loaded when they are used, and work."""

import subprocess
import sys

import pytest

CODE = """
import sys
import nat_core.transformation
import inspect
inspect.getmodule(inspect.currentframe())
deferred = {"torch._dynamo.symbolic_convert", "torch_geometric.datasets.planetoid", "torch_geometric.nn.conv",
            "torch_geometric.transforms.to_device", "pandas"}
assert not deferred & set(sys.modules)
from importlib.util import find_spec
spec = find_spec("torch._dynamo")
assert spec.name == "torch._dynamo" and spec.origin.endswith("__init__.py") and spec.submodule_search_locations
import torch
import torch._dynamo
assert "torch._dynamo.symbolic_convert" not in sys.modules
doubled = torch.compile(lambda x: 2 * x, backend="eager")
assert doubled(torch.ones(2)).tolist() == [2, 2]
assert "torch._dynamo.symbolic_convert" in sys.modules
import torch._dynamo.config
import torch_geometric
from nat_core.learning.graphs.encoder import AuthorsNetwork
AuthorsNetwork()
assert "torch_geometric.nn.conv" in sys.modules
assert torch_geometric.transforms.ToDevice.__module__ in sys.modules
assert find_spec("torch_geometric.datasets").origin.endswith("__init__.py")
assert torch_geometric.datasets.Planetoid.__module__ in sys.modules
import torch_geometric.datasets
assert torch_geometric.datasets is sys.modules["torch_geometric.datasets"]
from torch_geometric.datasets import Planetoid
assert torch_geometric.datasets.Planetoid is Planetoid
"""


def test_what_is_deferred_is_loaded_when_it_is_used():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("names", [["torch._dynamo"], ["torch._dynamo.config", "torch._dynamo.nothing"]])
def test_specs_are_found_before_and_after_the_compiler_is_loaded(names):
    code = f"""
from importlib.util import find_spec
found = {{name: find_spec(name) for name in {names!r}}}
import nat_core.learning, torch_geometric
for _ in range(2):
    for name, before in found.items():
        after = find_spec(name)
        assert (before is None) == (after is None) and (before is None or after.origin == before.origin), name
    import torch._dynamo
    torch._dynamo.config
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

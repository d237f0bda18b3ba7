"""What starting costs: torch's compiler is not loaded before it is used, and then it works."""

import subprocess
import sys

CODE = """
import sys
import nat_core.transform
assert "torch._dynamo.symbolic_convert" not in sys.modules
import torch
doubled = torch.compile(lambda x: 2 * x, backend="eager")
assert doubled(torch.ones(2)).tolist() == [2, 2]
assert "torch._dynamo.symbolic_convert" in sys.modules
import torch._dynamo.config
"""


def test_the_compiler_is_loaded_when_it_is_used():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

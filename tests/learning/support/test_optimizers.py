"""Optimizers compute what torch's do, and load no compiler."""

import subprocess
import sys

import pytest
import torch

from nat_core.learning.support import optimizers

CASES = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3, "foreach": True},
    "Adam": {"lr": 0.01, "fused": True},
    "AdamW": {"lr": 0.01, "weight_decay": 0.1, "fused": True},
}
TRAINING = """
import sys
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.learning.training.loop import train
small = PolicyConfig(width=8, layers=1, embedding=8, key=8)
assert train(TrainingConfig(policy=small, steps=2, batch=4, samples=2, inputs=InputsConfig(20, 4))).finished
assert "torch._dynamo.symbolic_convert" not in sys.modules
"""


def trained(kind: type[torch.optim.Optimizer], options: dict[str, float]) -> tuple[torch.Tensor, dict]:
    """A layer after six steps, saved and read in between, by a rate that changes; and the optimizer's state."""
    torch.manual_seed(0)
    layer, inputs = torch.nn.Linear(5, 3), torch.randn(8, 5)
    optimizer = kind(layer.parameters(), **options)
    for _ in range(2):
        state, optimizer = optimizer.state_dict(), kind([{"params": layer.parameters()}], **options)
        optimizer.load_state_dict(state)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=9)
        for _ in range(3):
            optimizer.zero_grad(set_to_none=True)
            layer(inputs).pow(2).sum().backward()
            optimizer.step()
            schedule.step()
    return layer.weight.detach(), optimizer.state_dict()


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_torchs(name):
    ours, state = trained(getattr(optimizers, name), CASES[name])
    theirs, expected = trained(getattr(torch.optim, name), CASES[name])
    assert torch.equal(ours, theirs) and not torch.equal(ours, torch.zeros_like(ours))
    assert state["param_groups"] == expected["param_groups"]
    for number, values in expected["state"].items():
        for key, value in values.items():
            assert torch.equal(torch.as_tensor(state["state"][number][key]), torch.as_tensor(value))


def test_a_training_loads_no_compiler():
    done = subprocess.run([sys.executable, "-c", TRAINING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

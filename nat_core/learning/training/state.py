"""Everything that a training needs to continue exactly where it was: weights, optimiser, random state, counters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from nat_core.learning.policies.policy import Policy
from nat_core.learning.support import checkpoint
from nat_core.learning.support.optimizers import Adam
from nat_core.learning.training.config import TrainingConfig

KIND = checkpoint.Kind("training", version=2, writer="`train`")


@dataclass
class TrainingState:
    """The changing part of a training.

    Attributes:
        policy: policy that is being trained.
        optimizer: Adam over its parameters.
        generator: random generator of batches and samples, always on the CPU.
        step: number of steps done.
        baseline: moving average of gains in points (used by one estimator only).
        elapsed_seconds: wall-clock time spent so far.
        pending: metrics of the steps since the last report, by name.
    """

    policy: Policy
    optimizer: Adam
    generator: torch.Generator
    step: int = 0
    baseline: float = 0.0
    elapsed_seconds: float = 0.0
    pending: dict[str, list[float]] = field(default_factory=dict)

    def descend(self, loss: Tensor, learning_rate: float) -> None:
        """One step of the optimiser along the loss's gradient."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


def new_state(config: TrainingConfig, device: torch.device | str = "cpu") -> TrainingState:
    """The state before the first step, determined by the seed alone; torch's own random state is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        policy = Policy(config.shape, config.rule).to(device)
    adam = config.optimizer
    optimizer = Adam(
        policy.parameters(), lr=adam.learning_rate, betas=adam.betas, weight_decay=adam.weight_decay, fused=True
    )
    return TrainingState(policy, optimizer, torch.Generator().manual_seed(config.seed))


def tensors_of(state: TrainingState) -> dict[str, Tensor]:
    """Weights, the optimiser's moments and the generator, by name."""
    tensors = {f"policy.{name}": tensor for name, tensor in state.policy.state_dict().items()}
    for number, moments in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
    return {**tensors, "generator": state.generator.get_state()}


def fill(state: TrainingState, tensors: Mapping[str, Tensor]) -> None:
    """Invert `tensors_of`. Raises KeyError, ValueError or RuntimeError if the tensors do not fit."""
    state.policy.load_state_dict(checkpoint.under("policy.", tensors))
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": _moments(tensors)})
    state.generator.set_state(tensors["generator"])


def save_state(path: Path, config: TrainingConfig, state: TrainingState) -> None:
    """Write the state atomically. Raises OSError if it cannot be written."""
    counters = {name: getattr(state, name) for name in ("step", "baseline", "elapsed_seconds", "pending")}
    checkpoint.save(path, KIND, config, tensors_of(state), counters)


def load_state(path: Path, config: TrainingConfig, state: TrainingState) -> None:
    """Fill a new `state` from a file.

    Raises:
        ValueError: the file is damaged or belongs to another configuration.
    """
    with checkpoint.loading(path, KIND, config) as (tensors, counters):
        fill(state, tensors)
        state.step, state.baseline = int(counters["step"]), float(counters["baseline"])
        state.elapsed_seconds = float(counters["elapsed_seconds"])
        state.pending = {name: [float(value) for value in values] for name, values in counters["pending"].items()}


def _moments(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in checkpoint.under("optimizer.", tensors).items():
        number, key = name.split(".")
        moments.setdefault(int(number), {})[key] = tensor
    return moments

"""Everything that a training needs to continue exactly where it was: weights, optimiser, random state, counters."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nat_core.learning.policies.policy import Policy
from nat_core.learning.support.files import load_tensors, save_tensors
from nat_core.learning.training.config import TrainingConfig

_FORMAT_VERSION = 2


@dataclass
class TrainingState:
    """The changing part of a training.

    Attributes:
        policy: being trained.
        optimizer: Adam over its parameters.
        generator: of batches and draws, on the CPU whatever the device.
        step: steps done.
        baseline: moving average of gains in points (used by one estimator only).
        elapsed_seconds: wall-clock time spent so far.
        pending: metrics of the steps since the last report, by name.
    """

    policy: Policy
    optimizer: torch.optim.Adam
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
        policy = Policy(config.policy, config.rule).to(device)
    optimizer = torch.optim.Adam(
        policy.parameters(), lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay, fused=True
    )
    return TrainingState(policy, optimizer, torch.Generator().manual_seed(config.seed))


def tensors_of(state: TrainingState) -> dict[str, Tensor]:
    """Weights, the optimiser's moments and the generator, by name."""
    tensors = {f"policy.{name}": tensor for name, tensor in state.policy.state_dict().items()}
    for number, moments in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
    return {**tensors, "generator": state.generator.get_state()}


def fill(state: TrainingState, tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `tensors_of`. Raises KeyError, ValueError or RuntimeError for what does not fit."""
    state.policy.load_state_dict(_under("policy.", tensors))
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": _moments(tensors)})
    state.generator.set_state(tensors["generator"])


def save_state(path: Path, config: TrainingConfig, state: TrainingState) -> None:
    """Writes the state atomically as safetensors, its counters and the configuration as metadata."""
    counters = {
        "format_version": _FORMAT_VERSION,
        "config": config.to_dict(),
        "step": state.step,
        "baseline": state.baseline,
        "elapsed_seconds": state.elapsed_seconds,
        "pending": state.pending,
    }
    save_tensors(
        path,
        {name: value.detach().cpu().contiguous() for name, value in tensors_of(state).items()},
        {"training": json.dumps(counters)},
    )


def load_state(path: Path, config: TrainingConfig, state: TrainingState) -> None:
    """Fills a new `state` from a file.

    Raises:
        ValueError: the file is damaged or belongs to another configuration; names it.
    """
    try:
        tensors, metadata = load_tensors(path)
        counters = json.loads(metadata["training"])
        _check(counters, config)
        fill(state, tensors)
        state.step, state.baseline = int(counters["step"]), float(counters["baseline"])
        state.elapsed_seconds = float(counters["elapsed_seconds"])
        state.pending = {name: [float(value) for value in values] for name, values in counters["pending"].items()}
    except KeyError as error:
        raise ValueError(f"{path}: {error} is missing; accepted: a training state written by `train`") from error
    except (ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: {error}; accepted: a training state of the same configuration") from error


def _check(counters: Mapping[str, Any], config: TrainingConfig) -> None:
    if counters["format_version"] != _FORMAT_VERSION:
        raise ValueError(f"format_version is {counters['format_version']!r}, not {_FORMAT_VERSION}")
    saved = TrainingConfig.from_dict(counters["config"]).to_dict()
    wanted = config.to_dict()
    if different := [name for name in wanted if saved[name] != wanted[name]]:
        name = different[0]
        raise ValueError(f"{name} was {saved[name]!r} and is now {wanted[name]!r}")


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _moments(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        number, key = name.split(".")
        moments.setdefault(int(number), {})[key] = tensor
    return moments

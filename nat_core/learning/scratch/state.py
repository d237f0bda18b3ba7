"""Everything that a training from scratch needs to continue exactly where it was, and its place in the queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from nat_core.architecture.cell import Architecture
from nat_core.learning.scratch.config import Budget, EvaluationConfig
from nat_core.learning.scratch.measured import MeasuredResult
from nat_core.learning.support import checkpoint
from nat_core.learning.support.optimizers import SGD
from nat_core.network.config import NetworkConfig
from nat_core.network.networks import CellNetwork, build_network
from nat_core.network.typed import channels_last

KIND = checkpoint.Kind("evaluation", version=1, writer="`evaluate`")


@dataclass
class ScratchState:
    """The changing part of one network's training.

    Attributes:
        network: network that is being trained, channels-last.
        optimizer: SGD over its parameters.
        generator: random generator of order, augmentation and drop path, on the network's device.
        order: order of the images in the current epoch, int64 [images].
        seed: seed of all random draws, including the views of streamed images.
        pending: sum of losses, number of right answers and of images since the last report, float64 [3].
        step: number of steps done.
        elapsed_seconds: wall-clock time spent so far.
    """

    network: CellNetwork
    optimizer: SGD
    generator: Generator
    order: Tensor
    pending: Tensor
    seed: int = 0
    step: int = 0
    elapsed_seconds: float = 0.0


@dataclass
class QueueState:
    """The progress of a queue of trainings.

    Attributes:
        results: results of the finished trainings, in order.
        current: state of the current training; None before it has begun.
        broken: reason for each image that could not be read so far, by its name.
    """

    results: list[MeasuredResult] = field(default_factory=list)
    current: ScratchState | None = None
    broken: dict[str, str] = field(default_factory=dict)


def new_state(
    architecture: Architecture, network: NetworkConfig, budget: Budget, seed: int, device: torch.device | str = "cpu"
) -> ScratchState:
    """The state before the first step, determined by the seed alone; torch's own random state is untouched.

    Dead edges are left out: they would cost time and change nothing.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build_network(architecture.effective, network)
    module = channels_last(module.to(device))
    generator = Generator(device).manual_seed(seed)
    module.drop_path.generator = generator
    optimizer = SGD(
        module.parameters(),
        lr=budget.learning_rate,
        momentum=budget.momentum,
        nesterov=budget.nesterov,
        weight_decay=budget.weight_decay,
        foreach=True,
    )
    order = torch.empty(0, dtype=torch.int64, device=device)
    pending = torch.zeros(3, dtype=torch.float64, device=device)
    return ScratchState(module, optimizer, generator, order, pending, seed)


def save_queue(path: Path, config: EvaluationConfig, queue: QueueState) -> None:
    """Write the queue atomically. Raises OSError if it cannot be written."""
    tensors: dict[str, Tensor] = {}
    facts: dict[str, Any] = {
        "results": [result.to_dict() for result in queue.results], "broken": queue.broken,
    }  # fmt: skip
    if (state := queue.current) is not None:
        tensors = _tensors(state)
        facts |= {"step": state.step, "elapsed_seconds": state.elapsed_seconds}
    checkpoint.save(path, KIND, config, tensors, facts)


def load_queue(
    path: Path, config: EvaluationConfig, network: NetworkConfig, device: torch.device | str = "cpu"
) -> QueueState:
    """Load a queue as it was saved.

    Raises:
        ValueError: the file is damaged or belongs to another configuration.
    """
    with checkpoint.loading(path, KIND, config) as (tensors, facts):
        results = [MeasuredResult.from_dict(item) for item in facts["results"]]
        queue = QueueState(results, broken=dict(facts.get("broken", {})))
        if "step" in facts:
            item, seed = config.jobs[len(queue.results)]
            queue.current = new_state(item.architecture, network, config.budget, seed, device)
            _fill(queue.current, tensors, facts)
    return queue


def _tensors(state: ScratchState) -> dict[str, Tensor]:
    tensors = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    for name, parameter in state.network.named_parameters():
        if (momentum := state.optimizer.state.get(parameter, {}).get("momentum_buffer")) is not None:
            tensors[f"momentum.{name}"] = momentum
    return {**tensors, "generator": state.generator.get_state(), "order": state.order, "pending": state.pending}


def _fill(state: ScratchState, tensors: Mapping[str, Tensor], counters: Mapping[str, Any]) -> None:
    weights = {name: tensors[f"network.{name}"] for name in state.network.state_dict()}
    state.network.load_state_dict(weights)
    for name, parameter in state.network.named_parameters():
        if (momentum := tensors.get(f"momentum.{name}")) is not None:
            # In the parameter's own memory format, which decides how fast a step is.
            state.optimizer.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).detach().copy_(momentum)
    state.generator.set_state(tensors["generator"])
    state.order = tensors["order"].to(state.order.device)
    state.pending = tensors["pending"].to(state.pending.device)
    state.step, state.elapsed_seconds = int(counters["step"]), float(counters["elapsed_seconds"])

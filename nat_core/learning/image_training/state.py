"""Everything that a training from images needs to continue exactly: weights, optimisers, evaluations, reward models.

Draws need no state (see `draws`), except the policy's own generator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nat_core.learning.accuracies.reward_model import RewardModel
from nat_core.learning.accuracies.reward_model_files import model_of, tensors_of_model
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.image_training.evaluations import Evaluations
from nat_core.learning.image_training.weight_training import shared_weights_sgd
from nat_core.learning.policies.policy import Policy
from nat_core.learning.support import checkpoint
from nat_core.learning.support.optimizers import SGD
from nat_core.learning.training.state import TrainingState, fill, new_state, tensors_of
from nat_core.network.config import NetworkConfig
from nat_core.network.supernet import Supernet

KIND = checkpoint.Kind("image_training", version=1, writer="training from images")


@dataclass
class ImageState:
    """The changing part of a training from images.

    Attributes:
        supernet: the shared weights.
        sgd: their optimiser.
        learner: the policy that is being trained, with its optimiser.
        best: the policy of the last accepted round.
        accepted: number of accepted rounds.
        evaluations: evaluations of architectures, in the two-stage schedule.
        models: reward models, one per ensemble member fitted so far.
        rows: figures that a phase gathers over its steps.
        quality: final measurements by name.
        step: number of steps done.
        elapsed_seconds: wall-clock time spent so far.
        pending: metrics of the steps since the last report, by name.
    """

    supernet: Supernet
    sgd: SGD
    learner: TrainingState
    best: Policy
    accepted: int = 0
    evaluations: Evaluations = field(default_factory=Evaluations)
    models: list[RewardModel] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    quality: dict[str, float] = field(default_factory=dict)
    step: int = 0
    elapsed_seconds: float = 0.0
    pending: dict[str, list[float]] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        """The one to publish: the last accepted, or the only one there is."""
        return self.best if self.accepted else self.learner.policy


_COUNTERS = ("accepted", "rows", "quality", "step", "elapsed_seconds", "pending")


def new_image_state(
    config: ImageTrainingConfig,
    network: NetworkConfig,
    device: torch.device | str = "cpu",
    policy_device: torch.device | str | None = None,
) -> ImageState:
    """The state before the first step, determined by the seed alone; torch's own random state is untouched.

    Args:
        config: what to train and how.
        network: network of the shared weights.
        device: device of the shared weights.
        policy_device: device of policy and reward models; by default that of the shared weights.
    """
    policy_device = policy_device or device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(config.seed, "shared weights"))
        supernet = Supernet(config.target_space, network).to(device)
    weights = config.weights
    sgd = shared_weights_sgd(
        supernet, weights.learning_rate, classifier_rate=weights.classifier_rate, momentum=weights.momentum,
        weight_decay=weights.weight_decay,
    )  # fmt: skip
    policy = Policy(config.policy.policy, config.rule).to(policy_device).eval()
    return ImageState(supernet, sgd, new_state(config.recipe, policy_device), policy)


def save_image_state(path: Path, config: ImageTrainingConfig, state: ImageState) -> None:
    """Write the state atomically. Raises OSError if it cannot be written."""
    parts: dict[str, Mapping[str, Tensor]] = {
        "supernet": state.supernet.state_dict(),
        "momentum": _momentum(state),
        "learner": tensors_of(state.learner),
        "best": state.best.state_dict() if state.accepted else {},
        "evaluations": state.evaluations.to_tensors(),
    }
    models = [tensors_of_model(model) for model in state.models]
    parts |= {f"model{number}": tensors for number, (tensors, _) in enumerate(models)}
    counters = {
        "learner": {name: getattr(state.learner, name) for name in ("step", "baseline")},
        "models": [facts for _, facts in models],
        **{name: getattr(state, name) for name in _COUNTERS},
    }
    tensors = {f"{part}:{name}": tensor for part, items in parts.items() for name, tensor in items.items()}
    checkpoint.save(path, KIND, config, tensors, counters)


def load_image_state(path: Path, config: ImageTrainingConfig, state: ImageState) -> None:
    """Fill a new `state` from a file.

    Raises:
        ValueError: the file is damaged or belongs to another configuration.
    """
    with checkpoint.loading(path, KIND, config) as (tensors, counters):
        _fill(state, tensors, counters)


def _fill(state: ImageState, tensors: dict[str, Tensor], counters: Mapping[str, Any]) -> None:
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(":")
        parts.setdefault(part, {})[rest] = tensor
    state.supernet.load_state_dict(parts["supernet"])
    for name, parameter in state.supernet.named_parameters():
        if (buffer := parts.get("momentum", {}).get(name)) is not None:
            state.sgd.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(buffer).detach()
    fill(state.learner, parts["learner"])
    state.learner.step = int(counters["learner"]["step"])
    state.learner.baseline = float(counters["learner"]["baseline"])
    if counters["accepted"]:
        state.best.load_state_dict(parts["best"])
    state.evaluations = Evaluations.from_tensors(parts["evaluations"])
    device = state.learner.policy.device
    state.models = [model_of(parts[f"model{i}"], facts, device) for i, facts in enumerate(counters["models"])]
    for name in _COUNTERS:
        setattr(state, name, counters[name])


def _momentum(state: ImageState) -> dict[str, Tensor]:
    """Return the share of weights that were trained at least once."""
    buffers = {name: state.sgd.state.get(p, {}).get("momentum_buffer") for name, p in state.supernet.named_parameters()}
    return {name: buffer for name, buffer in buffers.items() if buffer is not None}

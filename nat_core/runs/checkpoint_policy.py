"""The policy inside a training's checkpoint: what a stopped training has learned so far, ready to be used."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.config import TrainingConfig


def policy_of_checkpoint(path: Path, command: str = "") -> tuple[Policy, PolicyCard]:
    """The policy that a checkpoint holds, in evaluation mode, and its card; only its own tensors are read.

    Args:
        path: written by `state.save_state` or `image_state.save_image_state`.
        command: of the training, for the card.

    Raises:
        ValueError: the file is missing, damaged, or no training's; names it.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            kind = next((name for name in _KINDS if name in metadata), None)
            if kind is None:
                raise ValueError("it holds no training")
            counters = json.loads(metadata[kind])
            config, prefix = _KINDS[kind](counters)
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118, not a mapping
            weights: dict[str, Tensor] = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
        policy = Policy(config.policy)
        policy.load_state_dict(weights)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        text = " ".join(str(error).split())[:300]
        raise ValueError(f"{path}: {text}; accepted: the checkpoint of a training") from error
    card = PolicyCard(
        space=config.space,
        rule=config.rule,
        policy=config.policy,
        command=command,
        data="a checkpoint; the training is not finished",
        training={**counters["config"], "steps_done": counters["step"]},
        seed=config.seed,
        elapsed_seconds=round(float(counters["elapsed_seconds"]), 1),
        machine={"torch": torch.__version__},
    )
    return policy.eval(), card


def _from_table(counters: Mapping[str, Any]) -> tuple[TrainingConfig, str]:
    return TrainingConfig.from_dict(counters["config"]), "policy."


def _from_images(counters: Mapping[str, Any]) -> tuple[TrainingConfig, str]:
    """The last accepted policy, where rounds are accepted."""
    prefix = "best:" if counters["accepted"] else "learner:policy."
    return ImageTrainingConfig.from_dict(counters["config"]).policy, prefix


# By the name of the metadata that such a checkpoint carries: its policy's configuration, its tensors' prefix.
_KINDS: Mapping[str, Callable[[Mapping[str, Any]], tuple[TrainingConfig, str]]] = {
    "training": _from_table,
    "image_training": _from_images,
}

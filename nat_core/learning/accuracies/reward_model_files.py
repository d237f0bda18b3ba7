"""Reward models as tensors and facts, and in a file: `reward_model.safetensors`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.regressor import GraphRegressor
from nat_core.learning.accuracies.reward_model import FitQuality, RewardModel, RewardModelConfig
from nat_core.learning.support.files import load_tensors, save_tensors
from nat_core.learning.support.ranks import TargetScale
from nat_core.specification import from_json, read

FILE = "reward_model.safetensors"
_LONGEST_ABOUT = 300


def ensemble(models: Sequence[RewardModel]) -> RewardModel:
    """One model of the members of several that were fitted on the same data; its quality is their mean."""
    first, qualities = models[0], [model.quality for model in models]
    members = tuple(member for model in models for member in model.members)
    quality = FitQuality(
        sum(item.held_out for item in qualities),
        float(np.mean([item.rank_correlation for item in qualities])),
        float(np.mean([item.mean_absolute_error_points for item in qualities])),
    )
    return replace(first, members=members, quality=quality, config=replace(first.config, members=len(members)))


def tensors_of_model(model: RewardModel) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return a model's tensors by name, and its other fields for JSON."""
    tensors = {
        f"{number}.{name}": tensor
        for number, member in enumerate(model.members)
        for name, tensor in member.state_dict().items()
    }
    tensors["scale.accuracies_percent"] = torch.from_numpy(model.scale.accuracies_percent)
    tensors["scale.targets"] = torch.from_numpy(model.scale.targets)
    facts = {
        "config": asdict(model.config),
        "space": model.space.name,
        "observed": model.observed,
        "quality": asdict(model.quality),
        "about": model.about,
    }
    return tensors, facts


def model_of(tensors: Mapping[str, Tensor], facts: Mapping[str, Any], device: torch.device | str) -> RewardModel:
    """The inverse of `tensors_of_model`. Raises an error of some kind for what does not fit."""
    config = read(RewardModelConfig, facts["config"])
    members = []
    for number in range(config.members):
        prefix = f"{number}."
        member = GraphRegressor(config.width, config.layers, config.embedding)
        member.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        members.append(member.to(device).eval())
    scale = TargetScale(tensors["scale.accuracies_percent"].numpy(), tensors["scale.targets"].numpy())
    quality = read(FitQuality, facts["quality"])
    about = str(facts.get("about", ""))[:_LONGEST_ABOUT]
    return RewardModel(
        tuple(members), scale, config, SPACES[facts["space"]], int(facts["observed"]), quality, torch.device(device),
        about,
    )  # fmt: skip


def save_reward_model(folder: Path, model: RewardModel) -> Path:
    """Writes the model into `folder`; returns the file."""
    tensors, facts = tensors_of_model(model)
    path = folder / FILE
    cleaned = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_tensors(path, cleaned, {"reward_model": json.dumps(facts)})
    return path


def load_reward_model(folder: Path, device: torch.device | str = "cpu") -> RewardModel:
    """The model in `folder`.

    Raises:
        ValueError: there is no model, or it is broken.
    """
    path = folder / FILE
    try:
        tensors, metadata = load_tensors(path)
        return model_of(tensors, from_json(metadata["reward_model"]), device)
    except FileNotFoundError as error:
        raise ValueError(f"{path} does not exist; accepted: a folder written by `train` with a reward model") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RuntimeError, OSError) as error:
        raise ValueError(
            f"{path}: {' '.join(str(error).split())[:300]}; accepted: a reward model written by `train`"
        ) from error

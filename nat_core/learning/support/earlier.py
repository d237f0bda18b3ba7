"""Configurations of trainings as earlier versions wrote them into cards, checkpoints and records.

They were in one flat piece, and images were always held in memory.
"""

from collections.abc import Mapping
from typing import Any

# Where the fields are now.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "optimizer": ("learning_rate", "warmup_steps", "decay", "betas", "weight_decay"),
    "reinforce": (
        "estimator", "reward_scale", "advantage_weight", "best_weight", "baseline_decay", "entropy_start",
        "entropy_end", "searched_share", "imitation_weight", "imitation_until",
    ),
    "reward": ("data_set", "trainings", "cost", "cost_weight", "change_weight", "caution"),
    "inputs": ("inputs", "held_out", "thinned_share", "split_seed"),
    "budgets": ("budget", "smallest_budget", "whole_budgets"),
}  # fmt: skip
_PART_OF = {name: part for part, names in _PARTS.items() for name in names}
_RENAMED = {"inputs": "training", "budget": "cost", "smallest_budget": "smallest", "whole_budgets": "whole"}


def held(config: Any, *path: str) -> Any:
    """A configuration, or what is at `path` in it, with its images held where it does not say how they are kept."""
    if not isinstance(config, Mapping):
        return config
    if path:
        return {**config, path[0]: held(config[path[0]], *path[1:])} if path[0] in config else config
    return {"images": "held", **config}


def in_parts(training: Any) -> Any:
    """A training's configuration with its fields in the parts where they are now; others stay as they are.

    Args:
        training: a JSON object; that of a training from images holds its policy's under "policy".
    """
    if not isinstance(training, Mapping):
        return training
    policy = training.get("policy")
    if isinstance(policy, Mapping) and "policy" in policy:
        return {**training, "policy": in_parts(policy)}
    rest: dict[str, Any] = {}
    fields: Mapping[str, Any] = training
    parts: dict[str, dict[str, Any]] = {}
    for field, value in fields.items():
        part = _PART_OF.get(field)
        if part is None or (field in _PARTS and isinstance(value, Mapping)):
            rest[field] = value
        elif field == "data_set":
            is_column = value != "trainings"
            parts.setdefault(part, {}).update({"source": "table", field: value} if is_column else {"source": value})
        else:
            parts.setdefault(part, {})[_RENAMED.get(field, field)] = value
    whole = {name: {**moved, **rest[name]} for name, moved in parts.items() if isinstance(rest.get(name), Mapping)}
    return {**parts, **rest, **whole}

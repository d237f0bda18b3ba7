"""The kinds of run that train a policy: on a table of accuracies, or from images.

A stopped training's policy is in its checkpoint, ready to be used.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nat_core.learning.forms import training_words
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.loop import HEADLINE, train_on_images
from nat_core.learning.image_training.plan import plan_training
from nat_core.learning.image_training.presets import DEFAULT_PRESET, PRESETS, on_network, preset
from nat_core.learning.image_training.publish import publish_images
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.config import RECIPES, TrainingConfig
from nat_core.learning.training.loop import Schedule, train
from nat_core.learning.training.publish import publish
from nat_core.runs.artifacts import KEPT
from nat_core.runs.store import reason
from nat_core.runs.work import RunContext, Work
from nat_core.specification import from_json

# Seconds between checkpoints; short runs have some, too.
_SAVE_SECONDS, _SHORT_SAVE_SECONDS, _SHORT_STEPS = 45.0, 4.0, 1000


def train_on_table(config: TrainingConfig, context: RunContext) -> bool:
    """Train until finished or asked to stop; publish a finished policy and store it with the record."""
    schedule = Schedule(save=min(250, max(20, config.steps // KEPT)))
    trained = train(config, device=context.device, hooks=context.hooks(), schedule=schedule)
    if not trained.finished:
        return False
    context.publish(lambda folder: publish(folder, trained, context.command))
    return True


def table_arguments(config: TrainingConfig, preset: str) -> list[str]:
    """Return the arguments of the equivalent command line, as far as options exist."""
    standard = replace(RECIPES.get(preset, TrainingConfig()), space=config.space)
    found = ["train", "--space", config.space]
    if preset in RECIPES and preset != "group":
        found += ["--recipe", preset]
    return found + training_words(config, standard)


def train_from_images(config: ImageTrainingConfig, context: RunContext) -> bool:
    """Train until finished or asked to stop; publish the results and store them with the record."""
    save_seconds = _SHORT_SAVE_SECONDS if context.run.steps < _SHORT_STEPS else _SAVE_SECONDS
    trained = train_on_images(config, device=context.device, hooks=context.hooks(save_seconds))
    if not trained.finished:
        return False
    context.publish(lambda folder: publish_images(folder, trained, context.command))
    return True


def image_arguments(config: ImageTrainingConfig, name: str) -> list[str]:
    """Return the arguments of the equivalent command line, as far as options exist."""
    name = name if name in PRESETS else DEFAULT_PRESET
    standard = preset(name, config.space)
    found = ["train", "--space", config.space, "--preset", name]
    if config.family != standard.family:
        found += ["--network", config.family]
    if config.schedule != standard.schedule:
        found += ["--schedule", config.schedule]
        standard = preset(name, config.space, config.schedule)
    return found + training_words(config, on_network(standard, config.family))


def policy_of_checkpoint(path: Path, command: str = "") -> tuple[Policy, PolicyCard]:
    """Return a checkpoint's policy in evaluation mode and its card; only the policy's tensors are read.

    Args:
        path: file written by `state.save_state` or `image_state.save_image_state`.
        command: command line of the training, for the card.

    Raises:
        ValueError: the file is missing, damaged or not a training's; the message names it.
    """
    try:
        policy, config, counters = _read_checkpoint(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: {reason(error, 300)}; accepted: the checkpoint of a training") from error
    card = PolicyCard(
        space=config.space,
        rule=config.rule,
        policy=policy.config,
        command=command,
        data="a checkpoint; the training is not finished",
        training={**counters["config"], "steps_done": counters["step"]},
        seed=config.seed,
        elapsed_seconds=round(float(counters["elapsed_seconds"]), 1),
        machine={"torch": torch.__version__},
    )
    return policy.eval(), card


def _read_checkpoint(path: Path) -> tuple[Policy, TrainingConfig, Mapping[str, Any]]:
    """Return the policy, its configuration, and the training's other counters."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        kind = next((name for name in _KINDS if name in metadata), None)
        if kind is None:
            raise ValueError("it holds no training")
        counters = from_json(metadata[kind])
        config, prefix = _KINDS[kind](counters)
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118, not a mapping
        weights: dict[str, Tensor] = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    policy = Policy(config.shape, config.rule)
    policy.load_state_dict(weights)
    return policy, config, counters


def _from_table(counters: Mapping[str, Any]) -> tuple[TrainingConfig, str]:
    return TrainingConfig.from_dict(counters["config"]), "policy."


def _from_images(counters: Mapping[str, Any]) -> tuple[TrainingConfig, str]:
    """Return the policy's configuration and its tensors' prefix: the last accepted policy, if rounds are accepted."""
    prefix = "best:" if counters["accepted"] else "learner:policy."
    return ImageTrainingConfig.from_dict(counters["config"]).policy, prefix


# By the checkpoint's metadata name: a function for its policy's configuration and its tensors' prefix.
_KINDS: Mapping[str, Callable[[Mapping[str, Any]], tuple[TrainingConfig, str]]] = {
    "training": _from_table,
    "image_training": _from_images,
}


TABLE_TRAINING = Work(
    config=TrainingConfig,
    do=train_on_table,
    steps=lambda config: config.steps,
    headline="held_out_gain",
    arguments=table_arguments,
    policy_of=policy_of_checkpoint,
)


IMAGE_TRAINING = Work(
    config=ImageTrainingConfig,
    do=train_from_images,
    steps=lambda config: plan_training(config).steps,
    headline=HEADLINE,
    is_shared=True,
    arguments=image_arguments,
    policy_of=policy_of_checkpoint,
)

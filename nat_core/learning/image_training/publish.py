"""Writes a finished training from images to a folder: policy, shared weights, reward model, and their cards."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nat_core.learning.accuracies.reward_model_files import ensemble, save_reward_model
from nat_core.learning.accuracies.supernet_files import SupernetCard, save_supernet
from nat_core.learning.image_training.loop import ImageTraining
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.learning.support.device import machine
from nat_core.learning.training.policy_folder import save_whole


def publish_images(folder: Path | str, trained: ImageTraining, command: str) -> Path:
    """Save all results; return the folder.

    Args:
        folder: target folder, created if missing; an older policy in it is replaced as a whole.
        trained: the result of `train_on_images`, finished.
        command: the command line that repeats the training.
    """
    config, state = trained.config, trained.state
    beside: list[Callable[[Path], object]] = [
        lambda fresh: save_supernet(fresh, state.supernet, supernet_card(trained)),
    ]
    if state.models:
        beside.append(lambda fresh: save_reward_model(fresh, ensemble(state.models)))
    card = PolicyCard(
        space=config.space,
        rule=config.rule,
        policy=config.policy.policy,
        command=command,
        data=f"shared weights on {trained.data}",
        training={**config.to_dict(), "steps_done": state.step},
        seed=config.seed,
        elapsed_seconds=round(state.elapsed_seconds, 1),
        machine=machine(),
        quality=quality_of(trained),
    )
    return save_whole(folder, state.policy, card, beside)


def supernet_card(trained: ImageTraining) -> SupernetCard:
    """Return the description of the shared weights."""
    config, supernet = trained.config, trained.state.supernet
    return SupernetCard(
        space=config.space,
        network=supernet.config,
        data=config.data,
        data_description=trained.data,
        split_seed=config.policy.inputs.split_seed,
        batch=config.rewards.batch,
        training={**asdict(config.weights), "seed": config.seed, "schedule": config.schedule},
    )


def quality_of(trained: ImageTraining) -> dict[str, Any]:
    """Figures for the card; gains are of shared-weight accuracy, which training from scratch need not confirm."""
    config, state = trained.config, trained.state
    images = config.rewards.measured_images
    quality: dict[str, Any] = {
        "accuracy_kind": "shared-weight",
        "inputs": f"{config.policy.inputs.held_out} held-out random architectures, most probable outputs",
        "images": f"up to {images:,} test images",
        **{name: round(value, 4) for name, value in state.quality.items()},
    }
    if config.schedule == "two-stage":
        quality |= {"rounds": config.rewards.rounds, "rounds_accepted": state.accepted}
    if state.models:
        fitted = ensemble(state.models)
        quality["reward_model"] = {
            "rank_correlation": round(fitted.quality.rank_correlation, 4),
            "mean_absolute_error_points": round(fitted.quality.mean_absolute_error_points, 4),
            "observed": fitted.observed,
        }
    return quality

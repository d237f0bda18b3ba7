"""From a finished training to a folder that others can load: the policy and a card that says how it came about."""

from pathlib import Path
from typing import Any

from nat_core.learning import table
from nat_core.learning.checkpoint import PolicyCard, save_policy
from nat_core.learning.data import objective_of, split_codes
from nat_core.learning.device import machine
from nat_core.learning.evaluation import policy_quality
from nat_core.learning.structure_model import StructureModel, save_structure_model
from nat_core.learning.training import TrainedPolicy


def publish(folder: Path | str, trained: TrainedPolicy, command: str, quality: dict[str, Any] | None = None) -> Path:
    """Saves a trained policy with its card, and the model of accuracies if one rewarded it; returns the folder.

    Args:
        folder: created if need be.
        trained: the result of `train`.
        command: the command line that trains the same policy again.
        quality: measured figures; by default those on NAS-Bench-201's held-out cells where it was trained on its table.
    """
    if isinstance(trained.source, StructureModel):
        Path(folder).mkdir(parents=True, exist_ok=True)
        save_structure_model(Path(folder), trained.source)
    return save_policy(folder, trained.policy, card_of(trained, command, quality))


def card_of(trained: TrainedPolicy, command: str, quality: dict[str, Any] | None = None) -> PolicyCard:
    """The card of a trained policy; see `publish`."""
    config = trained.config
    return PolicyCard(
        space=config.space,
        rule=config.rule,
        policy=config.policy,
        command=command,
        data=trained.source.description,
        training={**config.to_dict(), "steps_done": trained.steps_done},
        seed=config.seed,
        elapsed_seconds=round(trained.elapsed_seconds, 1),
        machine=machine(),
        quality=held_out_quality(trained) if quality is None else quality,
    )


def held_out_quality(trained: TrainedPolicy) -> dict[str, Any]:
    """Figures on the held-out cells of NAS-Bench-201, judged by its table; {} for other spaces."""
    config = trained.config
    if config.space != table.SPACE.name or not config.held_out:
        return {}
    _, inputs = split_codes(config.inputs, config.held_out, config.split_seed)
    scores = objective_of(config)([table.architecture_of_code(code) for code in range(table.SIZE)])
    measured = policy_quality(trained.policy, inputs, scores, config.rule).to_dict()
    return {"inputs": f"{config.held_out} held-out NAS-Bench-201 cells", "score": config.data_set, **measured}

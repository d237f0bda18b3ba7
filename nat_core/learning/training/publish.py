"""Writes a finished training to a folder that others can load: the policy, and a card that says how it was trained."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.accuracies.trainings_model_files import save_trainings_model
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.learning.support.device import machine
from nat_core.learning.training.budget_quality import budget_figures
from nat_core.learning.training.data import inputs_of, objective_of, split_codes
from nat_core.learning.training.evaluation import policy_quality
from nat_core.learning.training.loop import TrainedPolicy
from nat_core.learning.training.policy_folder import save_whole
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model


def publish(folder: Path | str, trained: TrainedPolicy, command: str, quality: dict[str, Any] | None = None) -> Path:
    """Save a trained policy with its card, and the model of accuracies if one rewarded it; return the folder.

    Args:
        folder: target folder, created if missing; an older policy in it is replaced as a whole.
        trained: the result of `train`.
        command: the command line that repeats the training.
        quality: figures of quality; by default measured on held-out inputs by the table or the model that rewarded it.
    """
    model = trained.source if isinstance(trained.source, TrainingsModel) else None
    beside = [partial(save_trainings_model, model=model)] if model is not None else []
    return save_whole(folder, trained.policy, card_of(trained, command, quality), beside)


def card_of(trained: TrainedPolicy, command: str, quality: dict[str, Any] | None = None) -> PolicyCard:
    """The card of a trained policy; see `publish`."""
    config = trained.config
    return PolicyCard(
        space=config.space,
        rule=config.rule,
        policy=config.shape,
        command=command,
        data=trained.source.description,
        training={**config.to_dict(), "steps_done": trained.steps_done},
        seed=config.seed,
        elapsed_seconds=round(trained.elapsed_seconds, 1),
        machine=machine(),
        quality=held_out_quality(trained) if quality is None else quality,
    )


def held_out_quality(trained: TrainedPolicy) -> dict[str, Any]:
    """Figures on held-out inputs, by NAS-Bench-201's table or by a model of trainings; {} for other sources."""
    config = trained.config
    if isinstance(trained.source, TrainingsModel) and config.inputs.held_out:
        return _modelled_quality(trained, trained.source)
    if config.space != table.SPACE.name or not config.inputs.held_out:
        return {}
    _, inputs = split_codes(config.inputs)
    scores = objective_of(config)([table.architecture_of_code(code) for code in range(table.SIZE)])
    measured = policy_quality(trained.policy, inputs, scores, config.rule).to_dict()
    if config.budgets.cost:
        measured["budgets"] = budget_figures(trained.policy, inputs, scores, config.budgets.cost, config.rule)
    return {"inputs": f"{len(inputs)} held-out NAS-Bench-201 cells", "score": config.reward.data_set, **measured}


@torch.inference_mode()
def _modelled_quality(trained: TrainedPolicy, model: TrainingsModel) -> dict[str, Any]:
    """Greedy outputs of the held-out inputs, evaluated by the model that rewarded the policy, and how good that is."""
    config = trained.config
    inputs = inputs_of(config).held_out
    distribution = trained.policy.distribution(inputs, config.target_space, config.rule)
    outputs = distribution.apply(distribution.greedy())
    gains = model.accuracy_percent(outputs) - model.accuracy_percent(inputs)
    cost = cost_model(NETWORKS[config.target_space.network]).cost
    ratios = [cost(new).macs / cost(old).macs for old, new in zip(inputs, outputs, strict=True)]
    return {
        "inputs": f"{len(inputs)} held-out random architectures",
        "score": f"modelled: {model.description}",
        "greedy": {
            "gain": round(float(gains.mean()), 2),
            "worse": round(float((gains < 0).mean()), 3),
            "macs_ratio": round(mean(ratios), 3),
        },
        "model_left_out": {name: round(value, 2) for name, value in asdict(model.left_out).items()},
        "sources": [asdict(source) for source in model.sources],
    }

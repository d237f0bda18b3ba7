"""The phases of a round in the two-stage schedule, for rewards that are dear and noisy.

A policy needs many more rewards than can be measured, so it is trained on a model of them; and it finds the model's
errors, so its own outputs are evaluated in the next round, on other images, and a round counts only
if the true gain on fresh images rises.
"""

from dataclasses import replace

import numpy as np
import torch

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracies.changing import Changing
from nat_core.learning.accuracies.reward_model import fit_reward_model
from nat_core.learning.accuracies.reward_model_files import ensemble
from nat_core.learning.image_training.draws import architecture_at, generator, seed_of
from nat_core.learning.image_training.measures import outputs_of
from nat_core.learning.image_training.plan import Phase, evaluations, inputs_per_chunk
from nat_core.learning.image_training.setting import Setting
from nat_core.learning.image_training.state import ImageState
from nat_core.learning.support.ranks import rank_correlation
from nat_core.learning.training.state import new_state

# Of the first round's architectures, this share are random transformations.
_TRANSFORMED_SHARE = 0.5


def evaluate(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """One chunk of architectures is evaluated on the round's images."""
    number, chunk = phase.round, setting.config.rewards.chunk
    wanted = range(index * chunk, min((index + 1) * chunk, evaluations(setting.config, number)))
    architectures = _candidates(setting, state, number, wanted)
    evaluator = setting.evaluator(("rewards", number), state.supernet, lambda: setting.reward_images(number))
    accuracies = evaluator.accuracy_percent(architectures)
    state.evaluations.add(architectures, accuracies, number)
    return {"evaluated_accuracy_percent": float(accuracies.mean()), "evaluated": float(len(state.evaluations))}


def _candidates(setting: Setting, state: ImageState, number: int, wanted: range) -> list[Architecture]:
    """Return the architectures numbered `wanted` of a round: random ones at first; later the anchors, then policy
    samples.
    """
    config = setting.config
    space, rule, seed = config.target_space, config.rule, config.seed
    if number == 0:
        return [architecture_at(space, rule, _TRANSFORMED_SHARE, seed, "evaluate", i) for i in wanted]
    anchors = config.rewards.anchors
    repeated = state.evaluations.architectures[wanted.start : min(wanted.stop, anchors)]
    if len(repeated) == len(wanted):
        return repeated
    draws = generator(seed, "outputs", number, wanted.start)
    training = setting.inputs.training
    chosen = torch.randint(len(training), (len(wanted) - len(repeated),), generator=draws).tolist()
    policy = state.learner.policy.eval()
    with torch.inference_mode():
        distribution = policy.distribution([training[i] for i in chosen], space, rule)
        return [*repeated, *distribution.apply(distribution.sample(1, draws)[0])]


def fit(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """One member of the ensemble is fitted on everything evaluated so far."""
    config = setting.config
    state.models = [] if index == 0 else state.models
    architectures, accuracies = state.evaluations.comparable(config.rewards.anchors)
    member = replace(config.model, members=1, seed=seed_of(config.model.seed, phase.round, index) % 2**31)
    state.models.append(fit_reward_model(architectures, accuracies, config.target_space, member, setting.policy_device))
    if index + 1 < phase.steps:
        return {}
    quality = ensemble(state.models).quality
    return {
        "reward_model_rank_correlation": quality.rank_correlation,
        "reward_model_error_points": quality.mean_absolute_error_points,
        "reward_model_observed": float(len(architectures)),
    }


def train_on_model(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """One step of REINFORCE on modelled rewards; a round starts from the accepted policy with a new optimiser.

    Predictions depend in their last bits on the batch that they are made in. They are made anew in every step, so that
    a training that was interrupted has the same.
    """
    if index == 0:
        state.learner = new_state(setting.config.recipe, setting.policy_device)
        state.learner.generator = generator(setting.config.seed, "policy", phase.round)
        if state.accepted:
            state.learner.policy.load_state_dict(state.best.state_dict())
    trainer = setting.trainer(("model", phase.round), lambda: Changing(ensemble(state.models)))
    metrics = trainer.step(state.learner)
    state.learner.step += 1
    return {_MODELLED.get(name, name): value for name, value in metrics.items()}


_MODELLED = {name: f"modelled_{name}" for name in ("reward", "gain", "best_sample_gain")}


def check(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """One chunk of inputs with the outputs of the new and of the accepted policy; the last step decides."""
    config, number = setting.config, phase.round
    if index == 0:
        state.rows = []
    size = inputs_per_chunk(config)
    inputs = _checked_inputs(setting, number)[index * size : (index + 1) * size]
    outputs = outputs_of(setting, state.learner.policy, inputs)
    rivals = outputs_of(setting, state.best, inputs) if state.accepted else inputs
    evaluator = setting.evaluator(("checks", number), state.supernet, lambda: setting.check_images(number))
    objective = setting.objective(evaluator)
    before, after, rival = np.split(objective([*inputs, *outputs, *rivals]), 3)
    modelled = setting.objective(ensemble(state.models))(outputs)
    state.rows += np.stack([before, after, rival, modelled], axis=1).tolist()
    return _decide(state) if index + 1 == phase.steps else {}


def _checked_inputs(setting: Setting, number: int) -> list[Architecture]:
    """Other training inputs in every round."""
    training = setting.inputs.training
    draws = generator(setting.config.seed, "checked inputs", number)
    chosen = torch.randint(len(training), (setting.config.rewards.checked,), generator=draws)
    return [training[i] for i in chosen.tolist()]


def _decide(state: ImageState) -> dict[str, float]:
    """Accepts the learner's policy if it gains more than the accepted one, and more than doing nothing."""
    rows, state.rows = np.array(state.rows), []
    before, after, rival, modelled = rows.T
    gain, rival_gain = float((after - before).mean()), float((rival - before).mean())
    accepted = gain > rival_gain
    if accepted:
        state.best.load_state_dict(state.learner.policy.state_dict())
        state.accepted += 1
    return {
        "reward": float(after.mean()),
        "gain": gain,
        "rival_gain": rival_gain,
        "accepted": float(accepted),
        "outputs_rank_correlation": rank_correlation(modelled, after),
        "outputs_bias_points": float((modelled - after).mean()),
    }

"""A kind of run: training a policy from images."""

from collections.abc import Callable
from typing import Any

from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.loop import HEADLINE, train_on_images
from nat_core.learning.image_training.plan import plan_training
from nat_core.learning.image_training.presets import DEFAULT_PRESET, PRESETS, preset
from nat_core.learning.image_training.publish import publish_images
from nat_core.learning.policies.policy import POLICY_CONFIGS
from nat_core.runs.checkpoint_policy import policy_of_checkpoint
from nat_core.runs.kinds import Work
from nat_core.runs.running import RunContext

# Between checkpoints; short runs have some to look at, too.
_SAVE_SECONDS, _SHORT_SAVE_SECONDS, _SHORT_STEPS = 45.0, 4.0, 1000
# What the command line's options mean, besides preset and schedule.
OPTIONS: dict[str, Callable[[ImageTrainingConfig], Any]] = {
    "data": lambda config: config.data,
    "epochs": lambda config: config.weights.epochs,
    "batch": lambda config: config.weights.batch,
    "channels": lambda config: config.channels,
    "layers": lambda config: config.layers,
    "resolution": lambda config: config.resolution,
    "rounds": lambda config: config.rewards.rounds,
    "reward-images": lambda config: config.rewards.images,
    "steps": lambda config: config.policy.steps,
    "cost-weight": lambda config: config.policy.cost_weight,
    "seed": lambda config: config.seed,
    "policy-network": lambda config: next(
        (name for name, shape in POLICY_CONFIGS.items() if shape == config.policy.policy), None
    ),
}


def train_policy(config: ImageTrainingConfig, context: RunContext) -> bool:
    """Trains until finished or asked to stop; what came out is published and stored with the record."""
    save_seconds = _SHORT_SAVE_SECONDS if context.run.steps < _SHORT_STEPS else _SAVE_SECONDS
    trained = train_on_images(config, save_seconds=save_seconds, **context.hooks)
    if not trained.finished:
        return False
    context.publish(lambda folder: publish_images(folder, trained, context.command))
    return True


def arguments(config: ImageTrainingConfig, name: str) -> list[str]:
    """Of the command line that trains the same, as far as it has options for it."""
    name = name if name in PRESETS else DEFAULT_PRESET
    standard = preset(name, config.space)
    found = ["train", "--space", config.space, "--preset", name]
    if config.schedule != standard.schedule:
        found += ["--schedule", config.schedule]
        standard = preset(name, config.space, config.schedule)
    for option, value_of in OPTIONS.items():
        if (value := value_of(config)) != value_of(standard) and value is not None:
            found += [f"--{option}", str(value)]
    return found


WORK = Work(
    config=ImageTrainingConfig,
    do=train_policy,
    steps=lambda config: plan_training(config).steps,
    headline=HEADLINE,
    arguments=arguments,
    policy_of=policy_of_checkpoint,
)

"""A kind of run: training a policy from images."""

from nat_core.learning.forms import command_words
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.loop import HEADLINE, train_on_images
from nat_core.learning.image_training.plan import plan_training
from nat_core.learning.image_training.presets import DEFAULT_PRESET, PRESETS, preset
from nat_core.learning.image_training.publish import publish_images
from nat_core.runs.checkpoint_policy import policy_of_checkpoint
from nat_core.runs.kinds import Work
from nat_core.runs.running import RunContext

# Between checkpoints; short runs have some to look at, too.
_SAVE_SECONDS, _SHORT_SAVE_SECONDS, _SHORT_STEPS = 45.0, 4.0, 1000


def train_policy(config: ImageTrainingConfig, context: RunContext) -> bool:
    """Trains until finished or asked to stop; what came out is published and stored with the record."""
    save_seconds = _SHORT_SAVE_SECONDS if context.run.steps < _SHORT_STEPS else _SAVE_SECONDS
    trained = train_on_images(config, device=context.device, hooks=context.hooks(save_seconds))
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
    return found + command_words(config, standard)


WORK = Work(
    config=ImageTrainingConfig,
    do=train_policy,
    steps=lambda config: plan_training(config).steps,
    headline=HEADLINE,
    arguments=arguments,
    policy_of=policy_of_checkpoint,
)

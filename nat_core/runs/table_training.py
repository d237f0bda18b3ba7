"""A kind of run: training a policy on a benchmark's table."""

from nat_core.learning.forms import command_words
from nat_core.learning.training.config import RECIPES, TrainingConfig
from nat_core.learning.training.loop import Schedule, train
from nat_core.learning.training.publish import publish
from nat_core.runs.checkpoint_policy import policy_of_checkpoint
from nat_core.runs.kinds import Work
from nat_core.runs.running import RunContext
from nat_core.runs.snapshots import KEPT


def train_policy(config: TrainingConfig, context: RunContext) -> bool:
    """Trains until finished or asked to stop; a finished policy is published and stored with the record."""
    schedule = Schedule(save=min(250, max(20, config.steps // KEPT)))
    trained = train(config, device=context.device, hooks=context.hooks(), schedule=schedule)
    if not trained.finished:
        return False
    context.publish(lambda folder: publish(folder, trained, context.command))
    return True


def arguments(config: TrainingConfig, preset: str) -> list[str]:
    """Of the command line that trains the same, as far as it has options for it."""
    standard = RECIPES.get(preset, TrainingConfig)(space=config.space)
    found = ["train", "--space", config.space]
    if preset in RECIPES and preset != "group":
        found += ["--recipe", preset]
    return found + command_words(config, standard)


WORK = Work(
    config=TrainingConfig,
    do=train_policy,
    steps=lambda config: config.steps,
    headline="held_out_gain",
    arguments=arguments,
    policy_of=policy_of_checkpoint,
)

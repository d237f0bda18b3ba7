"""The kinds of training: which options apply in each, what they configure, and what trains and publishes.

What works is loaded only when it is needed, so that options are known at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from nat_core.architecture.spaces import SPACES
from nat_core.learning.image_training import presets as image_presets
from nat_core.learning.image_training.config import IMAGE_SPACES, ImageTrainingConfig
from nat_core.learning.training.config import RECIPES, TABLE, TRAININGS, TrainingConfig
from nat_core.options import Asked, Option, changed, command_words, options_of
from nat_core.specification import OneOf, check, specified

IMAGES = "images"
Options = Mapping[str, Any]
Config = TrainingConfig | ImageTrainingConfig


@specified
class Start:
    """The settings that options start from.

    Attributes:
        preset: preset of a training from images.
        recipe: recipe of a training on a table or a model of trainings.
    """

    preset: Annotated[
        str,
        OneOf(image_presets.PRESETS),
        Asked(help="Images: paper, cpu (hours on a CPU; the default) or smoke.", only=(IMAGES,)),
    ] = image_presets.DEFAULT_PRESET
    recipe: Annotated[
        str,
        Asked(
            help="nasbench201: budgets, latency or group (ours), or authors (the papers'); other spaces: trainings.",
            only=(TABLE, TRAININGS),
        ),
    ] = "group"


# All options of a training, whatever its kind.
OPTIONS: Mapping[str, Option] = MappingProxyType(
    {**options_of(Start), **options_of(ImageTrainingConfig), **options_of(TrainingConfig)}
)


@dataclass(frozen=True)
class Working:
    """The form and the code of one kind of training.

    Attributes:
        check: raises ValueError if a configuration is found faulty before a run is recorded.
        train: trains without recording a run.
        publish: saves the result in a folder.
        told: returns in words what was read for a configuration, and how well it can be predicted.
    """

    check: Callable[[Any], Any]
    train: Callable[..., Any]
    publish: Callable[[Path, Any, str], Path]
    told: Callable[[Any], str] = lambda config: ""


@dataclass(frozen=True)
class Form:
    """One kind of training.

    Attributes:
        rewards: source of the rewards: "table", "trainings" or "images".
        kind: kind of run.
        title: title of the rewards, in words.
        configured: class of its configurations.
        start: returns the configuration of a space and settings, which the other options change.
        preset: returns the name of the settings.
        working: imports and returns the code of this kind of training.
    """

    rewards: str
    kind: str
    title: str
    configured: type
    start: Callable[[str, Start], Any]
    preset: Callable[[Start], str]
    working: Callable[[], Working]

    @property
    def options(self) -> Mapping[str, Option]:
        """Return the options that apply, by name."""
        return {**options_of(Start, self.rewards), **options_of(self.configured, self.rewards)}

    def config(self, space: str, options: Options) -> Any:
        """Return the configuration that options specify. Raises ValueError if a value is out of bounds."""
        return with_options(self.start(space, started(options)), options)

    def accepted(self, options: Options) -> Options:
        """Return the given options. Raises ValueError if one does not apply here."""
        for name in options:
            if name not in self.options:
                known = ", ".join(option.flag for option in self.options.values())
                raise ValueError(f"{OPTIONS[name].flag} does not apply where {self.title}; accepted there: {known}")
        return options


def form_for(space: str, options: Options | None = None) -> Form:
    """Return the form of a space and of the options' recipe, if any. Raises ValueError if the space is unknown."""
    check(Annotated[str, OneOf(SPACES)], space, "space")
    recipe = (options or {}).get("recipe")
    return _FORMS[space] if not recipe else _TRAININGS if recipe == TRAININGS else _TABLE


def started(options: Options) -> Start:
    """Return the settings that options start from. Raises ValueError if they are unknown."""
    return changed(Start(), options)


def rewards_of(config: Config) -> str:
    """Return the source of a configuration's rewards: "table", "trainings" or "images"."""
    return IMAGES if isinstance(config, ImageTrainingConfig) else config.reward.source


def with_options(config: Config, options: Options) -> Config:
    """Return `config` with other options; a schedule or network brings its own. Raises ValueError if one is unfit."""
    if isinstance(config, ImageTrainingConfig):
        config = image_presets.rescheduled(config, options.get("schedule", config.schedule))
        config = image_presets.on_network(config, options.get("network", config.family))
    return changed(config, options, rewards_of(config))


def training_words(config: Config, standard: Config) -> list[str]:
    """Return the command line options that change `standard` into `config`."""
    return command_words(config, standard, rewards_of(config))


def _from_recipe(space: str, start: Start) -> TrainingConfig:
    accepted = [name for name in RECIPES if (name == TRAININGS) == (space in IMAGE_SPACES)]
    if start.recipe not in accepted:
        raise ValueError(f"recipe is {start.recipe!r:.60}; accepted for {space}: {', '.join(accepted)}")
    return replace(RECIPES[start.recipe], space=space)


def _table_working() -> Working:
    from nat_core.learning.training.data import objective_of, read_in_words
    from nat_core.learning.training.loop import train
    from nat_core.learning.training.publish import publish

    return Working(objective_of, train, publish, read_in_words)


def _image_working() -> Working:
    from nat_core.learning.image_training.loop import load_images_of, train_on_images
    from nat_core.learning.image_training.publish import publish_images

    return Working(load_images_of, train_on_images, publish_images)


_TABLE = Form(
    rewards=TABLE,
    kind="train",
    title="rewards come from a table (nasbench201)",
    configured=TrainingConfig,
    start=_from_recipe,
    preset=lambda start: start.recipe,
    working=_table_working,
)
_TRAININGS = replace(
    _TABLE, rewards=TRAININGS, title="rewards come from a model of trainings (--recipe trainings)"
)  # fmt: skip
_IMAGES = Form(
    rewards=IMAGES,
    kind="train-images",
    title=f"rewards come from images ({', '.join(IMAGE_SPACES)})",
    configured=ImageTrainingConfig,
    start=lambda space, start: image_presets.preset(start.preset, space),
    preset=lambda start: start.preset,
    working=_image_working,
)
_FORMS: Mapping[str, Form] = MappingProxyType({"nasbench201": _TABLE, **dict.fromkeys(IMAGE_SPACES, _IMAGES)})

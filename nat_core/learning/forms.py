"""The kinds of training: which options apply in each, what they configure, and what trains and publishes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from nat_core.architecture.spaces import SPACES
from nat_core.learning.image_training import presets as image_presets
from nat_core.learning.image_training.config import IMAGE_SPACES, SCHEDULES, ImageTrainingConfig
from nat_core.learning.image_training.loop import load_images_of, train_on_images
from nat_core.learning.image_training.publish import publish_images
from nat_core.learning.nasbench201.table import DEVICES, SELECTION_SETS
from nat_core.learning.policies.policy import POLICY_CONFIGS, PolicyConfig
from nat_core.learning.training.config import COSTS, RECIPES, TRAININGS, TrainingConfig
from nat_core.learning.training.data import objective_of, read_in_words
from nat_core.learning.training.loop import train
from nat_core.learning.training.publish import publish
from nat_core.options import OPTIONS, Option, differing, options_of

Options = Mapping[str, Any]
Config = TrainingConfig | ImageTrainingConfig
C = TypeVar("C")

# Titles of the accepted values, for options that have few.
CHOICES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "schedule": SCHEDULES,
        "cost": {**dict.fromkeys(COSTS, ""), "macs": "MACs", **DEVICES},
        "budget": {"": "None", "macs": "MACs", "parameters": "Parameters", **DEVICES},
        "data_set": SELECTION_SETS,
        "policy_network": {name: name for name in POLICY_CONFIGS},
    }
)


@dataclass(frozen=True)
class Form:
    """One kind of training.

    Attributes:
        rewards: a member of `KINDS`.
        kind: of run.
        title: of its rewards, in words.
        start: a space and options to the configuration that the other options change.
        preset: the name of the settings that options start from.
        check: raises ValueError for what can be found wrong before a run is recorded.
        train: works without a record.
        publish: saves the result in a folder.
        told: what was read for a configuration, and how well it can be predicted, in words.
    """

    rewards: str
    kind: str
    title: str
    start: Callable[[str, Options], Any]
    preset: Callable[[Options], str]
    check: Callable[[Any], Any]
    train: Callable[..., Any]
    publish: Callable[[Path, Any, str], Path]
    told: Callable[[Any], str] = lambda config: ""

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options that apply."""
        return tuple(option.name for option in options_of(self.rewards))

    def config(self, space: str, options: Options) -> Any:
        """The configuration that options mean. Raises ValueError for values out of bounds."""
        return changed(self.start(space, options), options)

    def accepted(self, options: Options) -> Options:
        """The given options. Raises ValueError for one that does not apply here."""
        for name in options:
            if name not in self.options:
                known = ", ".join(OPTIONS[option].flag for option in self.options)
                raise ValueError(f"{OPTIONS[name].flag} does not apply where {self.title}; accepted there: {known}")
        return options


def form_for(space: str, options: Options | None = None) -> Form:
    """The form of a space, and of a recipe where the options name one. Raises ValueError for an unknown space."""
    if space not in SPACES:
        raise ValueError(f"space is {space!r:.60}; accepted: {', '.join(SPACES)}")
    recipe = (options or {}).get("recipe")
    return _FORMS[space] if not recipe else _TRAININGS if recipe == TRAININGS else _TABLE


def rewards_of(config: Config) -> str:
    """The kind of rewards of a configuration, a member of `KINDS`."""
    if isinstance(config, ImageTrainingConfig):
        return "images"
    return "trainings" if config.data_set == TRAININGS else "table"


def value_of(config: Config, option: Option) -> Any:
    """What a configuration says of an option, as the command line would."""
    return _spoken(option.value_in(config, rewards_of(config)))


def changed(config: Config, options: Options) -> Config:
    """`config` with some options otherwise, everything else as it is. Raises ValueError for values out of bounds."""
    if isinstance(config, ImageTrainingConfig):
        config = image_presets.rescheduled(config, options.get("schedule", config.schedule))
    kind = rewards_of(config)
    fields = {
        path: _plain(name, value)
        for name, value in options.items()
        if name != "schedule"
        for path in OPTIONS[name].where[kind].split()
    }
    return _replaced(config, fields)


def command_words(config: Config, standard: Config) -> list[str]:
    """The options of a command line that make `config` of `standard`."""
    return [
        word
        for option, value in differing(config, standard, rewards_of(config))
        for item in (value if isinstance(value, tuple) else (value,))
        if (shown := _spoken(item)) is not None
        for word in (option.flag, str(shown))
    ]


def _replaced(config: C, fields: Mapping[str, Any]) -> C:
    """A dataclass with fields set, those of dataclasses within it by dotted names; each is made anew only once."""
    own = {name: value for name, value in fields.items() if "." not in name}
    heads = {name.partition(".")[0] for name in fields if "." in name}
    for head in heads:
        inner = {name.partition(".")[2]: value for name, value in fields.items() if name.startswith(f"{head}.")}
        own[head] = _replaced(getattr(config, head), inner)
    return replace(config, **own) if own else config  # type: ignore[type-var]


def _plain(name: str, value: Any) -> Any:
    """An option's value as its configuration holds it."""
    if name == "policy_network":
        if value not in POLICY_CONFIGS:
            raise ValueError(f"unknown policy network {value!r:.60}; accepted: {', '.join(POLICY_CONFIGS)}")
        return POLICY_CONFIGS[value]
    return tuple(str(Path(path).resolve()) for path in value) if name == "trainings" else value


def _spoken(value: Any) -> Any:
    """A configuration's value as an option's; None for a policy network that has no name."""
    if isinstance(value, PolicyConfig):
        return next((name for name, shape in POLICY_CONFIGS.items() if shape == value), None)
    return value


def _from_recipe(space: str, options: Options) -> TrainingConfig:
    recipe = options.get("recipe", "group")
    accepted = [name for name in RECIPES if (name == TRAININGS) == (space in IMAGE_SPACES)]
    if recipe not in accepted:
        raise ValueError(f"recipe is {recipe!r:.60}; accepted for {space}: {', '.join(accepted)}")
    return RECIPES[recipe](space=space)


def _from_preset(space: str, options: Options) -> ImageTrainingConfig:
    return image_presets.preset(options.get("preset", image_presets.DEFAULT_PRESET), space)


_TABLE = Form(
    rewards="table",
    kind="train",
    title="rewards come from a table (nasbench201)",
    start=_from_recipe,
    preset=lambda options: options.get("recipe") or "group",
    check=objective_of,
    train=train,
    publish=publish,
)
_TRAININGS = replace(
    _TABLE,
    rewards="trainings",
    title="rewards come from a model of trainings (--recipe trainings)",
    told=read_in_words,
)
_IMAGES = Form(
    rewards="images",
    kind="train-images",
    title=f"rewards come from images ({', '.join(IMAGE_SPACES)})",
    start=_from_preset,
    preset=lambda options: options.get("preset") or image_presets.DEFAULT_PRESET,
    check=load_images_of,
    train=train_on_images,
    publish=publish_images,
)
_FORMS: Mapping[str, Form] = MappingProxyType({"nasbench201": _TABLE, **dict.fromkeys(IMAGE_SPACES, _IMAGES)})

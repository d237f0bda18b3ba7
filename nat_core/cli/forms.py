"""What `train` means in each space: which options apply, and what they configure, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nat_core.architecture.spaces import SPACES
from nat_core.learning.image_training import presets as image_presets
from nat_core.learning.image_training.config import IMAGE_SPACES, ImageTrainingConfig
from nat_core.learning.image_training.loop import load_images_of, train_on_images
from nat_core.learning.image_training.publish import publish_images
from nat_core.learning.policies.policy import POLICY_CONFIGS, PolicyConfig
from nat_core.learning.training.config import RECIPES, TRAININGS, TrainingConfig
from nat_core.learning.training.data import objective_of, read_in_words
from nat_core.learning.training.loop import train
from nat_core.learning.training.publish import publish

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """One meaning of `train`.

    Attributes:
        kind: of run.
        title: of its rewards, in words.
        options: names of those that apply.
        config: a space and options to a configuration.
        preset: the name of the settings that options start from.
        check: raises ValueError for what can be found wrong before a run is recorded.
        train: works without a record.
        publish: saves the result in a folder.
        told: what was read for a configuration, and how well it can be predicted, in words.
    """

    kind: str
    title: str
    options: tuple[str, ...]
    config: Callable[[str, Options], Any]
    preset: Callable[[Options], str]
    check: Callable[[Any], Any]
    train: Callable[..., Any]
    publish: Callable[[Path, Any, str], Path]
    told: Callable[[Any], str] = lambda config: ""

    def accepted(self, options: Options) -> Options:
        """The given options. Raises ValueError for one that does not apply here."""
        for name in options:
            if name not in self.options:
                known = ", ".join(_flag(option) for option in self.options)
                raise ValueError(f"{_flag(name)} does not apply where {self.title}; accepted there: {known}")
        return options


def form_for(space: str, options: Options | None = None) -> Form:
    """The form of a space, and of a recipe where the options name one. Raises ValueError for an unknown space."""
    if space not in SPACES:
        raise ValueError(f"space is {space!r:.60}; accepted: {', '.join(SPACES)}")
    recipe = (options or {}).get("recipe")
    return _FORMS[space] if not recipe else _TRAININGS if recipe == TRAININGS else _TABLE


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _policy(name: str) -> PolicyConfig:
    if name not in POLICY_CONFIGS:
        raise ValueError(f"unknown policy network {name!r:.60}; accepted: {', '.join(POLICY_CONFIGS)}")
    return POLICY_CONFIGS[name]


def _shaped(options: Options) -> dict[str, Any]:
    """Options with the policy's shape instead of its name."""
    shaped = {name: value for name, value in options.items() if name != "policy_network"}
    return shaped | ({"policy": _policy(options["policy_network"])} if "policy_network" in options else {})


def _from_table(space: str, options: Options) -> TrainingConfig:
    changes = _shaped(options)
    recipe = changes.pop("recipe", "group")
    accepted = [name for name in RECIPES if (name == TRAININGS) == (space in IMAGE_SPACES)]
    if recipe not in accepted:
        raise ValueError(f"recipe is {recipe!r:.60}; accepted for {space}: {', '.join(accepted)}")
    files = tuple(str(path.resolve()) for path in changes.pop("trainings", ()))
    return RECIPES[recipe](space=space, **changes, **({"trainings": files} if files else {}))


def _from_images(space: str, options: Options) -> ImageTrainingConfig:
    changes = _shaped(options)
    name = changes.pop("preset", image_presets.DEFAULT_PRESET)
    return image_presets.adjusted(image_presets.preset(name, space, changes.pop("schedule", None)), **changes)


def changed(config: TrainingConfig | ImageTrainingConfig, options: Options) -> TrainingConfig | ImageTrainingConfig:
    """`config` with some options otherwise, everything else as it is. Raises ValueError for values out of bounds."""
    changes = _shaped(options)
    if isinstance(config, TrainingConfig):
        return replace(config, **changes)
    config = image_presets.rescheduled(config, changes.pop("schedule", config.schedule))
    return image_presets.adjusted(config, **changes)


_TABLE = Form(
    kind="train",
    title="rewards come from a table (nasbench201)",
    options=("recipe", "policy_network", "steps", "seed", "data_set", "cost", "cost_weight"),
    config=_from_table,
    preset=lambda options: options.get("recipe") or "group",
    check=objective_of,
    train=train,
    publish=publish,
)
_TRAININGS = replace(
    _TABLE,
    title="rewards come from a model of trainings (--recipe trainings)",
    options=(
        "recipe", "policy_network", "steps", "seed", "trainings", "cost_weight", "change_weight", "caution",
        "searched_share",
    ),
    told=read_in_words,
)  # fmt: skip
_IMAGES = Form(
    kind="train-images",
    title=f"rewards come from images ({', '.join(IMAGE_SPACES)})",
    options=(
        "preset", "schedule", "data", "epochs", "batch", "channels", "layers", "resolution", "rounds", "reward_images",
        "policy_network", "steps", "seed", "cost_weight",
    ),
    config=_from_images,
    preset=lambda options: options.get("preset") or image_presets.DEFAULT_PRESET,
    check=load_images_of,
    train=train_on_images,
    publish=publish_images,
)  # fmt: skip
_FORMS: Mapping[str, Form] = MappingProxyType({"nasbench201": _TABLE, **dict.fromkeys(IMAGE_SPACES, _IMAGES)})

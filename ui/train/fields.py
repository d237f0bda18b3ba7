"""What the form asks for, as data: the options of the command `train`, their labels, and where runs start from."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nat_core.learning.image_training.config import SCHEDULES, ImageTrainingConfig
from nat_core.learning.nasbench201.table import DEVICES, SELECTION_SETS
from nat_core.learning.policies.policy import POLICY_CONFIGS
from nat_core.learning.training.config import COSTS, TrainingConfig
from nat_core.runs.training import IMAGE_OPTIONS


def whole(text: str) -> int:
    """Raises ValueError for what is no whole number."""
    try:
        return int(text.replace(",", "").strip())
    except ValueError:
        raise ValueError(f"{text.strip()[:20]!r} is not a whole number") from None


def decimal(text: str) -> float:
    """Raises ValueError for what is no finite number."""
    try:
        value = float(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()[:20]!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text.strip()[:20]!r} is not a finite number")
    return value


@dataclass(frozen=True)
class Field:
    """One input of the form.

    Attributes:
        option: of the command, with underscores.
        label, help: for people.
        parse: from text; raises ValueError.
        choices: titles of the accepted values by value; None for free text.
        main: whether it stands before "Advanced".
    """

    option: str
    label: str
    help: str
    parse: Callable[[str], Any] = str.strip
    choices: Mapping[str, str] | None = None
    main: bool = False


FIELDS = (
    Field("data", "Images", "A name on the Hugging Face hub, parquet files, an image folder, or sample.", main=True),
    Field("epochs", "Epochs", "Of the shared weights.", whole, main=True),
    Field("steps", "Policy steps", "Gradient steps of the policy; from images, per epoch or round.", whole, main=True),
    Field("seed", "Seed", "Of weights, batches and draws.", whole, main=True),
    Field("schedule", "Schedule", "How shared weights and policy take turns.", choices=SCHEDULES),
    Field("rounds", "Rounds", "Of the two-stage schedule.", whole),
    Field("batch", "Images per step", "Batch of the shared weights' steps and of evaluations.", whole),
    Field("channels", "Channels", "C, initial channels of the network of shared weights; even.", whole),
    Field("layers", "Layers", "L, searched cells of the network of shared weights.", whole),
    Field("resolution", "Resolution, pixels", "Side of the images.", whole),
    Field("reward_images", "Images per reward", "On which an architecture is evaluated.", whole),
    Field("cost_weight", "Cost weight λ", "Points of accuracy ÷ 100 given up for the heaviest cell's cost.", decimal),
    Field("change_weight", "Change weight", "Points of accuracy that changing an edge must be worth.", decimal),
    Field("caution", "Caution", "Standard errors of what is gained over a plain rule that are deducted.", decimal),
    Field("searched_share", "Searched share", "Of the inputs, for which search shows the policy an output.", decimal),
    Field("cost", "Cost", "What λ weighs.", choices={**dict.fromkeys(COSTS, ""), "macs": "MACs", **DEVICES}),
    Field("data_set", "Rewards from", "Column of the benchmark.", choices=SELECTION_SETS),
    Field("policy_network", "Policy network", "edge is ours, gcn the papers'.",
          choices={name: name for name in POLICY_CONFIGS}),
)  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """Where a form starts from: its name for people, what it is for, the options that it stands for."""

    title: str
    help: str
    options: Mapping[str, Any]


_IMAGES = {
    "trainings": Preset(
        "Trainings",
        "Rewarded by a model of shipped trainings from scratch; about twenty minutes on one core.",
        {"recipe": "trainings"},
    ),
    "smoke": Preset("Smoke", "Built-in sample, under a minute: shows that everything works.", {"preset": "smoke"}),
    "cpu": Preset("CPU", "About two hours on two cores.", {"preset": "cpu"}),
    "paper": Preset("Paper", "The papers' settings: days on a GPU.", {"preset": "paper"}),
}
_TABLE = {
    "smoke": Preset("Smoke", "A hundred steps: shows that everything works.", {"recipe": "group", "steps": 100}),
    "cpu": Preset("CPU", "Our recipe: about a minute on one core.", {"recipe": "group"}),
    "paper": Preset("Paper", "The recipe and the network of the papers' code.", {"recipe": "authors"}),
}
PRESETS: Mapping[str, Mapping[str, Preset]] = MappingProxyType(
    {"fully_concat": _IMAGES, "loose_end": _IMAGES, "nasbench201": _TABLE}
)


def value_of(config: TrainingConfig | ImageTrainingConfig, option: str) -> Any:
    """What a configuration says about an option."""
    if isinstance(config, ImageTrainingConfig):
        if option == "schedule":
            return config.schedule
        return IMAGE_OPTIONS[option.replace("_", "-")](config)
    if option == "policy_network":
        return next((name for name, shape in POLICY_CONFIGS.items() if shape == config.policy), None)
    return getattr(config, option)

"""What the form asks for: the options of the command `train` that have a field, and where runs start from."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nat_core.learning.forms import OPTIONS

FIELDS = tuple(option for option in OPTIONS.values() if option.label)


@dataclass(frozen=True)
class Preset:
    """Where a form starts from: its name for people, what it is for, the options that it stands for."""

    title: str
    help: str
    options: Mapping[str, Any]


_IMAGES = {
    "trainings": Preset(
        "Trainings",
        "Rewarded by a model of really trained cells, the shipped one or of your own; minutes on one core.",
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


def text_of(value: Any) -> str:
    """The shortest text that is read back as exactly `value`."""
    if value is None:
        return ""
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)

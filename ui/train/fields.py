"""The form's fields, options of the command `train`, and its presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nat_core.learning.forms import OPTIONS

FIELDS = tuple(option for option in OPTIONS.values() if option.label)
# Shown first if a recipe has budgets.
BUDGET_FIELDS = ("budget", "smallest_budget")


@dataclass(frozen=True)
class Preset:
    """A preset: its title, its purpose, and the options that it sets."""

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
    "cpu": Preset(
        "All budgets",
        "The recipe of the policy that ships: one policy for all budgets, in minutes on one core.",
        {"recipe": "budgets"},
    ),
    "group": Preset("No budget", "The policy is told no budget; about a minute on one core.", {"recipe": "group"}),
    "smoke": Preset("Smoke", "A hundred steps: shows that everything works.", {"recipe": "budgets", "steps": 100}),
    "paper": Preset("Paper", "The recipe and the network of the papers' code.", {"recipe": "authors"}),
}
# The first preset of each space is that of the shipped policy.
PRESETS: Mapping[str, Mapping[str, Preset]] = MappingProxyType(
    {"fully_concat": _IMAGES, "loose_end": _IMAGES, "nasbench201": _TABLE}
)


def text_of(value: Any) -> str:
    """Return the shortest text that parses to exactly `value`."""
    if value is None:
        return ""
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)

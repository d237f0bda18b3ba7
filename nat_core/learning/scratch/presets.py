"""Named budgets for training from scratch.

Sources: DARTS (arXiv 1806.09055), sections 3.2 and 3.4, for cells of two inputs; NAS-Bench-201 (arXiv 2001.00326),
table 1, for its own. The small ones are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nat_core.architecture.cell import Architecture
from nat_core.learning.images.defaults import SAMPLE
from nat_core.learning.images.names import NAMED
from nat_core.learning.scratch.config import Budget, EvaluationConfig, NamedArchitecture
from nat_core.network.config import FAMILIES, usual_network
from nat_core.options import changed


@dataclass(frozen=True)
class Preset:
    """A named budget.

    Attributes:
        title: name shown to people.
        common: fields of the budget.
        families: further fields per family of networks.
    """

    title: str
    common: Mapping[str, Any]
    families: Mapping[str, Mapping[str, Any]]

    def budget(self, family: str, **changes: Any) -> Budget:
        """Return the budget for networks of `family`. Raises ValueError if there are no settings for it."""
        if family not in self.families:
            raise ValueError(f"no settings for the network {family!r}; accepted: {', '.join(self.families)}")
        return Budget(**{"family": family, **self.common, **self.families[family], **changes})


DEFAULT_PRESET = "short"
# Without what pays in long trainings only.
_PLAIN = {"auxiliary": False, "auxiliary_weight": 0.0, "drop_path": 0.0, "cutout": 0}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper": Preset(
            "as published: DARTS' recipe, or NAS-Bench-201's for its cells; for a graphics card",
            {},
            {
                "cifar": {},  # a budget's defaults
                "nasbench201": _PLAIN
                | {"channels": 16, "layers": 15, "epochs": 200, "batch": 256, "learning_rate": 0.1}
                | {"nesterov": True, "weight_decay": 5e-4, "gradient_clip": 0.0},
            },
        ),
        "imagenet": Preset(
            "DARTS' recipe for ImageNet: the mobile setting, 250 epochs at 224×224; for graphics cards",
            {"data": "imagenet", "images": "auto", "resolution": 224, "crop": "resized", "jitter": True, "cutout": 0}
            | {"padding": 0, "epochs": 250, "batch": 128, "learning_rate": 0.1, "decay": "exponential"}
            | {"weight_decay": 3e-5, "label_smoothing": 0.1, "drop_path": 0.0, "most_broken": 50},
            {"imagenet": {"channels": 48, "layers": 14}},
        ),
        "short": Preset(
            "a small network at half the resolution for a few epochs; minutes on a CPU",
            _PLAIN | {"stem_stride": 2, "epochs": 8, "batch": 128} | {"learning_rate": 0.1, "warmup_epochs": 0.5},
            {"cifar": {"channels": 8, "layers": 5}, "nasbench201": {"channels": 8, "layers": 6}},
        ),
        "smoke": Preset(
            "a tiny network on the built-in sample; seconds, to see that it works",
            _PLAIN
            | {"data": SAMPLE, "stem_stride": 2, "epochs": 3, "batch": 50}
            | {"learning_rate": 0.1, "warmup_epochs": 0.5},
            {"cifar": {"channels": 4, "layers": 3}, "nasbench201": {"channels": 4, "layers": 3}},
        ),
    }
)


def evaluation(architectures: Sequence[NamedArchitecture], options: Mapping[str, Any]) -> EvaluationConfig:
    """Return the queue of trainings that options specify; without a preset it starts from the default one.

    Data that are known by name bring their resolution, unless the preset or an option says another.

    Raises:
        ValueError: the preset is unknown, architectures fit no network, or a value is out of bounds.
    """
    preset = options.get("preset", DEFAULT_PRESET)
    start = EvaluationConfig(tuple(architectures), preset_budget(preset, architectures[0].architecture), preset=preset)
    if "resolution" not in PRESETS[preset].common and (named := NAMED.get(options.get("data", ""))):
        options = {"resolution": named.resolution, **options}
    return changed(start, options)


def preset_budget(preset: str, architecture: Architecture, **changes: Any) -> Budget:
    """Return the budget of `preset` for the network to which `architecture` belongs, with some fields changed.

    Raises:
        ValueError: the preset is unknown, the architecture fits no network, or a value is out of bounds.
    """
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset[:40]!r}; accepted: {', '.join(PRESETS)}")
    chosen = PRESETS[preset]
    usual = usual_network(architecture).family
    fitting = [name for name in chosen.families if FAMILIES[name].fits(architecture)]
    family = usual if usual in chosen.families or not fitting else fitting[0]
    return chosen.budget(family, **changes)

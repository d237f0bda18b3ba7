"""Settings to start from when a policy is trained from images, as data."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from nat_core.learning.accuracies.reward_model_config import RewardModelConfig
from nat_core.learning.image_training.config import (
    FAMILIES_OF_IMAGES,
    ImageTrainingConfig,
    RewardsConfig,
    WeightsConfig,
)
from nat_core.learning.policies.config import POLICY_CONFIGS
from nat_core.learning.training.config import (
    AUTHORS_OPTIMIZER,
    AUTHORS_REINFORCE,
    AdamConfig,
    InputsConfig,
    ReinforceConfig,
    TrainingConfig,
)
from nat_core.network.config import NETWORKS

# What a schedule makes of the policy's recipe. The papers' code: one sample against a moving average.
_AUTHORS: Mapping[str, Any] = {
    "batch": 1, "samples": 1, "optimizer": AUTHORS_OPTIMIZER, "reinforce": AUTHORS_REINFORCE
}  # fmt: skip
# Modelled rewards are free but wrong: many of them, against an input's other samples, and not too greedy.
_MODELLED: Mapping[str, Any] = {
    "batch": 64, "samples": 8, "optimizer": AdamConfig(learning_rate=1e-3, warmup_steps=20),
    "reinforce": ReinforceConfig(entropy_end=0.003),
}  # fmt: skip
RECIPES: Mapping[str, Mapping[str, Any]] = MappingProxyType({"alternate": _AUTHORS, "two-stage": _MODELLED})


def _paper(space: str) -> ImageTrainingConfig:
    """NAT's and NAT++'s code: arXiv 1910.14488, section 4, and its published hyper-parameters.

    20,000 images for the weights and 25,000 for the policy make 312 and 390 batches of 64 (the authors divide 40 : 60;
    here a tenth is kept to choose among candidates).
    """
    return ImageTrainingConfig(
        policy=TrainingConfig(
            space=space, policy=POLICY_CONFIGS["gcn"], steps=390, inputs=InputsConfig(held_out=16), **_AUTHORS
        ),
        schedule="alternate",
        channels=20,
        layers=8,
        stem_stride=1,
        weights=WeightsConfig(
            epochs=200, steps=312, batch=64, learning_rate=0.01, classifier_rate=1.0, decay=False, transformed_share=0.0
        ),
        rewards=RewardsConfig(images=64, batch=64, measured_images=500),
    )


def _cpu(space: str) -> ImageTrainingConfig:
    """About two hours on two cores."""
    return ImageTrainingConfig(
        policy=TrainingConfig(space=space, steps=300, inputs=InputsConfig(training=4000, held_out=64), **_MODELLED),
        model=RewardModelConfig(members=3, combine="min"),
    )


def _smoke(space: str) -> ImageTrainingConfig:
    """A complete training in under a minute, to check that everything works; its policy is only a demonstration."""
    return ImageTrainingConfig(
        policy=TrainingConfig(
            space=space, steps=25, inputs=InputsConfig(training=256, held_out=12), **{**_MODELLED, "batch": 16}
        ),
        data="sample",
        channels=4,
        layers=3,
        resolution=16,
        stem_stride=1,
        weights=WeightsConfig(epochs=6, steps=25, batch=64, learning_rate=0.15),
        rewards=RewardsConfig(
            images=128, chunk=16, measured_images=128, measure_every=3, rounds=2, evaluated=64, added=24, anchors=8,
            checked=12,
        ),
        model=RewardModelConfig(members=2, width=32, layers=2, steps=60, batch=64),
    )  # fmt: skip


PRESETS: Mapping[str, Callable[[str], ImageTrainingConfig]] = MappingProxyType(
    {"paper": _paper, "cpu": _cpu, "smoke": _smoke}
)
DEFAULT_PRESET = "cpu"


def preset(name: str, space: str, schedule: str | None = None) -> ImageTrainingConfig:
    """Return the settings called `name` for a space; another schedule brings its own recipe for the policy.

    Raises:
        ValueError: the settings, the space or the schedule is unknown.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name[:40]!r}; accepted: {', '.join(PRESETS)}")
    config = PRESETS[name](space)
    return config if schedule is None else rescheduled(config, schedule)


def on_network(config: ImageTrainingConfig, family: str) -> ImageTrainingConfig:
    """Return the same settings on another network, with image sizes for which its cells see as many pixels as before.

    Raises:
        ValueError: there is no such network for images.
    """
    if family == config.family:
        return config
    if family not in FAMILIES_OF_IMAGES:
        raise ValueError(f"network is {family!r:.60}; accepted: {', '.join(FAMILIES_OF_IMAGES)}")
    published = NETWORKS[family].resolution
    if family == "imagenet":  # whose stem leaves an eighth of the resolution
        resolution = min(published, config.resolution * 8 // config.stem_stride)
        return replace(config, family=family, resolution=resolution)
    return replace(config, family=family, resolution=published)


def rescheduled(config: ImageTrainingConfig, schedule: str) -> ImageTrainingConfig:
    """Return the same settings with another schedule. Raises ValueError if it is unknown."""
    if schedule == config.schedule:
        return config
    if schedule not in RECIPES:
        raise ValueError(f"unknown schedule {schedule[:40]!r}; accepted: {', '.join(RECIPES)}")
    return replace(config, schedule=schedule, policy=replace(config.policy, **RECIPES[schedule]))

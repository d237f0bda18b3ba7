"""Trainings from images that take seconds: 2,500 images of 8×8 pixels, 4 channels, 3 cells."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from nat_core.learning.image_training.config import ImageTrainingConfig, RewardsConfig, WeightsConfig
from nat_core.learning.image_training.presets import preset
from nat_core.learning.images.images import ImageData, load_images
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.training.config import InputsConfig
from nat_core.options import with_fields

SCHEDULES = ("alternate", "two-stage")


@cache
def tiny_images() -> ImageData:
    return load_images("sample", resolution=8)


def tiny(
    space: str = "fully_concat", schedule: str = "two-stage", policy: Mapping[str, Any] | None = None
) -> ImageTrainingConfig:
    """A whole training of about 30 steps."""
    config = preset("smoke", space, schedule)
    shape = PolicyConfig(width=8, layers=1, embedding=4, key=8)
    return replace(
        config,
        policy=with_fields(replace(config.policy, policy=shape, steps=4, inputs=InputsConfig(20, 3)), policy or {}),
        channels=4,
        resolution=8,
        weights=WeightsConfig(epochs=2, steps=4, batch=16, cutout=4),
        rewards=RewardsConfig(images=32, batch=16, chunk=10, measured_images=32, rounds=2, evaluated=24, added=6,
                              anchors=4, checked=4, measure_every=2),
        model=replace(config.model, members=2, width=8, layers=1, embedding=4, steps=3, batch=8),
    )  # fmt: skip

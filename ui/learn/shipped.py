"""The policy for NAS-Bench-201 that ships with the project: its card, its curve, its probabilities."""

from functools import lru_cache

import numpy as np
import torch

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.curve import TrainingCurve, load_curve
from nat_core.paths import PRETRAINED
from ui.view import BENCHMARK_CELL


def _loaded() -> tuple[Policy, PolicyCard]:
    """Load the policy and its card. Raises ValueError if they are missing or broken."""
    return catalogue.load_for(PRETRAINED, notation.parse(BENCHMARK_CELL))


def card() -> PolicyCard:
    """Return the policy's card. Raises ValueError like `log_probabilities`."""
    return _loaded()[1]


def curve() -> TrainingCurve | None:
    """Return the recorded training curve, if any. Raises ValueError if a file is broken."""
    folder = card().folder
    return load_curve(folder) if folder else None


def rounds_of_policy() -> int:
    """Return the policy's rounds of message passing. Raises ValueError like `log_probabilities`."""
    return card().policy.layers


def log_probabilities(architecture: Architecture, share: float = 1.0) -> np.ndarray:
    """Return log-probabilities [edges, operations] for a NAS-Bench-201 cell within a share of its own cost.

    Raises ValueError if the policy is missing or broken.
    """
    policy, item = _loaded()
    return _log_probabilities(policy, item.target_space, architecture, share if policy.config.budget else 1.0)


@lru_cache(maxsize=512)
def _log_probabilities(policy: Policy, space: Space, architecture: Architecture, share: float) -> np.ndarray:
    with torch.inference_mode():
        return policy.distribution([architecture], space, budgets=[share]).rows().double().cpu().numpy()

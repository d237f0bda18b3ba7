"""Outputs of the shipped policies, each computed once per value."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.budget_quality import hypervolume
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.paths import PRETRAINED
from nat_core.tradeoff import FINE_SHARES, Front, front
from nat_core.transformation import Options, Transformation, transform

Costs = NDArray[np.float64]
# Selection of the output: as on Transform, the most probable one, or the most accurate of the n most probable ones.
FIRST = 0
CHOICES = {FIRST: "As on Transform", 1: "Greedy", 10: "Best of 10", 100: "Best of 100"}


def shipped() -> Mapping[str, PolicyCard]:
    """Return the shipped policies' cards; this reads files, so call it once per run of a page."""
    return catalogue.cards(PRETRAINED)


def policy_name(architecture: Architecture, cards: Mapping[str, PolicyCard]) -> str | None:
    """Return the first policy that fits, or None."""
    fitting = (name for name, card in cards.items() if card.target_space.mismatch(architecture) is None)
    return next(fitting, None)


def benchmark_card() -> PolicyCard:
    """Return the card of the policy for NAS-Bench-201. Raises ValueError if it is missing or broken."""
    return catalogue.load_for(PRETRAINED, table.architecture_of_code(0))[1]


def output_code(code: int, candidates: int) -> int:
    """Return the code of the NAS-Bench-201 policy's output for a cell.

    Args:
        code: the input's code.
        candidates: `FIRST` for the output that Transform shows first, 1 for the most probable output; more select the
            most accurate of them on the policy's dataset.

    Raises:
        ValueError: the policy for NAS-Bench-201 is missing or broken.
    """
    architecture = table.architecture_of_code(code)
    policy, card = catalogue.load_for(PRETRAINED, architecture)
    source = None if candidates == 1 else table.TabularAccuracy(card.data_set)
    own = cost_model(NETWORKS[card.target_space.network]).cost(architecture).macs
    options = Options(candidates, max_macs=own, shares=(1.0,)) if candidates else Options()
    outcome = _transformed(architecture, policy, card.target_space, source, options)
    return int(table.codes([outcome.output.architecture])[0])


def output(architecture: Architecture, policy_name: str) -> Architecture:
    """Return the output that Transform shows first. Raises ValueError if the policy does not fit or is broken."""
    policy, card = catalogue.load_for(PRETRAINED, architecture, policy_name)
    source = catalogue.accuracy_source(card, architecture, download=False)
    return _transformed(architecture, policy, card.target_space, source, Options()).output.architecture


def front_codes(code: int, cost: str) -> list[int]:
    """Return the codes of the NAS-Bench-201 policy's front for a cell, by increasing cost.

    Args:
        code: the input's code.
        cost: "macs", "parameters" or a device.

    Raises:
        ValueError: the policy for NAS-Bench-201 is missing or broken.
    """
    architecture = table.architecture_of_code(code)
    policy, card = catalogue.load_for(PRETRAINED, architecture)
    return list(_front_codes(architecture, policy, card.target_space, table.TabularAccuracy(card.data_set), cost))


@lru_cache(maxsize=256)
def fine_front(architecture: Architecture, policy: Policy, space: Space, source: AccuracySource) -> Front:
    """Return a policy's front in small steps of the budget. Raises ValueError if the architecture does not fit."""
    (found,) = front([architecture], policy, space, source, FINE_SHARES)
    return found


@lru_cache(maxsize=512)
def _front_codes(architecture, policy, space, source, cost) -> tuple[int, ...]:
    (found,) = front([architecture], policy, space, source, FINE_SHARES, cost=cost)
    return tuple(table.codes([point.candidate.architecture for point in found.points]).tolist())


def recovered_area(code: int, own: Sequence[int], best: Sequence[int], costs: Costs, accuracies: Costs) -> float | None:
    """Return a front's hypervolume relative to the oracle front's, above the input's accuracy.

    Args:
        code: the input's code.
        own, best: codes on the front and on the oracle's.
        costs, accuracies: costs and accuracies in code order, [15625].

    Returns:
        None if no gain is possible within the input's cost.
    """
    own_area, best_area = (
        float(hypervolume(costs[[codes]] / costs[code], accuracies[[codes]] - accuracies[code], FINE_SHARES)[0])
        for codes in (list(own), list(best))
    )
    return own_area / best_area if best_area > 0 else None


@lru_cache(maxsize=512)
def _transformed(architecture, policy, space, source, options) -> Transformation:
    return transform(architecture, policy, space, source, options)

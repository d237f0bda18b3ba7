"""What shipped policies make of an architecture, once per value."""

from collections.abc import Mapping
from functools import lru_cache

from nat_core import PRETRAINED
from nat_core.architecture.cell import Architecture
from nat_core.front import SHARES
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.transform import Options, Transformation, transform

# How an output is chosen: the most probable one, or the most accurate of the n most probable ones.
CHOICES = {1: "Greedy", 10: "Best of 10", 100: "Best of 100"}


def shipped() -> Mapping[str, PolicyCard]:
    """The cards of the policies that ship; files are read, so ask once per run of a page."""
    return catalogue.cards(PRETRAINED)


def policy_name(architecture: Architecture, cards: Mapping[str, PolicyCard]) -> str | None:
    """The first of the policies that fits, or None."""
    fitting = (name for name, card in cards.items() if card.target_space.mismatch(architecture) is None)
    return next(fitting, None)


def benchmark_card() -> PolicyCard:
    """The card of the policy for NAS-Bench-201. Raises ValueError: there is none, or it is broken."""
    return catalogue.load_for(PRETRAINED, table.architecture_of_code(0))[1]


def output_code(code: int, candidates: int) -> int:
    """The code of what the NAS-Bench-201 policy makes of a cell.

    Args:
        code: of the input.
        candidates: 1 takes the most probable output unseen; more let the policy's data set choose among them.

    Raises:
        ValueError: no policy for NAS-Bench-201 is there, or it is broken.
    """
    architecture = table.architecture_of_code(code)
    policy, card = catalogue.load_for(PRETRAINED, architecture)
    source = None if candidates == 1 else table.TabularAccuracy(card.data_set)
    options = Options(samples=candidates)
    outcome = _transformed(architecture, policy, card.target_space, source, options)
    return int(table.codes([outcome.output.architecture])[0])


def output(architecture: Architecture, policy_name: str) -> Architecture:
    """What the Transform page shows first. Raises ValueError: the policy does not fit or is broken."""
    policy, card = catalogue.load_for(PRETRAINED, architecture, policy_name)
    source = catalogue.accuracy_source(card, architecture, download=False)
    options = Options(shares=SHARES)
    return _transformed(architecture, policy, card.target_space, source, options).output.architecture


@lru_cache(maxsize=512)
def _transformed(architecture, policy, space, source, options) -> Transformation:
    return transform(architecture, policy, space, source, options)

"""What shipped policies make of an architecture, once per value."""

from functools import lru_cache

from nat_core.architecture.cell import Architecture
from nat_core.learning import catalogue, table
from nat_core.transform import Options, Transformation, transform
from ui.compute import PRETRAINED

# How an output is chosen: the most probable one, or the most accurate of the n most probable ones.
CHOICES = {1: "Greedy", 10: "Best of 10", 100: "Best of 100"}


def policy_name(architecture: Architecture) -> str | None:
    """The first shipped policy that fits, or None."""
    return next(iter(catalogue.fitting(PRETRAINED, architecture)), None)


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
    source = None if candidates == 1 else table.TabularAccuracy(card.training.get("data_set", "cifar10_valid"))
    options = Options(samples=candidates)
    outcome = _transformed(architecture, policy, card.target_space, source, options)
    return int(table.codes([outcome.output.architecture])[0])


def greedy_output(architecture: Architecture) -> Architecture | None:
    """The most probable output that costs no more, of the first policy that fits; None where none does."""
    if policy_name(architecture) is None:
        return None
    policy, card = catalogue.load_for(PRETRAINED, architecture)
    return _transformed(architecture, policy, card.target_space, None, Options(samples=1)).output.architecture


@lru_cache(maxsize=512)
def _transformed(architecture, policy, space, source, options) -> Transformation:
    return transform(architecture, policy, space, source, options)

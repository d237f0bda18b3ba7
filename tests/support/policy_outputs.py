"""Recorded outputs of the policies in `pretrained/`: `python -m tests.support.policy_outputs` records them again.

Run it, and commit the files that it writes, after adding, retraining or removing a policy on purpose.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library
from nat_core.architecture.notation import parse, shortest
from nat_core.architecture.spaces import Space
from nat_core.learning.policies.checkpoint import list_policies, load_policy
from nat_core.learning.policies.distribution import TransformationDistribution, transformed
from nat_core.learning.policies.policy import Policy
from nat_core.learning.support.files import load_tensors, save_tensors
from nat_core.paths import PROJECT

SHIPPED = PROJECT / "pretrained"
RECORDED = Path(__file__).parent.parent / "learning" / "policies" / "outputs"
_SEEDS = range(10)
_MOST_PROBABLE = 10
_TIE = 1e-4  # nats; the order of closer outputs may differ between processors


def inputs(space: Space) -> list[Architecture]:
    """Return the published architectures of `space`, and seeded random ones."""
    published = [entry.architecture for entry in library().values() if space.mismatch(entry.architecture) is None]
    return list(dict.fromkeys([*published, *(space.sample(random.Random(seed)) for seed in _SEEDS)]))


@torch.inference_mode()
def distribution_for(policy: Policy, space: Space, given: Architecture) -> TransformationDistribution:
    return policy.distribution([given], space)


def most_probable(distribution: TransformationDistribution) -> list[str]:
    """Return the ten most probable outputs, best first."""
    given = distribution.architectures[0]
    return [shortest(transformed(given, row)) for row in distribution.most_probable(_MOST_PROBABLE)[0]]


def ranks_that_are_sure(distribution: TransformationDistribution) -> int:
    """Return how many of the ten come before the first tie."""
    _, scores = distribution.most_probable(_MOST_PROBABLE + 1)
    return int(np.append(-np.diff(scores) > _TIE, False).argmin())


def recorded(name: str) -> dict[str, tuple[Tensor, list[str]]]:
    """Return, by input, policy `name`'s log-probabilities [E, operations] and its outputs ranked before any tie."""
    tensors, outputs = load_tensors(path_of(name))
    return {given: (tensor, json.loads(outputs[given])) for given, tensor in tensors.items()}


def path_of(name: str) -> Path:
    return RECORDED / f"{name}.safetensors"


def record() -> None:
    """Record all shipped policies, and delete the records of removed ones."""
    shipped = list_policies(SHIPPED)
    for path in RECORDED.glob("*.safetensors"):
        if path.stem not in shipped:
            path.unlink()
    RECORDED.mkdir(exist_ok=True)
    for name, folder in shipped.items():
        policy, card = load_policy(folder)
        texts = [shortest(given) for given in inputs(card.target_space)]
        found = {text: distribution_for(policy, card.target_space, parse(text)) for text in texts}
        best = {text: most_probable(item)[: ranks_that_are_sure(item)] for text, item in found.items()}
        tensors = {text: item.log_probabilities for text, item in found.items()}
        save_tensors(path_of(name), tensors, {text: json.dumps(outputs) for text, outputs in best.items()})
        print(f"{path_of(name).relative_to(PROJECT)}: {len(found)} inputs")


if __name__ == "__main__":
    sys.exit(record())

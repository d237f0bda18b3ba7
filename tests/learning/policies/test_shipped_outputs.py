"""The shipped policies put out what they did when they were recorded, on whatever processor."""

import pytest
import torch

from nat_core.architecture.notation import parse, shortest
from nat_core.learning.policies.checkpoint import list_policies, load_policy
from tests.support.policy_outputs import RECORDED, SHIPPED, distribution_for, most_probable, recorded

NAMES = sorted(path.stem for path in RECORDED.glob("*.safetensors"))
ANEW = "where this is meant, python -m tests.support.policy_outputs records it anew"


def test_every_shipped_policy_is_recorded():
    assert set(NAMES) == set(list_policies(SHIPPED)), ANEW


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_recorded(name):
    policy, card = load_policy(SHIPPED / name)
    for text, (log_probabilities, outputs) in recorded(name).items():
        found = distribution_for(policy, card.target_space, parse(text))
        torch.testing.assert_close(  # other processors, and other addresses in memory, add in another order
            found.log_probabilities, log_probabilities, rtol=1e-5, atol=1e-5, msg=lambda said: f"{said}\n{ANEW}"
        )
        assert most_probable(found)[: len(outputs)] == outputs, f"{text}; {ANEW}"
        assert not outputs or [shortest(item) for item in found.apply(found.greedy())] == outputs[:1]

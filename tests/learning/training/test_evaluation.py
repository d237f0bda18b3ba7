"""Quality figures on policies whose behaviour is known."""

import numpy as np
import pytest
import torch

from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Lattice, oracle
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.evaluation import edge_log_probabilities, policy_quality, probable_codes

INPUTS = np.arange(0, table.SIZE, 157)
SCORES = table.accuracies_percent()


@pytest.fixture
def policy() -> Policy:
    torch.manual_seed(0)
    return Policy().eval()


def test_candidates_start_with_the_input_and_are_distinct(policy):
    codes = probable_codes(edge_log_probabilities(policy, INPUTS), 20, INPUTS)
    assert np.array_equal(codes[:, 0], INPUTS)
    for row, code in zip(codes, INPUTS, strict=True):
        reachable = min(20, np.prod([len(c) for c in Lattice.of_space(table.SPACE).choices(int(code))]))
        assert len(set(row[1:].tolist())) == reachable


def test_all_candidates_recover_everything(policy):
    quality = policy_quality(policy, INPUTS, SCORES, counts=(1, 5**6))
    assert quality.best_of[5**6].recovered == pytest.approx(1)
    assert quality.best_of[5**6].worse == 0
    assert quality.best_of[1].gain >= max(0, quality.greedy.gain)  # the input is a candidate too


def test_transfer_is_judged_on_test_columns(policy):
    quality = policy_quality(policy, INPUTS, SCORES, counts=())
    assert set(quality.transfer) == {"cifar10_test", "cifar100_test", "imagenet16_120_test"}
    test = table.accuracies_percent("cifar10_test")
    lattice = Lattice.of_space(table.SPACE)
    gain_of = lambda best: (test[best[INPUTS]] - test[INPUTS]).mean()  # noqa: E731
    ratio = gain_of(oracle(lattice, test)) / gain_of(oracle(lattice, SCORES))
    transfer = quality.transfer["cifar10_test"]
    assert transfer.recovered / transfer.recovered_own == pytest.approx(ratio)


def test_figures_for_a_card_are_rounded(policy):
    figures = policy_quality(policy, INPUTS, SCORES, counts=(10,)).to_dict()
    assert set(figures) == {"greedy", "best_of_10", "transfer"}
    assert figures["greedy"]["gain"] == round(figures["greedy"]["gain"], 4)

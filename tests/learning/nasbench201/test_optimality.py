import random

import numpy as np
import pytest

from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import (
    Optimality,
    lattice,
    optimality,
    oracle_codes,
    rank,
    reachable_codes,
)

CODES = [0, table.SIZE - 1, *(random.Random(1).randrange(table.SIZE) for _ in range(8))]


@pytest.mark.parametrize("rule", ["nat", "nat++"])
@pytest.mark.parametrize("data_set", ["cifar10_valid", "imagenet16_120_test"])
def test_the_oracle_is_the_best_of_what_is_reachable(rule, data_set):
    accuracies = table.accuracies_percent(data_set)
    for code in CODES:
        reachable = reachable_codes(code, rule)
        assert code in reachable and oracle_codes(data_set, rule)[code] in reachable
        assert accuracies[oracle_codes(data_set, rule)[code]] == accuracies[reachable].max()


def test_what_is_reachable_is_what_the_rule_allows_edge_by_edge():
    for code in CODES:
        choices = lattice().choices(code)
        assert len(reachable_codes(code)) == np.prod([len(targets) for targets in choices])


def test_figures_by_hand():
    item = Optimality("cifar10_test", before=80, after=88, best=89, own_best=90)
    assert (item.gain, item.possible, item.missing, item.recovered) == (8, 10, 2, 0.8)
    assert Optimality("cifar10_test", 90, 90, 90, 90).recovered is None


def test_the_oracles_own_output_lacks_nothing_where_it_chose():
    code = CODES[2]
    best = int(oracle_codes("cifar10_valid")[code])
    item = optimality(code, best, "cifar10_valid")
    assert item.after == item.best == item.own_best and item.missing == 0
    other = optimality(code, best, "cifar100_test")
    assert other.after == other.best <= other.own_best


def test_ranks():
    accuracies = table.accuracies_percent("cifar10_test")
    assert rank(int(accuracies.argmax()), "cifar10_test") == 1
    assert rank(int(accuracies.argmin()), "cifar10_test") <= table.SIZE

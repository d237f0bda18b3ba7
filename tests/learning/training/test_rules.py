"""Rules: legal, applied everywhere, and the best that there is where it can be known."""

import random
from itertools import product

from nat_core.architecture.spaces import SPACES
from nat_core.architecture.transitions import is_legal
from nat_core.learning.nasbench201 import table
from nat_core.learning.training.rules import applied, best_rule

SPACE = SPACES["nasbench201"]
ACCURACIES = table.accuracies_percent()


def mean_gain(inputs, outputs):
    old, new = (ACCURACIES[table.codes(items)] for items in (inputs, outputs))
    return float((new - old).mean())


def test_a_rule_exchanges_what_it_names_on_every_edge_and_nothing_else():
    given = SPACES["loose_end"].sample(random.Random(0))
    made = applied({"null": "skip_connect"}, given)
    assert [{"null": "skip_connect"}.get(name, name) for name in given.operations] == list(made.operations)
    assert made.topology == given.topology and applied({}, given) == given


def values(inputs, worth, rules):
    return [worth(inputs, [applied(rule, item) for item in inputs]) for rule in rules]


def test_the_best_rule_is_legal_and_no_other_target_of_an_operation_is_better():
    rng = random.Random(1)
    inputs = [SPACE.sample(rng) for _ in range(200)]
    found = best_rule(SPACE, inputs, mean_gain)
    assert all(is_legal(old, new, "nat++") for old, new in found.items())
    (value,) = values(inputs, mean_gain, [found])
    others = [{**found, name: target} for name in SPACE.operations for target in SPACE.targets(name)]
    assert value > 0 and value >= max(values(inputs, mean_gain, others)) - 1e-9


def test_where_operations_add_up_it_is_the_best_of_all():
    rng = random.Random(2)
    inputs, points = [SPACE.sample(rng) for _ in range(20)], {name: rng.random() for name in SPACE.operations}

    def worth(_, outputs):
        return sum(points[name] for item in outputs for name in item.operations)

    every = product(*(SPACE.targets(name) for name in SPACE.operations))
    rules = [dict(zip(SPACE.operations, targets, strict=True)) for targets in every]
    assert len(rules) > 10
    assert values(inputs, worth, [best_rule(SPACE, inputs, worth)])[0] == max(values(inputs, worth, rules))


def test_no_rule_is_better_than_none_where_nothing_is_gained():
    inputs = [SPACE.sample(random.Random(2))]
    found = best_rule(SPACE, inputs, lambda given, made: -float(given != made))
    assert all(old == new for old, new in found.items())

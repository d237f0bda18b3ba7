"""How caution is compared: halves share no topology, and ascent raises what it is told to."""

import random
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.caution import OBJECTIVES, Wanted, ascended, halves, points, table
from nat_core.architecture.spaces import SPACES
from nat_core.architecture.transitions import is_legal
from nat_core.learning.accuracies.structure_model import shipped_structure_model
from nat_core.learning.scratch.measured import SHIPPED, read_measured
from nat_core.learning.training.rules import applied
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

SPACE = SPACES["fully_concat"]
MODEL = shipped_structure_model(SPACE.name)
GIVEN = [SPACE.sample(random.Random(number)) for number in range(3)]
RESULTS = [result for result in read_measured(SHIPPED) if result.judged_on == "selection"]


def changes(given, made):
    return sum(old != new for old, new in zip(given.operations, made.operations, strict=True))


def test_halves_share_no_topology_and_differ_by_seed():
    one, other = halves(RESULTS, 0)
    assert sorted(item.key for item in (*one, *other)) == sorted(item.key for item in RESULTS)
    assert not {item.value.topology for item in one} & {item.value.topology for item in other}
    assert halves(RESULTS, 1)[0] != one and halves(RESULTS, 0)[0] == one


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("ruled", [False, True])
def test_ascent_is_legal_costs_no_more_and_ends_where_no_exchange_helps(given, ruled):
    cost = cost_model(NETWORKS[SPACE.network]).cost
    objective = Wanted(0.0, 1.0, ruled).of(MODEL, SPACE, GIVEN)
    assert bool(objective.rule) == ruled
    made = ascended(given, SPACE, objective)
    assert all(is_legal(*pair, "nat++") for pair in zip(given.operations, made.operations, strict=True))
    assert cost(made).macs <= cost(given).macs
    begun = [item for item in (given, applied(objective.rule, given)) if cost(item).macs <= cost(given).macs][-1]
    if begun == applied(objective.rule, given):
        assert ascended(given, SPACE, replace(objective, caution=1e6)) == begun
    worth = points(objective, [given], [made])[0]
    assert worth >= points(objective, [given], [begun])[0]
    for place, name in enumerate(given.operations):
        for target in SPACE.targets(name):
            other = made.with_operations([*made.operations[:place], target, *made.operations[place + 1 :]])
            if cost(other).macs <= cost(given).macs:
                assert points(objective, [given], [other])[0] <= worth + 1e-9


def test_the_dearer_a_change_the_fewer_there_are():
    counts = [
        [changes(item, ascended(item, SPACE, Wanted(price, 0.0).of(MODEL, SPACE, GIVEN))) for item in GIVEN]
        for price in (0, 0.5)
    ]
    assert np.sum(counts[0]) > np.sum(counts[1])


def test_the_table_has_a_line_per_objective_and_the_rule():
    lines = list(table(RESULTS, SPACE, GIVEN[:2], 1))
    assert len(lines) == 2 + len(OBJECTIVES) + 1
    assert lines[-1] == "\nerrors are over 2 halves"

"""How caution is compared: halves share no topology, and rules are the surest."""

import random
from dataclasses import replace

import pytest

from benchmarks.caution import OBJECTIVES, halves, table
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.structure_model import shipped_structure_model
from nat_core.learning.scratch.measured import SHIPPED, read_measured
from nat_core.learning.training.rules import applied

pytestmark = pytest.mark.slow

SPACE = SPACES["fully_concat"]
MODEL = shipped_structure_model(SPACE.name)
GIVEN = [SPACE.sample(random.Random(number)) for number in range(3)]
RESULTS = [result for result in read_measured(SHIPPED) if result.judged_on == "selection"]


def test_halves_share_no_topology_and_differ_by_seed():
    one, other = halves(RESULTS, 0)
    assert sorted(item.key for item in (*one, *other)) == sorted(item.key for item in RESULTS)
    assert not {item.value.topology for item in one} & {item.value.topology for item in other}
    assert halves(RESULTS, 1)[0] != one and halves(RESULTS, 0)[0] == one


@pytest.mark.parametrize("wanted", [item for item in OBJECTIVES if item.ruled])
def test_a_rule_is_the_surest_for_the_inputs(wanted):
    objective = wanted.of(MODEL, SPACE, GIVEN)
    value = objective.surely_gained(GIVEN, [applied(objective.rule, item) for item in GIVEN])
    for name in SPACE.operations:
        others = [{**objective.rule, name: target} for target in SPACE.targets(name)]
        assert all(
            objective.surely_gained(GIVEN, [applied(other, item) for item in GIVEN]) <= value + 1e-9 for other in others
        )
    assert not replace(wanted, ruled=False).of(MODEL, SPACE, GIVEN).rule


def test_the_table_has_a_line_per_objective_and_the_rule():
    lines = list(table(RESULTS, SPACE, GIVEN[:2], 1))
    assert len(lines) == 2 + len(OBJECTIVES) + 1
    assert lines[-1] == "\nerrors are over 2 halves"

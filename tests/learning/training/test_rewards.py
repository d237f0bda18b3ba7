"""Rewards: objectives by hand, and a source asked no more often than needed."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from nat_core.architecture.difference import difference
from nat_core.architecture.library import find
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import SPACES
from nat_core.learning.graphs.graph import encode
from nat_core.learning.nasbench201 import table
from nat_core.learning.training.rewards import Objective, Rewards
from nat_core.learning.training.rules import applied


@dataclass
class CountingSource:
    """Accuracy = number of convolutions; remembers what it was asked."""

    stable: bool = True
    kind: str = "modelled"
    description: str = "convolutions counted"
    asked: list = field(default_factory=list)

    def mismatch(self, architecture):
        return None

    def accuracy_percent(self, architectures):
        self.asked.append(list(architectures))
        return np.array([sum("conv" in name for name in item.operations) for item in architectures], dtype=np.float64)


def _operations(architecture) -> torch.Tensor:
    return torch.tensor([INDEX[name] for name in architecture.operations])


def test_objective_subtracts_the_weighted_cost():
    objective = Objective(CountingSource(), lambda items: np.full(len(items), 0.5), cost_weight=0.05)
    assert objective([table.architecture_of_code(0)]) == pytest.approx([6 - 100 * 0.05 * 0.5])
    assert Objective(CountingSource())([table.architecture_of_code(0)]) == pytest.approx([6])


def test_every_changed_edge_has_to_be_worth_it():
    pool = [find("DARTS").architecture, table.architecture_of_code(0), find("ENAS").architecture]
    free, weighed = (Rewards(Objective(CountingSource(), change_weight=item), pool, encode(pool)) for item in (0, 0.5))
    chosen = torch.tensor([2, 0])
    original = torch.cat([_operations(pool[2]), _operations(pool[0])])
    changed = original.clone()
    edges = len(pool[2].operations)
    changed[[0, 3, edges]] = torch.tensor(
        [INDEX["null" if int(item) != INDEX["null"] else "skip_connect"] for item in original[[0, 3, edges]]]
    )
    drawn = torch.stack([original, changed])
    assert (free(chosen, drawn) - weighed(chosen, drawn)).tolist() == [[0, 0], [1.0, 0.5]]


class DoubtfulSource(CountingSource):
    """Each changed edge costs a point of certainty."""

    tolerance_points = 0.0

    def gain_error_points(self, inputs, outputs):
        return np.array([len(difference(*pair)) for pair in zip(inputs, outputs, strict=True)], dtype=np.float64)

    def believable(self, inputs, outputs):
        return np.ones(len(outputs), dtype=bool)

    def mean_gain_error_points(self, inputs, outputs):
        return float(self.gain_error_points(inputs, outputs).mean()) / 4


def test_caution_deducts_errors_of_what_is_gained_over_the_very_input():
    given = table.architecture_of_code(0)
    pool = [given, given.with_operations(["null", *given.operations[1:]])]
    free, cautious = (Rewards(Objective(DoubtfulSource(), caution=item), pool, encode(pool)) for item in (0, 0.5))
    drawn = torch.cat([_operations(pool[0])] * 2)[None]  # the same output of two inputs, of which one is it
    for _ in range(2):
        assert (free(torch.tensor([0, 1]), drawn) - cautious(torch.tensor([0, 1]), drawn)).tolist() == [[0, 0.5]]
    assert (free(torch.tensor([1, 0]), drawn) - cautious(torch.tensor([1, 0]), drawn)).tolist() == [[0.5, 0]]


def test_with_a_rule_caution_deducts_errors_of_what_is_gained_over_its_output():
    given = table.architecture_of_code(0)
    objective = Objective(DoubtfulSource(), caution=0.5, rule={given.operations[0]: "null"})
    plain = applied(objective.rule, given)
    assert plain != given
    away = len(difference(given, plain))
    assert objective.doubt([given, given], [plain, given]).tolist() == [0, 0.5 * away]
    rewards = Rewards(objective, [given], encode([given]))
    drawn = torch.stack([_operations(given), _operations(plain)])
    convolutions = [sum("conv" in name for name in item.operations) for item in (given, plain)]
    assert rewards(torch.tensor([0]), drawn)[:, 0].tolist() == [convolutions[0] - 0.5 * away, convolutions[1]]


def test_what_is_surely_gained_is_the_mean_less_errors_of_the_mean_and_prices():
    inputs = [table.architecture_of_code(code) for code in (0, 900)]
    outputs = [item.with_operations(["null", *item.operations[1:]]) for item in inputs]
    lost = np.mean([item.operations[0] != "null" and "conv" in item.operations[0] for item in inputs])
    changed = np.mean([len(difference(*pair)) for pair in zip(inputs, outputs, strict=True)])
    objective = Objective(DoubtfulSource(), change_weight=0.25, caution=2.0)
    assert objective.surely_gained(inputs, outputs) == pytest.approx(-lost - 0.25 * changed - 2 * changed / 4)
    assert Objective(CountingSource()).surely_gained(inputs, outputs) == pytest.approx(-lost)


class BelievesNoNull(DoubtfulSource):
    """Gains of what has a null on its first edge are not believed."""

    def believable(self, inputs, outputs):
        return np.array([item.operations[0] != "null" for item in outputs])


def test_what_may_not_be_believed_is_worth_less_than_anything():
    given = table.architecture_of_code(0)
    made = given.with_operations(["null", *given.operations[1:]])
    objective = Objective(BelievesNoNull(), caution=0.5)
    assert objective.doubt([given, given], [given, made]).tolist() == [0, 100.5]
    assert Objective(BelievesNoNull()).doubt([given], [made]).tolist() == [0]


def test_a_rule_whose_output_may_not_be_believed_leaves_the_input_as_it_is():
    given = table.architecture_of_code(0)
    made = given.with_operations(["null", *given.operations[1:]])
    rule = {given.operations[0]: "null"}
    objective = Objective(BelievesNoNull(), caution=0.5, rule=rule)
    assert objective.ruled([given, given]) == [given, given]
    assert Objective(DoubtfulSource(), caution=0.5, rule=rule).ruled([given]) == [applied(rule, given)]
    assert objective.surely_gained([given], [made]) == 0


def test_caution_needs_a_source_that_knows_its_errors():
    with pytest.raises(ValueError, match=r"caution is 0\.5; accepted for modelled accuracies: 0"):
        Objective(CountingSource(), caution=0.5)


def test_rewards_of_mixed_topologies():
    pool = [find("DARTS").architecture, table.architecture_of_code(0), find("ENAS").architecture]
    rewards = Rewards(Objective(CountingSource()), pool, encode(pool))
    chosen = torch.tensor([2, 0])
    original = torch.cat([_operations(pool[2]), _operations(pool[0])])
    nothing = torch.full_like(original, INDEX["null"])
    convolutions = [sum("conv" in name for name in pool[number].operations) for number in (2, 0)]
    assert rewards(chosen, torch.stack([original, nothing])).tolist() == [convolutions, [0, 0]]


def test_table_rewards_equal_the_table():
    codes = [5, 900, 15000]
    pool = [table.architecture_of_code(code) for code in codes]
    rewards = Rewards(Objective(table.TabularAccuracy()), pool, encode(pool))
    operations = torch.cat([_operations(item) for item in pool])
    assert rewards(torch.arange(3), operations[None])[0].tolist() == table.accuracies_percent()[codes].tolist()


@pytest.mark.parametrize(("stable", "calls"), [(True, 1), (False, 2)])
def test_only_a_stable_source_is_remembered(stable, calls):
    source = CountingSource(stable)
    pool = [table.architecture_of_code(0)]
    rewards = Rewards(Objective(source), pool, encode(pool))
    operations = _operations(pool[0]).expand(7, -1)
    for _ in range(2):
        assert rewards(torch.tensor([0]), operations).flatten().tolist() == [6] * 7
    assert [len(items) for items in source.asked] == [1] * calls  # repeats within a call are asked once


def test_same_operations_on_another_topology_are_another_architecture():
    darts = find("DARTS").architecture
    pool = [darts, SPACES["fully_concat"].sample(__import__("random").Random(0))]
    source = CountingSource()
    rewards = Rewards(Objective(source), pool, encode(pool))
    rewards(torch.tensor([0, 1]), torch.full((1, 32), INDEX["null"]))
    assert len(set(source.asked[0])) == 2

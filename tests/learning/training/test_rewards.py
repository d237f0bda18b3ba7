"""Rewards: objectives by hand, and a source asked no more often than needed."""

import random
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from nat_core.architecture.difference import difference
from nat_core.architecture.library import find
from nat_core.architecture.operations import INDEX, NAMES
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from nat_core.learning.graphs.graph import encode
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.training.rewards import Objective, Rewards


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


def test_transformations_as_rows_are_worth_what_architectures_are():
    space, rng = SPACES["fully_concat"], random.Random(0)
    objective = Objective(shipped_trainings_model(space.name), caution=0.5)
    inputs = [space.sample(rng) for _ in range(3)]
    rows = [np.array([[rng.randrange(len(NAMES)) for _ in item.edges] for _ in range(4)]) for item in inputs]
    made = [transformed(item, row) for item, part in zip(inputs, rows, strict=True) for row in part]
    given = [item for item in inputs for _ in range(4)]
    priced = replace(objective, relative_cost=lambda items: np.ones(len(items)), cost_weight=0.1)
    for how in (objective, priced):
        assert how.of_operations(inputs, rows) == pytest.approx(how(made) - how.doubt(given, made))


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

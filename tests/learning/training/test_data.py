"""Inputs and objectives of trainings."""

import numpy as np
import pytest

from nat_core.architecture.spaces import SPACES
from nat_core.learning.nasbench201 import table
from nat_core.learning.training.config import InputsConfig, RewardConfig, TrainingConfig
from nat_core.learning.training.data import inputs_of, objective_of, relative_macs, split_codes
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

HEAVIEST = table.architecture_of_code(int("111111", 5))  # conv_3x3 on every edge


def test_split_is_disjoint_complete_and_seeded():
    training, held_out = split_codes(InputsConfig(12_500, 3_125))
    assert sorted([*training, *held_out]) == list(range(table.SIZE))
    assert np.array_equal(training, split_codes(InputsConfig(12_500, 3_125))[0])
    assert not np.array_equal(training, split_codes(InputsConfig(12_500, 3_125, split_seed=1))[0])
    assert np.array_equal(held_out, split_codes(InputsConfig(100, 3_125))[1])  # whatever is trained on


def test_split_cannot_exceed_the_space():
    with pytest.raises(ValueError, match=r"inputs.training \+ inputs.held_out is 15626; NAS-Bench-201 has 15625 cells"):
        split_codes(InputsConfig(15_000, 626))


@pytest.mark.parametrize("space", ["fully_concat", "loose_end"])
def test_other_spaces_are_sampled(space):
    config = TrainingConfig(space=space, inputs=InputsConfig(7, 3))
    inputs = inputs_of(config)
    assert (len(inputs.training), len(inputs.held_out)) == (7, 3)
    assert all(SPACES[space].mismatch(item) is None for item in (*inputs.training, *inputs.held_out))
    assert inputs == inputs_of(config)


def test_a_share_of_the_inputs_trained_on_is_as_people_make_them_and_the_others_stay_as_drawn():
    plain, by_hand = (
        inputs_of(TrainingConfig(space="loose_end", inputs=InputsConfig(400, 20, thinned_share=share)))
        for share in (0, 0.5)
    )
    assert by_hand.held_out == plain.held_out
    differing = [pair for pair in zip(plain.training, by_hand.training, strict=True) if pair[0] != pair[1]]
    assert 140 <= len(differing) <= 240
    assert all(SPACES["loose_end"].mismatch(after) is None for _, after in differing)
    chained = [pair for pair in differing if all(map(in_a_row, dict(pair[1].cells).values()))]
    thinned = [pair for pair in differing if pair not in chained]
    assert 0.15 < len(chained) / len(differing) < 0.35
    for before, after in thinned:
        changes = {new for old, new in zip(before.operations, after.operations, strict=True) if old != new}
        assert changes == {"null"} and before.topology == after.topology
    unread = [all(edge.is_null for edge in item.normal.edges if edge.source == 0) for _, item in thinned]
    assert 1 / 3 < sum(unread) / len(unread) < 2 / 3


def in_a_row(cell):
    """Whether each node reads the one before and nothing else."""
    read = [(edge.source, edge.target) for edge in cell.edges if not edge.is_null]
    return read == [(node - 1, node) for node in cell.intermediates]


def test_a_space_without_a_table_needs_a_source():
    with pytest.raises(
        ValueError, match=r"loose_end has no table of accuracies; accepted for reward\.source: trainings"
    ):
        objective_of(TrainingConfig(space="loose_end"))


def test_relative_macs_of_whole_networks():
    relative = relative_macs(SPACES["nasbench201"])
    light = HEAVIEST.with_operations(["null"] * 6)
    model = cost_model(NETWORKS["nasbench201"])
    expected = model.cost(light).macs / model.cost(HEAVIEST).macs
    assert relative([HEAVIEST, light]) == pytest.approx([1, expected])


def test_cost_aware_objective_in_points():
    config = TrainingConfig(reward=RewardConfig(cost_weight=0.05))
    assert objective_of(config)([HEAVIEST]) == pytest.approx(table.TabularAccuracy().accuracy_percent([HEAVIEST]) - 5)


def test_latency_objective():
    config = TrainingConfig(reward=RewardConfig(cost="pixel3", cost_weight=0.1))
    latencies = table.latencies_ms("pixel3")
    slowest = table.architecture_of_code(int(latencies.argmax()))
    assert objective_of(config)([slowest]) == pytest.approx(table.TabularAccuracy().accuracy_percent([slowest]) - 10)

import random

import numpy as np
import pytest

from nat_core.architecture.cell import Architecture
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.quantities import QUANTITIES
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model


def test_every_data_set_and_device_is_there_with_unit_and_source():
    assert set(QUANTITIES) == {"macs", "parameters", *table.DATA_SETS, *table.DEVICES}
    assert all(column.unit and column.source for column in QUANTITIES.values())


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("macs", "MACs, M (C 16, 15 cells, 32×32)"),
        ("cifar10_test", "Accuracy on CIFAR-10 test, % (tabular, 12 epochs)"),
        ("pixel3", "Latency on Pixel 3, ms (measured)"),
    ],
)
def test_an_axis_says_the_networks_size_or_the_kind(name, label):
    assert QUANTITIES[name].label == label


@pytest.mark.parametrize("name", QUANTITIES)
def test_columns_are_whole_and_read_only(name):
    values = QUANTITIES[name].values
    assert values.shape == (table.SIZE,) and np.isfinite(values).all() and (values > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1


def test_costs_are_those_of_the_cost_model():
    model, rng = cost_model(NETWORKS["nasbench201"]), random.Random(0)
    for code in [0, table.SIZE - 1, *(rng.randrange(table.SIZE) for _ in range(20))]:
        cell: Architecture = table.architecture_of_code(code)
        cost = model.cost(cell)
        assert QUANTITIES["macs"].values[code] == cost.macs / 1e6
        assert QUANTITIES["parameters"].values[code] == cost.parameters / 1e6


def test_only_accuracy_is_better_when_larger():
    assert [name for name, column in QUANTITIES.items() if not column.smaller_is_better] == list(table.DATA_SETS)

"""What a network that knows few operations makes of a cell with others."""

import numpy as np
import pytest

from nat_core.architecture.cell import Cell, Edge
from nat_core.architecture.library import library
from nat_core.learning.accuracies.cell_network import WORTHLESS, NetworkShape, fit_cell_network, read_as
from tests.learning.accuracies.trained import cells

KNOWN = ("max_pool_3x3", "sep_conv_3x3", "sep_conv_5x5", "skip_connect")
SHAPE = NetworkShape(width=8, layers=1, embedding=4, steps=150)
DEAD = Cell(2, 3, (Edge("null", 0, 2), Edge("null", 1, 2)), (2,))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("conv_5x5", "sep_conv_5x5"), ("dil_conv_3x3", "sep_conv_3x3"), ("avg_pool_5x5", "max_pool_3x3"),
        ("conv_1x1", "skip_connect"), ("conv_1x3_3x1", "sep_conv_3x3"), ("sep_conv_7x7", "sep_conv_5x5"),
    ],
)  # fmt: skip
def test_what_is_unknown_is_read_as_the_most_similar(name, read):
    cell = Cell(2, 3, (Edge(name, 0, 2), Edge("skip_connect", 1, 2)), (2,))
    assert read_as(cell, KNOWN).operations == (read, "skip_connect")


def test_edges_that_carry_nothing_are_left_out():
    cell = Cell(2, 4, (Edge("null", 0, 2), Edge("skip_connect", 1, 3), Edge("sep_conv_3x3", 2, 3)), (2, 3))
    assert read_as(cell, KNOWN).edges == (Edge("skip_connect", 1, 3),)
    assert read_as(DEAD, KNOWN) is None


def test_it_learns_what_it_is_shown_and_remembers_what_it_was_asked():
    shown = [item.normal for item in cells(200, names=KNOWN)]
    targets = np.array([sum("sep" in name for name in cell.operations) - 4.0 for cell in shown]) / 1.5
    network, unseen = fit_cell_network(shown, targets, np.arange(200) % 2, SHAPE)
    assert np.corrcoef(unseen, targets)[0, 1] > 0.8 and network.operations == KNOWN
    found = network.targets([*shown[:3], DEAD, library()["NAONet"].architecture.normal])
    assert found.shape == (2, 5) and (found[:, 3] == WORTHLESS).all() and np.isfinite(found).all()
    assert (network.targets(shown[:3]) == found[:, :3]).all()
    assert network.targets([]).shape == (2, 0)


def test_a_cell_that_carries_nothing_teaches_nothing():
    with pytest.raises(ValueError, match="1 trained cells carry nothing"):
        fit_cell_network([DEAD], np.zeros(1), np.zeros(1, dtype=np.int64), SHAPE)


def test_sizes_have_bounds():
    with pytest.raises(ValueError, match="width is 9999"):
        NetworkShape(width=9999)

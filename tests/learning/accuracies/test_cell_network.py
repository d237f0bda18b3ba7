"""What a network that knows few operations makes of a cell with others."""

import numpy as np
import pytest

from nat_core.architecture.cell import Cell, Edge
from nat_core.architecture.library import library
from nat_core.architecture.operations import NAMES
from nat_core.architecture.rows import CellRows
from nat_core.learning.accuracies.cell_network import WORTHLESS, NetworkShape, _keys, fit_cell_network, read_as
from tests.learning.accuracies.trained import cells

KNOWN = ("max_pool_3x3", "sep_conv_3x3", "sep_conv_5x5", "skip_connect")
SHAPE = NetworkShape(width=8, layers=1, embedding=4, steps=150)
DEAD = Cell(2, 3, (Edge("null", 0, 2), Edge("null", 1, 2)), (2,))


def read(cell):
    rows = read_as(CellRows.of([cell]), KNOWN)
    parts = (rows.operations[0], rows.sources[0], rows.targets[0], rows.exists[0])
    return [(NAMES[name], source, target) for name, source, target, exists in zip(*parts, strict=True) if exists]


@pytest.mark.parametrize(
    ("unknown", "name"),
    [
        ("conv_5x5", "sep_conv_5x5"), ("dil_conv_3x3", "sep_conv_3x3"), ("avg_pool_5x5", "max_pool_3x3"),
        ("conv_1x1", "skip_connect"), ("conv_1x3_3x1", "sep_conv_3x3"), ("sep_conv_7x7", "sep_conv_5x5"),
    ],
)  # fmt: skip
def test_what_is_unknown_is_read_as_the_most_similar(unknown, name):
    cell = Cell(2, 3, (Edge(unknown, 0, 2), Edge("skip_connect", 1, 2)), (2,))
    assert read(cell) == [(name, 0, 2), ("skip_connect", 1, 2)]


def test_edges_that_carry_nothing_are_left_out():
    cell = Cell(2, 4, (Edge("null", 0, 2), Edge("skip_connect", 1, 3), Edge("sep_conv_3x3", 2, 3)), (2, 3))
    assert read(cell) == [("skip_connect", 1, 3)]
    assert read(DEAD) == []


def test_the_order_of_edges_and_larger_cells_beside_it_change_nothing():
    cell = Cell(2, 4, (Edge("skip_connect", 1, 3), Edge("conv_3x3", 0, 2), Edge("sep_conv_3x3", 2, 3)), (3,))
    turned = Cell(2, 4, cell.edges[::-1], (3,))
    large = library()["NAONet"].architecture.normal
    alone, (one, other, _) = (
        _keys(read_as(CellRows.of([cell]), KNOWN)),
        _keys(read_as(CellRows.of([turned, cell, large]), KNOWN)),
    )
    assert alone == [one] == [other]


def test_it_learns_what_it_is_shown_and_remembers_what_it_was_asked():
    shown = [item.normal for item in cells(200, names=KNOWN)]
    targets = np.array([sum("sep" in name for name in cell.operations) - 4.0 for cell in shown]) / 1.5
    network, unseen = fit_cell_network(shown, targets, np.arange(200) % 2, SHAPE)
    assert np.corrcoef(unseen, targets)[0, 1] > 0.8 and network.operations == KNOWN
    found = network.targets(CellRows.of([*shown[:3], DEAD, library()["NAONet"].architecture.normal]))
    assert found.shape == (2, 5) and (found[:, 3] == WORTHLESS).all() and np.isfinite(found).all()
    assert (network.targets(CellRows.of(shown[:3])) == found[:, :3]).all()
    assert network.targets(CellRows.of([])).shape == (2, 0)


def test_a_cell_that_carries_nothing_teaches_nothing():
    with pytest.raises(ValueError, match="1 trained cells carry nothing"):
        fit_cell_network([DEAD], np.zeros(1), np.zeros(1, dtype=np.int64), SHAPE)


def test_sizes_have_bounds():
    with pytest.raises(ValueError, match="width is 9999"):
        NetworkShape(width=9999)

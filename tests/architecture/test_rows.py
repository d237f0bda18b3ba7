"""Cells as arrays are the same cells."""

import random

import numpy as np
import pytest

from nat_core.architecture.cell import Cell, Edge
from nat_core.architecture.library import library
from nat_core.architecture.operations import INDEX, NAMES
from nat_core.architecture.rows import ArchitectureRows, CellRows
from nat_core.architecture.spaces import SPACES

RNG = random.Random(0)
CELLS = [cell for space in SPACES.values() for _ in range(20) for _, cell in space.sample(RNG).cells]
CELLS += [cell for entry in library().values() for _, cell in entry.architecture.cells]


def test_what_is_live_and_forms_the_output_is_what_the_cells_say():
    rows = CellRows.of(CELLS)
    for number, cell in enumerate(CELLS):
        assert set(np.flatnonzero(rows.forms_output[number])) == set(cell.output_nodes)
        dead = {place for place, edge in enumerate(cell.edges) if edge.is_null} | set(cell.dead_edges)
        carrying = set(np.flatnonzero(rows.carries[number]))
        assert carrying <= set(range(len(cell.edges))) - dead  # what nothing reaches carries nothing either


def test_an_edge_that_nothing_reaches_carries_nothing():
    cell = Cell(2, 4, (Edge("null", 0, 2), Edge("skip_connect", 2, 3), Edge("conv_3x3", 1, 3)), (3,))
    assert CellRows.of([cell]).carries.tolist() == [[False, False, True]]


def test_other_operations_are_rows_of_the_same_topology():
    given = [library()[name].architecture for name in ("DARTS", "ENAS", "NAONet")]
    drawn = [np.array([[RNG.randrange(len(NAMES)) for _ in item.edges] for _ in range(4)]) for item in given]
    rows = ArchitectureRows.of(given, drawn)
    made = [
        item.with_operations([NAMES[place] for place in row])
        for item, part in zip(given, drawn, strict=True)
        for row in part.tolist()
    ]
    one_by_one = ArchitectureRows.of(made)
    for found, wanted in zip(rows.cells, one_by_one.cells, strict=True):
        assert (found.operations == wanted.operations).all() and (found.carries == wanted.carries).all()
    given_rows = ArchitectureRows.of([item for item in given for _ in range(4)])
    assert (
        rows.same_topology(given_rows).all()
        and not rows.same_topology(given_rows.chosen(np.roll(np.arange(12), 4))).any()
    )
    changes = [
        sum(map(str.__ne__, old.operations, new.operations))
        for old, new in zip([g for g in given for _ in range(4)], made, strict=True)
    ]
    assert rows.differing_edges(given_rows).tolist() == changes
    assert rows.edges.tolist() == [len(item.edges) for item in made]


def test_cells_of_other_sizes_are_told_apart():
    small, large = library()["DARTS"].architecture, library()["NAONet"].architecture
    assert ArchitectureRows.of([small]).same_topology(ArchitectureRows.of([small, large]).chosen(np.array([0]))).all()
    assert not ArchitectureRows.of([small]).same_topology(ArchitectureRows.of([large])).any()


def test_operations_of_another_number_of_edges_are_refused():
    given = library()["DARTS"].architecture
    with pytest.raises(ValueError, match=r"operations are \[1, 3\]; accepted: rows of 16"):
        ArchitectureRows.of([given], [np.full((1, 3), INDEX["null"])])

"""What is counted of a cell: by hand for one, and the same for what computes the same."""

import random

import numpy as np
import pytest

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.library import library
from nat_core.architecture.operations import NAMES, OPERATIONS
from nat_core.architecture.rows import ArchitectureRows
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies import counts
from tests.learning.accuracies import one_by_one

DARTS = library()["DARTS"].architecture
PLAIN, FOREIGN = counts.both(counts.PLAIN), counts.FOREIGN_COLUMNS
SPACE = SPACES["fully_concat"]


def of(architecture, table=counts.plain, names=PLAIN):
    return dict(zip(names, table(ArchitectureRows.of([architecture]))[0].tolist(), strict=True))


def test_darts_by_hand():
    found = of(DARTS)
    normal = {name: found[f"{name}, normal cell"] for name in counts.PLAIN}
    assert normal == {
        "sep3": 5, "sep5": 0, "dil3": 1, "dil5": 0, "max": 0, "avg": 0, "skip": 2, "convolutions at inputs": 5,
        "skips at inputs": 2, "depth": 2, "sum of depths": 5, "loose ends": 3,
    }  # fmt: skip
    assert found["max, reduction cell"] == 5 and found["skip, reduction cell"] == 3
    foreign = of(DARTS, counts.foreign, FOREIGN)
    assert {name for name, value in foreign.items() if value} == {"few convolutions, reduction cell"}


def test_what_full_trainings_lack_counts_as_its_relative_and_by_itself():
    heavy = DARTS.with_operations(["conv_3x3", "conv_1x1", "max_pool_5x5", "null", *DARTS.operations[4:]])
    before, after = of(DARTS), of(heavy)
    assert after["sep3, normal cell"] == before["sep3, normal cell"] - 3  # a dense one counts as separable
    assert after["max, normal cell"] == 1 and after["skip, normal cell"] == before["skip, normal cell"] + 1
    foreign = of(heavy, counts.foreign, FOREIGN)
    assert [foreign[f"{name}, normal cell"] for name in ("null", "dense", "1x1", "wide pooling")] == [1, 1, 1, 1]
    assert not any(foreign[f"{name}, reduction cell"] for name in ("null", "dense", "1x1", "wide pooling"))


def test_few_convolutions_are_counted_in_either_cell_and_in_both():
    skips = DARTS.with_operations(["skip_connect"] * len(DARTS.operations))
    few = [of(skips, counts.foreign, FOREIGN)[f"{counts.FEW}, {cell}"] for cell in ("normal cell", "both cells")]
    assert few == [2, 4]


def test_every_operation_has_a_relative():
    assert {counts.relative(traits) for traits in OPERATIONS.values()} == set(counts.OPERATIONS)


def test_amounts_are_per_eight_edges_and_four_nodes():
    edges = tuple(Edge("sep_conv_3x3", source, node) for node in range(2, 8) for source in range(node))
    dense = SPACE.cell(edges, 8)
    found = of(Architecture(dense, dense))
    assert found["sep3, normal cell"] == pytest.approx(8)
    assert found["loose ends, normal cell"] == pytest.approx(4 / 6)


@pytest.mark.parametrize("table", [counts.plain, counts.detailed, counts.foreign])
def test_dead_edges_and_the_order_of_edges_change_nothing(table):
    rng = random.Random(0)
    for _ in range(20):
        given = SPACES["loose_end"].sample(rng)
        turned = Architecture(*(turned_round(cell) for _, cell in given.cells))
        assert table(ArchitectureRows.of([given])) == pytest.approx(table(ArchitectureRows.of([turned])))


def turned_round(cell):
    edges = tuple(sorted(cell.edges, key=lambda edge: (edge.target, -edge.source, edge.operation)))
    return Cell(cell.inputs, cell.nodes, edges, cell.output, cell.combine)


def test_any_cell_is_counted():
    bare = Cell(2, 3, (Edge("null", 0, 2),), (2,))
    odd = Architecture(Cell(2, 3, (Edge("skip_connect", 1, 2), Edge("max_pool_7x7", 1, 2)), (2,)), bare)
    for table in (counts.plain, counts.detailed, counts.foreign):
        found = table(ArchitectureRows.of([odd, Architecture(bare)]))
        assert np.isfinite(found).all()
        assert table(ArchitectureRows.of([])).shape == (0, found.shape[1])


@pytest.mark.parametrize("number", range(3))
def test_many_cells_at_once_are_counted_as_one_by_one(number):
    rng = random.Random(number)
    drawn = [space.sample(rng) for space in SPACES.values() for _ in range(60)]
    drawn += [
        item.with_operations([rng.choice(NAMES) if rng.random() < 0.5 else "null" for _ in item.operations])
        for item in drawn
    ]
    rows = ArchitectureRows.of([*drawn, *(entry.architecture for entry in library().values())])
    cells = [
        (item.normal, item.reduction or item.normal) for item in [*drawn, *(e.architecture for e in library().values())]
    ]
    for table, by_one in ((counts.plain, one_by_one.plain), (counts.detailed, one_by_one.detailed)):
        wanted = np.array([np.concatenate([by_one(cell) for cell in pair]) for pair in cells])
        assert np.abs(table(rows) - wanted).max() < 1e-12
    foreign = np.array([[one_by_one.foreign(cell) for cell in pair] for pair in cells])
    found = counts.foreign(rows)
    assert (found[:, :-1] == foreign[:, :, :-1].reshape(len(cells), -1)).all()
    assert (found[:, -1] == (4 - foreign[:, :, -1].sum(axis=1)).clip(0)).all()


def test_shares_of_convolutions_count_a_single_cell_once():
    cell = Cell(1, 3, (Edge("conv_3x3", 0, 1), Edge("null", 0, 2), Edge("skip_connect", 1, 2)), (2,), "sum")
    assert counts.convolution_share(Architecture(cell)) == pytest.approx(1 / 3)

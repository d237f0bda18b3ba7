"""Functional equality on hand-made cells."""

import numpy as np
from hypothesis import given, settings

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.notation import parse
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.functional import canonical_form, functional_classes
from tests.support.strategies import architectures


def _form(first, second, third):
    return canonical_form(parse(f"|{first}|+|{'|'.join(second)}|+|{'|'.join(third)}|"))


def test_a_skipped_convolution_is_the_convolution_alone():
    # conv 0→1, then skip 1→3, equals conv 0→3 alone, or by way of node 2.
    direct = _form("none~0", ("none~0", "none~1"), ("nor_conv_3x3~0", "none~1", "none~2"))
    assert _form("nor_conv_3x3~0", ("none~0", "none~1"), ("none~0", "skip_connect~1", "none~2")) == direct
    assert _form("none~0", ("nor_conv_3x3~0", "none~1"), ("none~0", "none~1", "skip_connect~2")) == direct
    assert _form("none~0", ("none~0", "none~1"), ("nor_conv_1x1~0", "none~1", "none~2")) != direct


def test_a_path_from_nothing_is_nothing():
    nothing = _form("none~0", ("none~0", "none~1"), ("none~0", "none~1", "none~2"))
    assert _form("none~0", ("none~0", "nor_conv_3x3~1"), ("none~0", "avg_pool_3x3~1", "skip_connect~2")) == nothing


def test_multiplicity_counts():
    once = _form("none~0", ("none~0", "none~1"), ("skip_connect~0", "none~1", "none~2"))
    twice = _form("skip_connect~0", ("none~0", "none~1"), ("skip_connect~0", "skip_connect~1", "none~2"))
    assert once != twice


def test_two_convolutions_of_the_same_input_are_two():
    one = _form("nor_conv_3x3~0", ("none~0", "none~1"), ("none~0", "skip_connect~1", "none~2"))
    two = _form("nor_conv_3x3~0", ("none~0", "none~1"), ("nor_conv_3x3~0", "skip_connect~1", "none~2"))
    assert one != two


def test_a_strided_skip_is_an_operation():
    cell = Cell(2, 3, (Edge("skip_connect", 0, 2), Edge("conv_3x3", 1, 2)), (2,))
    split = Cell(2, 4, (Edge("skip_connect", 0, 2), Edge("skip_connect", 2, 3), Edge("conv_3x3", 1, 3)), (3,))
    assert canonical_form(Architecture(cell, cell)) == canonical_form(Architecture(split, split))
    through = Cell(2, 3, (Edge("skip_connect", 0, 2), Edge("skip_connect", 0, 2)), (2,))
    single = Cell(2, 3, (Edge("skip_connect", 0, 2),), (2,))
    assert canonical_form(Architecture(single, through)) != canonical_form(Architecture(single, single))


def test_functionally_equal_cells_score_alike():
    cells = [table.architecture_of_code(code) for code in range(table.SIZE)]
    classes = functional_classes(cells)
    accuracies = table.accuracies_percent()
    sizes = np.bincount(classes)
    means = np.bincount(classes, accuracies) / sizes
    within = np.sqrt(((accuracies - means[classes]) ** 2).sum() / (len(cells) - len(sizes)))
    assert within < 0.7 < 10 < accuracies.std()  # what remains is the noise of training


@given(architectures())
@settings(max_examples=50, deadline=None)
def test_dead_edges_never_matter(architecture):
    assert canonical_form(architecture.effective) == canonical_form(architecture)

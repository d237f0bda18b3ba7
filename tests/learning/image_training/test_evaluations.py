import random

import numpy as np
import pytest

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.spaces import SPACES
from nat_core.learning.image_training.evaluations import Evaluations

RNG = random.Random(0)
SAMPLED = [SPACES["loose_end"].sample(RNG).effective for _ in range(5)]


def test_rounds_on_easier_images_are_shifted_by_their_anchors():
    table = Evaluations()
    table.add(SAMPLED[:3], np.array([40.0, 42.0, 50.0]), 0)
    table.add([*SAMPLED[:2], SAMPLED[3]], np.array([43.0, 45.0, 60.0]), 1)  # 3 points easier
    architectures, accuracies = table.comparable(anchors=2)
    assert architectures == SAMPLED[:4]
    assert accuracies.tolist() == pytest.approx([40, 42, 50, 57])


def test_without_anchors_accuracies_stay_and_repeats_are_averaged():
    table = Evaluations()
    table.add(SAMPLED[:2], np.array([10.0, 20.0]), 0)
    table.add(SAMPLED[1:2], np.array([30.0]), 1)
    assert table.comparable(anchors=0)[1].tolist() == [10, 25]


def test_dead_edges_make_no_other_architecture():
    # Node 3 is no output and feeds nothing.
    cells = [Cell(2, 4, (Edge("conv_3x3", 0, 2), Edge(name, 1, 3)), (2,)) for name in ("conv_1x1", "conv_5x5")]
    table = Evaluations()
    table.add([Architecture(cell, cell) for cell in cells], np.array([10.0, 20.0]), 0)
    architectures, accuracies = table.comparable(anchors=0)
    assert len(architectures) == 1 and accuracies.tolist() == [15]


def test_it_survives_a_file():
    table = Evaluations()
    assert Evaluations.from_tensors(table.to_tensors()) == table
    table.add(SAMPLED, np.array([1 / 3, 2.0, 3.0, 4.0, 5.0]), 2)
    assert Evaluations.from_tensors(table.to_tensors()) == table

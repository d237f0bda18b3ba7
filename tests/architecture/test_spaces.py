import random
from collections import Counter

import pytest
from hypothesis import given

from nat_core.architecture.library import library
from nat_core.architecture.notation import parse
from nat_core.architecture.spaces import SPACES, space_of
from tests.support.strategies import sampled_architectures


@given(sampled_architectures())
def test_a_sample_is_of_its_space_and_stays_there_when_operations_change(architecture):
    space = space_of(architecture)
    assert space is not None
    null = architecture.with_operations(["null"] * len(architecture.edges))
    assert space.mismatch(null) is None
    assert [cell.output for _, cell in null.cells] == [cell.output for _, cell in architecture.cells]


@pytest.mark.parametrize("space", SPACES.values(), ids=lambda space: space.name)
def test_operations_are_drawn_uniformly(space):
    rng = random.Random(1)
    counts = Counter(op for _ in range(1500) for op in space.sample(rng).operations)
    assert set(counts) == set(space.operations)
    expected = sum(counts.values()) / len(space.operations)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in counts.values())


def test_a_sample_repeats_by_its_seed():
    space = SPACES["loose_end"]
    assert space.sample(random.Random(3)) == space.sample(random.Random(3))


@pytest.mark.parametrize(
    ("name", "space"),
    [("DARTS_V2", "fully_concat"), ("PC_DARTS_CIFAR", "fully_concat"), ("ENAS", "loose_end"), ("NASNet-A", "loose_end"),
     ("ResBlock", "loose_end"), ("NAONet", "loose_end")],
)  # fmt: skip
def test_published_cells_find_their_space(name, space):
    assert space_of(library()[name].architecture).name == space


def test_loose_ends_of_the_published_enas_cell():
    assert library()["ENAS"].architecture.reduction.loose_ends == (2, 3, 6)


def test_mismatch_says_what_differs():
    darts = library()["DARTS"].architecture
    small = parse("|none~0|+|none~0|none~1|")
    assert "single cell" in SPACES["nasbench201"].mismatch(darts)
    assert "normal and a reduction cell" in SPACES["fully_concat"].mismatch(small)
    assert "each joined to every earlier one" in SPACES["nasbench201"].mismatch(small)
    assert "output is not what" in SPACES["loose_end"].mismatch(darts)
    assert space_of(small) is None

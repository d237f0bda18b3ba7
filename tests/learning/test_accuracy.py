"""The contract of accuracy sources, run over every implementation that needs no training."""

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest

from nat_core.architecture.library import find
from nat_core.learning.accuracy import AccuracyKind, AccuracySource
from nat_core.learning.nasbench201 import table

SOURCES: dict[str, Callable[[], AccuracySource]] = {
    name: lambda n=name: table.TabularAccuracy(n) for name in table.DATA_SETS
}


@pytest.fixture(params=SOURCES.values(), ids=list(SOURCES))
def source(request) -> AccuracySource:
    return request.param()


CELLS = [table.architecture_of_code(code) for code in (1, 600, 15_000)]


def test_it_says_what_it_is(source):
    assert isinstance(source, AccuracySource)
    assert source.kind in get_args(AccuracyKind)
    assert len(source.description) > 10
    assert "12 epochs" in source.description


def test_percentages_in_order_with_repeats(source):
    values = source.accuracy_percent(CELLS)
    assert (values.dtype, values.shape) == (np.float64, (3,))
    assert ((values > 0) & (values < 100)).all()
    assert source.accuracy_percent([*reversed(CELLS), CELLS[0]]).tolist() == [*reversed(values), values[0]]


def test_nothing_gives_nothing(source):
    assert source.accuracy_percent([]).shape == (0,)


def test_a_stable_source_repeats_itself(source):
    assert source.stable
    assert np.array_equal(source.accuracy_percent(CELLS), source.accuracy_percent(CELLS))


def test_what_mismatches_is_refused_for_the_same_reason(source):
    stranger = find("ENAS").architecture
    reason = source.mismatch(stranger)
    assert reason
    assert source.mismatch(CELLS[0]) is None
    with pytest.raises(ValueError) as caught:
        source.accuracy_percent([stranger])
    assert reason in str(caught.value)

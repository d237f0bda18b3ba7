import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.remembered import Remembered
from nat_core.learning.nasbench201.table import TabularAccuracy

RNG = random.Random(1)
CELLS = [SPACES["nasbench201"].sample(RNG) for _ in range(5)]


class Counting(TabularAccuracy):
    """The benchmark's table, which notes what it is asked."""

    asked: tuple = ()

    def accuracy_percent(self, architectures):
        object.__setattr__(self, "asked", (*self.asked, *architectures))
        return super().accuracy_percent(architectures)


def test_everything_is_asked_once_and_answered_as_before():
    source = Counting()
    remembered = Remembered(source)
    first = remembered.accuracy_percent([*CELLS, *CELLS])
    again = remembered.accuracy_percent(CELLS[::-1])
    assert source.asked == tuple(dict.fromkeys(item.effective for item in CELLS))
    expected = TabularAccuracy().accuracy_percent([item.effective for item in CELLS])
    np.testing.assert_array_equal(first, [*expected, *expected])
    np.testing.assert_array_equal(again, expected[::-1])


def test_only_the_last_ones_are_remembered():
    source = Counting()
    remembered = Remembered(source, most=2)
    for item in (*CELLS[:3], CELLS[2], CELLS[0]):
        remembered.accuracy_percent([item])
    assert len(source.asked) == 4


def test_it_says_what_the_source_says():
    source = TabularAccuracy()
    remembered = Remembered(source)
    assert (remembered.kind, remembered.description, remembered.stable) == (source.kind, source.description, True)
    darts = SPACES["fully_concat"].sample(RNG)
    assert remembered.mismatch(darts) == source.mismatch(darts) is not None
    with pytest.raises(ValueError, match="NAS-Bench-201"):
        remembered.accuracy_percent([darts])


def test_what_changes_cannot_be_remembered():
    with pytest.raises(ValueError, match="only a stable source"):
        Remembered(TabularAccuracy(stable=False))


class Slow(TabularAccuracy):
    """Takes a while for every answer, as shared weights do."""

    def accuracy_percent(self, architectures):
        asked.extend(architectures)
        time.sleep(0.002)
        return super().accuracy_percent(architectures)


asked: list = []


@pytest.mark.parametrize("most", [3, 4096])
def test_threads_may_ask_at_once(most):
    asked.clear()
    rng = random.Random(2)
    cells = [SPACES["nasbench201"].sample(rng) for _ in range(12)]
    remembered = Remembered(Slow(), most)
    expected = TabularAccuracy().accuracy_percent([item.effective for item in cells])
    orders = [[rng.randrange(len(cells)) for _ in range(5)] for _ in range(200)]

    def ask(order):
        return remembered.accuracy_percent([cells[i] for i in order])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(ask, orders))
    finally:
        sys.setswitchinterval(interval)
    for order, answer in zip(orders, answers, strict=True):
        np.testing.assert_array_equal(answer, expected[order])
    assert len(remembered._known) <= most
    if most > len(cells):
        assert len(asked) == len(set(asked)) == len({item.effective for item in cells})

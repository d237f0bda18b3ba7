"""What each change of a transformation is worth, against differences taken by hand."""

import math
import random

from nat_core.architecture.spaces import SPACES
from nat_core.attribution import worth_of_changes
from nat_core.learning.nasbench201.table import TabularAccuracy

SPACE, SOURCE = SPACES["nasbench201"], TabularAccuracy()


def test_each_change_is_worth_what_is_lost_without_it():
    before = SPACE.sample(random.Random(3))
    after = before.with_operations(["conv_3x3", *before.operations[1:5], "skip_connect"])
    worth = worth_of_changes(before, after, SOURCE)
    accuracy = SOURCE.accuracy_percent([after])[0]
    for number, (old, new) in enumerate(zip(before.operations, after.operations, strict=True)):
        if old == new:
            assert math.isnan(worth[number])
            continue
        operations = list(after.operations)
        operations[number] = old
        assert worth[number] == accuracy - SOURCE.accuracy_percent([before.with_operations(operations)])[0]
    assert sum(map(math.isfinite, worth)) >= 1


def test_an_unchanged_architecture_has_no_changes_to_judge():
    given = SPACE.sample(random.Random(3))
    assert all(map(math.isnan, worth_of_changes(given, given, SOURCE)))

import random

import numpy as np

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.supernet_source import CoarseToFine

RNG = random.Random(0)
ARCHITECTURES = [SPACES["fully_concat"].sample(RNG) for _ in range(6)]


class Table:
    """Judges by position in `ARCHITECTURES`; notes who was asked about."""

    kind, stable = "shared-weight", True

    def __init__(self, values, description=""):
        self.values = dict(zip(ARCHITECTURES, values, strict=True))
        self.description = description
        self.asked = []

    def mismatch(self, architecture):
        return None

    def accuracy_percent(self, architectures):
        self.asked += [ARCHITECTURES.index(item) for item in architectures]
        return np.array([self.values[item] for item in architectures])


def test_the_best_few_and_the_first_are_judged_finely():
    coarse, fine = Table([0, 50, 10, 40, 30, 20]), Table([1, 2, 3, 4, 5, 6], "all images")
    source = CoarseToFine(coarse, fine, finalists=2)
    judgement = source.judge(ARCHITECTURES)
    assert judgement.is_final.tolist() == [True, True, False, True, False, False]
    assert judgement.accuracy_percent.tolist() == [1, 2, 10, 4, 30, 20]
    assert (coarse.asked, fine.asked) == ([0, 1, 2, 3, 4, 5], [0, 1, 3])
    assert (source.description, source.kind, source.stable) == ("all images", "shared-weight", True)


def test_few_candidates_need_no_coarse_stage():
    coarse, fine = Table([0] * 6), Table([1, 2, 3, 4, 5, 6])
    judgement = CoarseToFine(coarse, fine, finalists=5).judge(ARCHITECTURES)
    assert judgement.accuracy_percent.tolist() == [1, 2, 3, 4, 5, 6]
    assert judgement.is_final.all() and coarse.asked == []


def test_every_evaluation_is_a_step_and_the_last_one_is_the_judgement():
    source = CoarseToFine(Table([0, 50, 10, 40, 30, 20]), Table([1, 2, 3, 4, 5, 6]), finalists=2)
    steps = list(source.steps(ARCHITECTURES))
    assert [step.done for step in steps] == list(range(1, 10)) and {step.total for step in steps} == {9}
    assert [int(np.isfinite(step.accuracy_percent).sum()) for step in steps] == [1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert steps[6].accuracy_percent.tolist() == [1, 50, 10, 40, 30, 20]
    assert steps[-1].accuracy_percent.tolist() == source.judge(ARCHITECTURES).accuracy_percent.tolist()

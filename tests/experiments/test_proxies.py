"""How proxies are compared with the truth."""

import random
import re
from dataclasses import replace

import numpy as np
import pytest

from experiments.proxies import interval, judgements, noise, row, truth
from nat_core.architecture import notation
from nat_core.architecture.spaces import SPACES
from nat_core.learning.nasbench201 import table
from nat_core.learning.scratch.measured import SHIPPED, MeasuredResult, read_measured
from nat_core.learning.scratch.presets import preset_budget

pytestmark = pytest.mark.slow

SPACE = SPACES["fully_concat"]
RNG = random.Random(2)
ITEMS = [SPACE.sample(RNG) for _ in range(40)]
BUDGET = preset_budget("short", ITEMS[0], data="nowhere")


def result(architecture):
    return MeasuredResult(
        "", notation.shortest(architecture), 60.0, "selection", "b", 0, 1, 1, "C 8", "cifar10: images",
        "short", 3, 180.0, "2026-11-25", BUDGET.to_dict(), {},
    )  # fmt: skip


def test_the_truth_is_the_benchmarks_or_the_judges():
    known = truth(table.SPACE, 5, SHIPPED)
    assert list(known.values()) == table.TabularAccuracy().accuracy_percent(list(known)).tolist()
    judged = truth(SPACE, 0, SHIPPED)
    tested = {
        item.value: item.accuracy for item in read_measured(SHIPPED) if item.judged_on == "test" and not item.seed
    }
    assert judged and judged.items() <= tested.items()


def test_a_row_has_correlation_interval_and_time():
    true = np.arange(20.0)
    assert row("proxy", true.tolist(), true, 12.34) == "| proxy | 1.00 | 1.00 to 1.00 | 12.3 |"
    low, high = interval(np.random.default_rng(0).normal(size=20), true)
    assert -1 <= low < 0 < high <= 1


def test_noise_is_what_seeds_make_and_bounds_what_can_be_predicted():
    rng = np.random.default_rng(0)
    means, spread, seeds = rng.normal(75, 3, size=len(ITEMS)), 1.0, (0, 1)
    results = [
        replace(result(item), accuracy=mean + spread * rng.normal() - 2 * seed, seed=seed)
        for item, mean in zip(ITEMS, means, strict=True)
        for seed in seeds
    ]
    true = np.array([item.accuracy for item in results if item.seed == 0])
    (line,) = noise(results, true)
    numbers = re.search(r"(\d+) arch.* seed 1 too: (\S+) points on .* (\S+) points, .* of (\S+) with", line).groups()
    count, mean, deviation, allowed = map(float, numbers)
    assert count == len(ITEMS) and mean == pytest.approx(-2, abs=0.7) and deviation == pytest.approx(spread, rel=0.25)
    # What knows the means agrees with one training about as well as is allowed.
    assert allowed == pytest.approx(np.corrcoef(means, true)[0, 1], abs=0.03)
    assert list(noise(results[::2], true)) == []
    assert {item.seed for item in judgements(SHIPPED)} >= {0}

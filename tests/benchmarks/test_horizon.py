"""What longer trainings value otherwise is found where it is known."""

import random
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.horizon import ALONE, error, fit, left_out, observed, report
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.structure import FEATURES, features
from nat_core.learning.accuracies.structure_model import fit_structure_model
from nat_core.learning.scratch.measured import MeasuredResult
from nat_core.learning.scratch.presets import preset_budget

SPACE = SPACES["fully_concat"]
RNG = random.Random(0)
POOLINGS, LAYERS = FEATURES.index("ln(1 + max poolings), normal cell"), 1
SHARE = 0.8


def changed(architecture: Architecture) -> Architecture:
    return architecture.with_operations([RNG.choice(SPACE.targets(name)) for name in architecture.operations])


FAMILIES = [[item, *(changed(item) for _ in range(3))] for item in (SPACE.sample(RNG) for _ in range(24))]
BUDGET = preset_budget("short", FAMILIES[0][0], data="nowhere")


def counted(architecture: Architecture) -> np.ndarray:
    return features([architecture], BUDGET.network(10))[0]


def truth(architecture: Architecture, longer: bool) -> float:
    """Poolings are good at first, and worth nothing in the end."""
    counts = counted(architecture)
    shorter = 50 + 3 * counts[LAYERS] + 2 * counts[POOLINGS]
    return 20 + SHARE * (shorter - 2 * counts[POOLINGS]) if longer else shorter


def trained(architecture: Architecture, longer: bool = False) -> MeasuredResult:
    short = MeasuredResult(
        "", notation.shortest(architecture), truth(architecture, longer) + RNG.gauss(0, 0.1), "selection", "b", 0, 1, 1,
        "C 8, L 5", "cifar10: 45,000 images", "short", 3, 180.0, "2026-11-25", BUDGET.to_dict(), {},
    )  # fmt: skip
    return replace(short, budget="l", epochs=12) if longer else short


@pytest.fixture(scope="module")
def results():
    shorter = [trained(item) for family in FAMILIES for item in family]
    return shorter, [trained(item, longer=True) for family in FAMILIES[:8] for item in family]


def test_what_longer_trainings_value_otherwise_is_found(results):
    model = fit_structure_model(results[0], SPACE.name)
    found = fit(observed(*results, model), SHARE, 3.0, model)
    shorter, longer = found.shorter / model.deviations, found.longer / model.deviations
    assert shorter[[LAYERS, POOLINGS]] == pytest.approx([3, 2], abs=0.4)
    assert longer[[LAYERS, POOLINGS]] == pytest.approx([3 * SHARE, 0], abs=0.5)
    assert (found.longer_errors > 0).all()


def test_both_together_predict_longer_gains_better_than_shorter_ones_alone(results):
    model = fit_structure_model(results[0], SPACE.name)
    data = observed(*results, model)
    true, _ = left_out(data, SHARE, 3.0, model)
    assert len(true) == 32 and np.add.reduceat(true, range(0, 32, 4)) == pytest.approx(np.zeros(8), abs=1e-9)
    assert error(left_out(data, SHARE, 3.0, model)) < 0.6 * error(left_out(data, SHARE, ALONE, model))


def test_the_report_has_a_line_per_count(results):
    lines = list(report(*results))
    assert len(lines) == 2 + len(FEATURES) + 3 and lines[0].startswith("| points per unit of | 3 epochs (96)")
    assert "by both" in lines[-1]

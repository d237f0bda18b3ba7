"""What longer trainings value otherwise is found where it is known."""

import random
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.horizon import report
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.structure import FEATURES, features
from nat_core.learning.accuracies.structure_model import fit_structure_model, longer_ones, selection_model
from nat_core.learning.scratch.measured import MeasuredResult
from nat_core.learning.scratch.presets import preset_budget

pytestmark = pytest.mark.slow

SPACE = SPACES["fully_concat"]
RNG = random.Random(0)
LAYERS, POOLINGS = (
    [FEATURES.index(f"{name}, {cell} cell") for cell in ("normal", "reduction")]
    for name in ("ln(1 + layers)", "ln(1 + max poolings)")
)
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
    layers, poolings = counts[LAYERS].sum(), counts[POOLINGS].sum()
    shorter = 50 + 3 * layers + 2 * poolings
    return 20 + SHARE * (shorter - 2 * poolings) if longer else shorter


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


def test_what_longer_trainings_value_otherwise_is_modelled(results):
    shorter, longer = results
    models = [fit_structure_model(shorter, SPACE.name), fit_structure_model(shorter, SPACE.name, longer=longer)]
    weights = [np.array(model.weights) / model.deviations for model in models]
    assert weights[0][[*LAYERS, *POOLINGS]] == pytest.approx([3, 3, 2, 2], abs=0.4)
    assert weights[1][[*LAYERS, *POOLINGS]] == pytest.approx([3 * SHARE, 3 * SHARE, 0, 0], abs=0.7)
    assert (models[1].observed, models[1].longer) == (128, 32)
    assert models[1].description.startswith("cifar10 selection accuracy after 12 epochs at C 8, L 5: ")
    assert "fitted on 128 trainings, 32 of them so long, rank" in models[1].description
    assert models[1].left_out.gain_correlation > 0.95


def test_the_longest_trainings_are_what_is_predicted(results):
    shorter, longer = results
    test = [replace(item, judged_on="test", budget="t", epochs=20) for item in longer]
    assert longer_ones([*longer, *test, *shorter]) == longer and longer_ones(shorter) == longer_ones([]) == []
    assert selection_model([*test, *shorter, *longer], SPACE.name) == fit_structure_model(
        shorter, SPACE.name, longer=longer
    )


def test_the_report_has_a_line_per_count_and_both_together_predict_better(results):
    lines = list(report(*results))
    assert len(lines) == 2 + len(FEATURES) + 3 and lines[0].startswith("| points per unit of | 3 epochs (96) | 12")
    errors = [float(line.split("error ")[1].split()[0]) for line in lines[-2:]]
    assert "by both" in lines[-1] and errors[1] < 0.6 * errors[0]

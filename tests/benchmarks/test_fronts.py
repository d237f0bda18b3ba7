"""Fronts of a policy beside those of chance and search: all fit and may be believed, and more evaluations find more."""

import numpy as np
import pytest

from benchmarks import fronts
from benchmarks.rewards import inputs_of
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from nat_core.learning.policies.policy import Policy, PolicyConfig

SPACE = SPACES["fully_concat"]
MODEL = shipped_trainings_model(SPACE.name)


@pytest.fixture(scope="module")
def setting():
    return fronts.Setting(SPACE, inputs_of(SPACE, 2)[:2], MODEL, (1.0, 0.6, 0.3))


@pytest.fixture(scope="module")
def policy():
    return Policy(PolicyConfig(width=8, layers=1, embedding=4, key=8, budget="macs")).eval()


@pytest.fixture(scope="module")
def found(setting, policy):
    """What every method finds, by its title."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fronts, "_PRICES", (0.0,))
        return {title: method(setting) for title, method in fronts.methods(policy, 60, fitted_on=3).items()}


def test_every_method_fits_and_none_is_worse_than_its_start(setting, found):
    start = setting.score(setting.problems.owner, setting.starts)
    for title, rows in found.items():
        assert (setting.problems.cost(rows) <= setting.problems.left).all(), title
        worth = setting.score(setting.problems.owner, rows)
        assert np.isfinite(worth[setting.share == 1]).all(), title
        if title != fronts.GREEDY:
            assert (worth >= start).all(), title


def test_what_is_said_to_be_impossible_is(setting):
    small = fronts.Setting(SPACE, setting.inputs, MODEL, (0.05,))
    assert not len(small.problems)
    assert set(setting.share) >= {1.0, 0.6}


@pytest.mark.parametrize(
    ("macs", "gains", "enclosed"),
    [
        ([], [], 0),
        ([0.5], [0.2], 0.1),
        ([0.5, 0.25], [0.2, 0.1], 0.125),
        ([0.5, 0.75], [0.2, 0.1], 0.1),
        ([0.5], [-1], 0),
    ],
)
def test_the_hypervolume_by_hand(macs, gains, enclosed):
    assert fronts.hypervolume(np.array(macs), np.array(gains, dtype=float)) == pytest.approx(enclosed)


def test_the_tables_compare_all_methods_within_all_budgets(setting, policy, found):
    made = {title: fronts.Judged.of(setting, MODEL, rows) for title, rows in found.items()}
    side = fronts.Side(setting, policy, MODEL, made)
    lines = list(fronts.table([side]))
    assert sum(line.startswith("| policy, greedy") for line in lines) == 2 + len(made) - 2
    assert lines[-1].startswith("| steepest ascent, 60 | 1.000 ± 0.000 |")
    both = list(fronts.table([side, side]))
    assert [line.split(" ± ")[:2] for line in both] == [line.split(" ± ")[:2] for line in lines], "the mean of equals"
    assert error_of(both[2]) == pytest.approx(error_of(lines[2]) / 2**0.5, abs=0.001), "two judges err less than one"


def error_of(line: str) -> float:
    """The judge's, within all of the MACs."""
    return float(line.split(" ± ")[2].split(" ")[0])

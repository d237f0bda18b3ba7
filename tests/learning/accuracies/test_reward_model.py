"""The reward model: it learns, repeats itself, and keeps the contract of accuracy sources."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from nat_core.architecture.library import find
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.regressor import GraphRegressor
from nat_core.learning.accuracies.reward_model import (
    CompletedAccuracy,
    RewardModel,
    RewardModelConfig,
    fit_reward_model,
)
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.graphs.graph import encode
from nat_core.learning.nasbench201 import table
from nat_core.learning.support.ranks import rank_correlation

SPACE = SPACES["nasbench201"]
ORDER = np.random.default_rng(0).permutation(table.SIZE)
QUICK = RewardModelConfig(steps=250, width=48, batch=64)
TINY = RewardModelConfig(steps=5, width=8, batch=16)


def _cells(codes: np.ndarray) -> list:
    return [table.architecture_of_code(int(code)) for code in codes]


def _fit(config: RewardModelConfig, codes: np.ndarray) -> RewardModel:
    return fit_reward_model(_cells(codes), table.accuracies_percent()[codes], SPACE, config)


@pytest.fixture(scope="module")
def model() -> RewardModel:
    """Fitted on 500 cells."""
    return _fit(QUICK, ORDER[:500])


@pytest.fixture(scope="module")
def tiny() -> RewardModel:
    return _fit(TINY, ORDER[:60])


def test_it_ranks_what_it_has_not_seen(model: RewardModel) -> None:
    unseen = ORDER[500:1500]
    predicted = model.accuracy_percent(_cells(unseen))
    measured = table.accuracies_percent()[unseen]
    assert rank_correlation(predicted, measured) > 0.8
    assert np.abs(predicted - measured).mean() < 4


def test_it_reports_quality_on_what_its_members_left_out(model: RewardModel) -> None:
    assert model.quality.held_out == 100  # a tenth of 500 for each of two members
    assert model.quality.rank_correlation > 0.75
    assert 0 < model.quality.mean_absolute_error_points < 5


def test_it_keeps_the_contract_of_accuracy_sources(model: RewardModel) -> None:
    cells = _cells(ORDER[:4])
    assert isinstance(model, AccuracySource)
    assert (model.kind, model.stable) == ("modelled", True)
    assert "500 evaluated architectures" in model.description
    values = model.accuracy_percent(cells)
    assert (values.dtype, values.shape) == (np.float64, (4,))
    assert ((values >= 0) & (values <= 100)).all()
    assert model.accuracy_percent([]).shape == (0,)
    assert model.accuracy_percent([*reversed(cells), cells[0]]) == pytest.approx(
        [*reversed(values), values[0]], abs=1e-3
    )


def test_a_stranger_is_refused_for_the_reason_given(tiny: RewardModel) -> None:
    stranger = find("ENAS").architecture
    assert tiny.mismatch(_cells(ORDER[:1])[0]) is None
    reason = tiny.mismatch(stranger)
    assert reason
    with pytest.raises(ValueError, match="architecture 1 is not of the model's space") as caught:
        tiny.accuracy_percent([*_cells(ORDER[:1]), stranger])
    assert reason in str(caught.value)


def test_the_same_seed_gives_the_same_model_whatever_torch_drew_before(tiny: RewardModel) -> None:
    torch.manual_seed(99)
    again, other = _fit(TINY, ORDER[:60]), _fit(replace(TINY, seed=1), ORDER[:60])
    cells = _cells(ORDER[:20])
    assert np.array_equal(tiny.accuracy_percent(cells), again.accuracy_percent(cells))
    assert not np.array_equal(tiny.accuracy_percent(cells), other.accuracy_percent(cells))
    assert tiny.quality == again.quality


def test_minimum_is_never_above_mean_and_equals_some_member(tiny: RewardModel) -> None:
    cells = _cells(ORDER[:50])
    mean = replace(tiny, config=replace(TINY, combine="mean")).accuracy_percent(cells)
    alone = [replace(tiny, members=(member,)).accuracy_percent(cells) for member in tiny.members]
    assert np.allclose(tiny.accuracy_percent(cells), np.minimum(*alone))
    assert np.allclose(mean, np.mean(alone, axis=0))
    assert (tiny.accuracy_percent(cells) <= mean + 1e-9).all()


def test_dead_edges_do_not_change_a_prediction(tiny: RewardModel) -> None:
    digits = {(0, 1): 1, (0, 2): 3, (1, 2): 0, (0, 3): 2, (1, 3): 4, (2, 3): 4}  # nodes 1 and 2 reach nothing
    names = [SPACE.operations[digits[ends]] for ends in table.EDGES]
    alive = table.architecture_of_code(0).with_operations(names)
    assert alive.effective != alive
    assert tiny.accuracy_percent([alive]) == pytest.approx(tiny.accuracy_percent([alive.effective]))


def test_completed_accuracies_are_measured_where_they_can_be(tiny: RewardModel) -> None:
    cells = _cells(ORDER[58:62])  # two that were measured, two that were not
    completed = CompletedAccuracy(tiny, {cells[0]: 12.5, cells[1]: 99.0})
    predicted = tiny.accuracy_percent(cells[2:]).tolist()
    assert isinstance(completed, AccuracySource)
    assert completed.accuracy_percent([cells[2], cells[1], cells[3], cells[0], cells[1]]) == pytest.approx(
        [predicted[0], 99.0, predicted[1], 12.5, 99.0]
    )
    assert completed.accuracy_percent([]).shape == (0,)
    assert completed.description.startswith("2 measured accuracies, elsewhere a reward model")
    assert (completed.mismatch(cells[0]), completed.mismatch(cells[2])) == (None, None)
    stranger = find("ENAS").architecture
    assert completed.mismatch(stranger) == tiny.mismatch(stranger)
    with pytest.raises(ValueError, match="is not of the model's space"):
        completed.accuracy_percent([stranger])


def test_cells_of_other_spaces_with_two_cells_are_learned_too() -> None:
    space, rng = SPACES["fully_concat"], random.Random(0)
    architectures = [space.sample(rng) for _ in range(80)]
    share = np.array([sum("conv" in name for name in item.operations) for item in architectures])
    fitted = fit_reward_model(architectures, 50.0 + share, space, RewardModelConfig(steps=80, width=24, batch=32))
    assert rank_correlation(fitted.accuracy_percent(architectures), 1.0 * share) > 0.8


def test_regressor_gives_one_number_per_graph_alone_or_in_a_batch() -> None:
    regressor, cells = GraphRegressor(width=8, layers=2, embedding=4).eval(), _cells(ORDER[:3])
    together = regressor(encode(cells))
    assert together.shape == (3,)
    assert torch.allclose(together, torch.cat([regressor(encode([cell])) for cell in cells]), atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"combine": "median"}, "combine is 'median'; accepted: mean, min"),
        ({"members": 0}, "members is 0; accepted: whole numbers from 1 to 10"),
        ({"rank_share": 1.5}, "rank_share is 1.5"),
        ({"steps": 0}, "steps is 0; accepted: whole numbers from 1 to"),
        ({"layers": 2**63}, "layers is 9223372036854775808; accepted: whole numbers from 1 to 16"),
        ({"width": 10**9}, "width is 1000000000; accepted: whole numbers from 1 to 1,024"),
    ],
)
def test_config_out_of_bounds(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RewardModelConfig(**changes)


@pytest.mark.parametrize(
    ("accuracies", "message"),
    [
        (np.arange(19.0), r"accuracies have shape \(19,\)"),
        (np.full(20, np.nan), "the accuracy of architecture 0 is nan"),
        (np.ones(20), "1 distinct accuracies; a reward model needs 2 or more"),
    ],
)
def test_data_that_cannot_be_fitted(accuracies: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_reward_model(_cells(ORDER[:20]), accuracies, SPACE, TINY)


def test_too_few_architectures() -> None:
    with pytest.raises(ValueError, match="3 evaluated architectures; a reward model needs 20 or more"):
        _fit(TINY, ORDER[:3])

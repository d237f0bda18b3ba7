"""The scale of a reward model's targets, and rank correlation."""

import numpy as np
import pytest

from nat_core.learning.support.ranks import TargetScale, rank_correlation


def test_target_scale_by_hand() -> None:
    values = np.array([10.0, 20.0, 90.0])
    scale = TargetScale.fitted(values, rank_share=1.0)
    quantile = 0.967422  # of the normal distribution at 5/6
    assert scale.to_target(values) == pytest.approx([-quantile, 0, quantile], abs=1e-5)
    standard = TargetScale.fitted(values, rank_share=0.0).to_target(values)
    assert standard == pytest.approx((values - 40) / values.std())


@pytest.mark.parametrize("rank_share", [0.0, 0.5, 1.0])
def test_target_scale_is_monotone_and_inverts_itself(rank_share: float) -> None:
    values = np.random.default_rng(1).normal(60, 8, 300).round(1)  # with ties
    scale = TargetScale.fitted(values, rank_share)
    assert scale.to_percent(scale.to_target(values)) == pytest.approx(values)
    beyond = scale.to_percent(np.array([scale.to_target(values).max() + 0.1]))
    assert values.max() < beyond[0] <= 100


def test_rank_correlation_by_hand() -> None:
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([10.0, 20, 25])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 4, 3])) == pytest.approx(0.8)
    assert rank_correlation(np.array([1.0, 1, 2]), np.array([1.0, 2, 3])) == pytest.approx(np.sqrt(3) / 2)
    assert rank_correlation(np.ones(3), np.arange(3.0)) == 0

"""The regression, on data whose truth is known."""

import numpy as np
import pytest

from nat_core.learning.accuracies.line import (
    Data,
    Expected,
    Line,
    Standard,
    fitted,
    folds_of,
    left_out,
    posterior,
)

RNG = np.random.default_rng(0)
COLUMNS, WEIGHTS, NOISE = RNG.normal(size=(400, 3)), np.array([1.0, -0.5, 0.0]), 0.3
TABLES = np.repeat([0, 1], 200)
TARGETS = COLUMNS @ WEIGHTS + np.array([5.0, -2.0])[TABLES] + NOISE * RNG.normal(size=400)
NOTHING = Expected(np.zeros(3), np.full(3, 10.0))
PLAIN = Standard((0.0,) * 3, (1.0,) * 3, (-9.0,) * 3, (9.0,) * 3)


def data(expected=NOTHING, columns=COLUMNS, targets=TARGETS, tables=TABLES):
    return Data(columns, targets, tables, expected)


def test_weights_are_shared_and_levels_are_each_tables_own():
    line = fitted(data(), PLAIN, NOISE**2)
    assert line.weights == pytest.approx(WEIGHTS, abs=0.06)
    assert line.intercept == pytest.approx(5.0, abs=0.1)
    assert posterior(data(), NOISE**2).values[-1] == pytest.approx(-2.0, abs=0.1)


def test_with_a_penalty_it_is_ridge_regression():
    penalty, variance = 30.0, 0.04
    expected = Expected(np.zeros(3), np.full(3, (variance / penalty) ** 0.5))
    one = data(expected, COLUMNS[:50], TARGETS[:50], np.zeros(50, dtype=np.int64))
    centred, targets = COLUMNS[:50] - COLUMNS[:50].mean(0), TARGETS[:50] - TARGETS[:50].mean()
    ridge = np.linalg.solve(centred.T @ centred + penalty * np.eye(3), centred.T @ targets)
    assert fitted(one, PLAIN, variance).weights == pytest.approx(ridge, abs=1e-4)


def test_where_data_say_nothing_what_was_expected_stays_with_its_doubt():
    columns = COLUMNS * [1.0, 1.0, 0.0]
    line = fitted(data(Expected(np.array([0, 0, 0.7]), np.array([10, 10, 0.2])), columns), PLAIN, NOISE**2)
    assert line.weights[2] == pytest.approx(0.7)
    assert np.sqrt(line.change_variances(np.array([[0.0, 0.0, 1.0]]))) == pytest.approx(0.2)


def test_errors_are_as_large_as_they_say():
    found, variances = left_out(data(), folds_of(list(range(400)), 10), NOISE**2)
    off = np.abs(found - TARGETS) / np.sqrt(variances + NOISE**2)
    assert np.mean(off < 1) == pytest.approx(0.68, abs=0.06) and np.mean(off < 2) == pytest.approx(0.95, abs=0.03)


def test_a_difference_has_no_error_of_the_level():
    line = fitted(data(), PLAIN, NOISE**2)
    one, other = COLUMNS[:5], COLUMNS[5:10]
    changes = line.change_variances(other - one)
    covariance = np.array(line.covariance).reshape(4, 4)[:3, :3]
    assert changes == pytest.approx(np.einsum("ni,ij,nj->n", other - one, covariance, other - one))
    assert (line.variances(one) > 0).all()


def test_columns_stay_within_what_was_seen():
    seen = np.array([[0.0, 1.0], [2.0, 3.0]])
    standard = Standard.of(seen, np.array([True, False]), np.array([True, True]))
    assert standard(np.array([[9.0, 9.0]])) == pytest.approx(np.array([[1.0, 7.0]]))


def test_a_broken_line_is_refused():
    line = fitted(data(), PLAIN, NOISE**2)
    with pytest.raises(ValueError, match="different sizes"):
        Line(PLAIN, line.weights[:2], line.intercept, line.covariance)
    with pytest.raises(ValueError, match="not finite"):
        Line(PLAIN, (np.nan, 0.0, 0.0), line.intercept, line.covariance)


def test_what_has_the_same_key_is_in_the_same_fold():
    keys = [number % 7 for number in range(50)]
    folds = folds_of(keys, 3)
    assert set(folds) == {0, 1, 2} and all(len(set(folds[np.array(keys) == key])) == 1 for key in keys)

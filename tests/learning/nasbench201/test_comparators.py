"""Comparators: against brute force, against each other, and never outside the rule."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.architecture.spaces import SPACES
from nat_core.learning.nasbench201.comparators import (
    Lattice,
    apply_rule,
    best_of,
    fit_fixed_rule,
    identity_rule,
    local_search,
    local_search_all,
    oracle,
    quality_of,
    random_legal,
)

LATTICE = Lattice.of_space(SPACES["nasbench201"])
SEEDS = st.integers(0, 2**32 - 1)
CODES = st.integers(0, LATTICE.size - 1)


def _scores(seed: int, lattice: Lattice = LATTICE) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=lattice.size)


def _reachable(lattice: Lattice, code: int) -> list[int]:
    """By enumeration of the product of legal targets, without `is_reachable`."""
    targets = lattice.choices(code)
    return [int(lattice.encode(np.array(digits))) for digits in itertools.product(*targets)]


def test_lattice_numbers_every_architecture_once() -> None:
    assert (LATTICE.size, LATTICE.edges) == (15625, 6)
    assert np.array_equal(LATTICE.encode(LATTICE.digits), np.arange(15625))
    assert LATTICE.digits[1].tolist() == [0, 0, 0, 0, 0, 1]


@given(CODES)
def test_code_is_the_inverse_of_digits(code: int) -> None:
    architecture = SPACES["nasbench201"].sample(random.Random(0))
    names = [LATTICE.operations[digit] for digit in LATTICE.digits[code]]
    assert LATTICE.code(architecture.with_operations(names)) == code


def test_code_refuses_another_space() -> None:
    with pytest.raises(ValueError, match="are not on a lattice of 6 edges"):
        LATTICE.code(SPACES["fully_concat"].sample(random.Random(0)))


def test_a_space_without_fixed_topology_has_no_lattice() -> None:
    with pytest.raises(ValueError, match=r"fully_concat has no fixed topology.*accepted: nasbench201"):
        Lattice.of_space(SPACES["fully_concat"])


def test_legal_moves_are_those_of_the_specification() -> None:
    expected = {
        "conv_1x1": {"conv_1x1", "skip_connect", "null"},
        "conv_3x3": {"conv_1x1", "conv_3x3", "avg_pool_3x3", "skip_connect", "null"},
        "avg_pool_3x3": {"avg_pool_3x3", "skip_connect", "null"},
        "skip_connect": {"skip_connect", "null"},
        "null": {"skip_connect", "null"},
    }
    for operation, row in zip(LATTICE.operations, LATTICE.legal, strict=True):
        assert {LATTICE.operations[i] for i in np.flatnonzero(row)} == expected[operation]


@settings(max_examples=20, deadline=None)
@given(SEEDS, CODES)
def test_oracle_equals_brute_force(seed: int, code: int) -> None:
    scores = _scores(seed)
    assert oracle(LATTICE, scores)[code] == max(_reachable(LATTICE, code), key=scores.__getitem__)


def test_oracle_keeps_the_input_when_nothing_is_better() -> None:
    assert np.array_equal(oracle(LATTICE, np.zeros(LATTICE.size)), np.arange(LATTICE.size))


@pytest.mark.parametrize(
    ("scores", "message"),
    [(np.zeros(5), r"scores have shape \(5,\)"), (np.full(15625, np.nan), "the score of code 0 is not finite")],
)
def test_oracle_refuses_incomplete_scores(scores: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        oracle(LATTICE, scores)


def test_fixed_rule_is_the_best_of_all_rules_on_a_small_lattice() -> None:
    lattice = Lattice(("conv_1x1", "skip_connect", "null"), edges=2)
    scores, inputs = _scores(3, lattice), np.arange(lattice.size)
    mappings = list(itertools.product(*(np.flatnonzero(row).tolist() for row in lattice.legal)))
    rules = [np.array(pair) for pair in itertools.product(mappings, repeat=2)]
    exact = max(scores[apply_rule(lattice, rule, inputs)].mean() for rule in rules)
    fitted = fit_fixed_rule(lattice, scores, inputs, np.random.default_rng(0))
    assert scores[apply_rule(lattice, fitted, inputs)].mean() == pytest.approx(exact)


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_fixed_rule_beats_identity_and_stays_legal(seed: int) -> None:
    rng, scores = np.random.default_rng(seed), _scores(seed)
    inputs = rng.choice(LATTICE.size, 500, replace=False)
    outputs = apply_rule(LATTICE, fit_fixed_rule(LATTICE, scores, inputs, rng, restarts=2), inputs)
    assert scores[outputs].mean() > scores[inputs].mean()
    assert LATTICE.is_reachable(inputs, outputs).all()


def test_identity_rule_changes_nothing() -> None:
    codes = np.arange(LATTICE.size)
    assert np.array_equal(apply_rule(LATTICE, identity_rule(LATTICE), codes), codes)


def test_random_legal_is_uniform_over_what_is_reachable() -> None:
    lattice = Lattice(("conv_3x3", "conv_1x1", "skip_connect", "null"), edges=2)
    code = lattice.encode(np.array([[1, 2]]))  # conv_1x1 has 3 legal targets, skip_connect 2
    drawn = random_legal(lattice, code, 12_000, np.random.default_rng(0))[0]
    found, counts = np.unique(drawn, return_counts=True)
    assert found.tolist() == sorted(_reachable(lattice, int(code[0])))
    assert np.abs(counts - 2000).max() < 200  # five standard deviations


def test_best_of_takes_the_largest_score_of_each_row() -> None:
    scores = np.array([0.0, 3.0, 1.0, 2.0])
    assert best_of(np.array([[0, 2, 3], [1, 0, 0]]), scores).tolist() == [3, 1]


@settings(max_examples=20, deadline=None)
@given(SEEDS, CODES, st.integers(0, 40))
def test_local_search_never_loses_and_spends_no_more_than_allowed(seed: int, code: int, lookups: int) -> None:
    scores, asked = _scores(seed), []

    def score(digits: tuple[int, ...]) -> float:
        asked.append(digits)
        return float(scores[LATTICE.encode(np.array(digits))])

    start = tuple(LATTICE.digits[code].tolist())
    found = local_search(start, LATTICE.choices(code), score, lookups, random.Random(seed))
    output = LATTICE.encode(np.array(found))
    assert scores[output] >= scores[code]
    assert LATTICE.is_reachable(np.array(code), output)
    assert len(asked) <= lookups + 1
    assert len(asked) == len(set(asked))


def test_local_search_with_enough_lookups_is_the_oracle() -> None:
    scores, inputs = _scores(0), np.array([0, 15624, 7000])
    found = local_search_all(LATTICE, scores, inputs, LATTICE.size, random.Random(0))
    assert np.array_equal(found, oracle(LATTICE, scores)[inputs])


def test_local_search_serves_names_as_well_as_digits() -> None:
    cost = {"conv_3x3": 2.0, "skip_connect": 1.0, "null": 0.0}
    choices = [("conv_3x3", "skip_connect", "null")] * 3
    found = local_search(("conv_3x3",) * 3, choices, lambda names: -sum(cost[n] for n in names), 26, random.Random(1))
    assert found == ("null",) * 3


def test_judge_by_hand() -> None:
    scores = np.array([10.0, 12.0, 9.9, 9.0])
    inputs, outputs, best = np.array([0, 0, 0, 0]), np.array([1, 2, 3, 0]), np.array([1, 1, 1, 1])
    quality = quality_of(scores, inputs, outputs, best)
    assert quality.gain == pytest.approx((2 - 0.1 - 1 + 0) / 4)
    assert quality.recovered == pytest.approx(quality.gain / 2)
    assert (quality.worse, quality.clearly_worse) == (0.5, 0.25)


def test_judge_refuses_an_oracle_without_gain() -> None:
    same = np.arange(4)
    with pytest.raises(ValueError, match="mean gain over 4 inputs is 0; it must be positive"):
        quality_of(np.ones(4), same, same, same)

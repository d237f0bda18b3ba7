from fractions import Fraction

import pytest

from nat_core.architecture.operations import NAMES, NULL
from nat_core.network.cost import Cost
from nat_core.network.costs import operation_cost
from nat_core.network.measure import measure
from nat_core.network.measured_costs import BLOCKS
from nat_core.network.modules import build_operation
from nat_core.network.scaling import (
    BLOCK_POINTS,
    SIDE,
    Scaling,
    solve,
    terms_of_block,
    terms_of_operation,
)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", [name for name in NAMES if name != NULL])
def test_an_operations_cost_at_another_size_is_what_is_measured_there(name, stride):
    assert operation_cost(name, 10, 12, stride) == measure(build_operation(name, 10, stride, True), (1, 10, 12, 12))


@pytest.mark.parametrize("name", ["max_pool_2x2", "conv_1x3_3x1", "skip_connect", "dil_conv_5x5"])
def test_where_the_stride_does_not_divide_the_resolution_it_is_measured(name):
    assert operation_cost(name, 6, 11, 2) == measure(build_operation(name, 6, 2, True), (1, 6, 11, 11))


@pytest.mark.parametrize("module", BLOCKS)
def test_a_blocks_cost_at_another_size_is_what_is_measured_there(module):
    small = [measure(module(*point), (1, point[0], SIDE, SIDE)) for point in BLOCK_POINTS]
    scaling = Scaling.fitted(terms_of_block, BLOCK_POINTS, small)
    assert scaling.cost(3, 14, resolution=20) == measure(module(3, 14), (1, 3, 20, 20))


def test_a_polynomial_by_hand():
    measured = [Cost(parameters=3 * 2 + 4, convolution=64 * 4), Cost(parameters=3 * 4 + 16, convolution=64 * 16)]
    scaling = Scaling.fitted(terms_of_operation, ((2,), (4,)), measured)
    assert [Fraction(factor, scaling.divisor) for factor in scaling.coefficients[0]] == [3, 1]
    assert scaling.cost(10, resolution=16) == Cost(parameters=130, convolution=4 * 64 * 100)


def test_equations_are_solved_exactly():
    rows = [[Fraction(0), Fraction(3)], [Fraction(2), Fraction(1)]]
    assert solve(rows, [Fraction(1), Fraction(1)]) == (Fraction(1, 3), Fraction(1, 3))

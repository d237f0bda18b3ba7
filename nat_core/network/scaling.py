"""Costs at any size from a few small measurements: a cost is a polynomial in the channels, times the pixels.

The cost of a block of convolutions, norms and poolings is a polynomial of low degree in its channels, with rational
coefficients. As many measurements as the polynomial has terms determine it exactly. Counts of operations scale with the
number of pixels if every stride divides the resolution; parameters and linear layers do not depend on the resolution.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from operator import mul

from nat_core.network.cost import FIELDS, Cost

SIDE = 8  # side of the measured images in pixels; every stride divides it
_WITHOUT_PIXELS = ("parameters", "linear")

Terms = Callable[..., tuple[int, ...]]


def terms_of_operation(channels: int) -> tuple[int, ...]:
    """Return the terms C and C²; an operation has as many input as output channels."""
    return channels, channels**2


def terms_of_block(inputs: int, outputs: int) -> tuple[int, ...]:
    """Return the terms of a module's cost: all products of at most two of its input and output channels."""
    return 1, inputs, outputs, inputs * outputs, outputs**2


OPERATION_POINTS = ((2,), (4,))
BLOCK_POINTS = ((2, 2), (4, 2), (2, 4), (4, 4), (2, 6))


@dataclass(frozen=True)
class Scaling:
    """A cost as a polynomial in the channels.

    Attributes:
        terms: computes the polynomial's terms from the channels.
        coefficients: one tuple per field of `Cost`, at SIDE × SIDE pixels, multiplied by `divisor`.
        divisor: common denominator of all coefficients.
    """

    terms: Terms
    coefficients: tuple[tuple[int, ...], ...]
    divisor: int

    @classmethod
    def fitted(cls, terms: Terms, points: tuple[tuple[int, ...], ...], measured: Sequence[Cost]) -> "Scaling":
        """The polynomial through the costs `measured` at as many `points` as it has terms."""
        inverse, divisor = _inverse(terms, points)
        values = [[getattr(cost, name) for cost in measured] for name in FIELDS]
        return cls(terms, tuple(tuple(_dot(row, value) for row in inverse) for value in values), divisor)

    def cost(self, *channels: int, resolution: int) -> Cost:
        """The cost with these channels on `resolution` × `resolution` pixels."""
        terms = self.terms(*channels)
        return Cost(
            **{
                name: _whole(_dot(factors, terms) * _area(name, resolution), self.divisor * SIDE**2)
                for name, factors in zip(FIELDS, self.coefficients, strict=True)
            }
        )


def _area(name: str, resolution: int) -> int:
    return SIDE**2 if name in _WITHOUT_PIXELS else resolution**2


def _dot(some: Sequence[int], others: Sequence[int]) -> int:
    return sum(map(mul, some, others))


def _whole(numerator: int, denominator: int) -> int:
    number, rest = divmod(numerator, denominator)
    assert rest == 0, f"a cost is {numerator} / {denominator}, which no module has"
    return number


@lru_cache(maxsize=8)
def _inverse(terms: Terms, points: tuple[tuple[int, ...], ...]) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Return the inverse of the matrix of terms at the points, as whole numbers and their common denominator."""
    rows = [[Fraction(term) for term in terms(*point)] for point in points]
    columns = [solve(rows, [Fraction(place == other) for other in range(len(rows))]) for place in range(len(rows))]
    divisor = lcm(*(entry.denominator for column in columns for entry in column))
    return tuple(tuple(int(entry * divisor) for entry in row) for row in zip(*columns, strict=True)), divisor


def solve(rows: Sequence[Sequence[Fraction]], values: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Solve a regular system of linear equations exactly by Gauss-Jordan elimination."""
    size = len(rows)
    table = [[*row, value] for row, value in zip(rows, values, strict=True)]
    for column in range(size):
        pivot = next(row for row in range(column, size) if table[row][column])
        table[column], table[pivot] = table[pivot], table[column]
        table[column] = [entry / table[column][column] for entry in table[column]]
        for row in range(size):
            if row != column and table[row][column]:
                share = table[row][column]
                table[row] = [entry - share * top for entry, top in zip(table[row], table[column], strict=True)]
    return tuple(row[-1] for row in table)

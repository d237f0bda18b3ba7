"""Costs at any size from a few small measurements: they are polynomials in the channels, times the pixels.

What a block of convolutions, norms and poolings costs is a polynomial of low degree in its channels, with rational
coefficients; as many measurements as it has terms give it exactly. Operations scale with the pixels as long as every
stride divides the resolution; parameters and linear layers do not know the resolution at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from nat_core.network.measure import Cost

SIDE = 8  # pixels: of the images measured; every stride divides it
_WITHOUT_PIXELS = ("parameters", "linear")
_FIELDS = tuple(Cost.__dataclass_fields__)

Terms = Callable[..., tuple[int, ...]]


def terms_of_operation(channels: int) -> tuple[int, ...]:
    """C and C²: operations keep their channels."""
    return channels, channels**2


def terms_of_block(inputs: int, outputs: int) -> tuple[int, ...]:
    """What a module from `inputs` to `outputs` channels, perhaps through others that depend on the latter, can cost."""
    return 1, inputs, outputs, inputs * outputs, outputs**2


OPERATION_POINTS = ((2,), (4,))
BLOCK_POINTS = ((2, 2), (4, 2), (2, 4), (4, 4), (2, 6))


@dataclass(frozen=True)
class Scaling:
    """How a cost grows.

    Attributes:
        terms: of the polynomial, as functions of the channels.
        coefficients: one tuple per field of `Cost`, at SIDE × SIDE pixels.
    """

    terms: Terms
    coefficients: tuple[tuple[Fraction, ...], ...]

    @classmethod
    def fitted(cls, terms: Terms, points: Sequence[tuple[int, ...]], measured: Sequence[Cost]) -> "Scaling":
        """The polynomial through the costs `measured` at as many `points` as it has terms."""
        rows = [[Fraction(term) for term in terms(*point)] for point in points]
        values = [[Fraction(getattr(cost, name)) for cost in measured] for name in _FIELDS]
        return cls(terms, tuple(solve(rows, value) for value in values))

    def cost(self, *channels: int, resolution: int) -> Cost:
        """The cost with these channels on `resolution` × `resolution` pixels."""
        terms, area = self.terms(*channels), Fraction(resolution**2, SIDE**2)
        return Cost(
            **{
                name: _whole(
                    sum(factor * term for factor, term in zip(factors, terms, strict=True) if factor)
                    * (1 if name in _WITHOUT_PIXELS else area)
                )
                for name, factors in zip(_FIELDS, self.coefficients, strict=True)
            }
        )


def _whole(value: Fraction | int) -> int:
    number = Fraction(value)
    assert number.denominator == 1, f"a cost is {number}, which no module has"
    return number.numerator


def solve(rows: Sequence[Sequence[Fraction]], values: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Solves a regular system of linear equations exactly, by Gauss and Jordan."""
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

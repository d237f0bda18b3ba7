"""The cost of executing a module: parameters, and operations per image for each operator."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Cost:
    """Parameters, and operations per image for each operator. Costs can be added.

    Attributes:
        parameters: the number of learnable parameters.
        convolution, linear: MACs.
        batch_norm, max_pool, avg_pool, global_pool: elementary operations, by the conventions of `measure`.
    """

    parameters: int = 0
    convolution: int = 0
    linear: int = 0
    batch_norm: int = 0
    max_pool: int = 0
    avg_pool: int = 0
    global_pool: int = 0

    @property
    def macs(self) -> int:
        """Multiply-adds of convolutions and linear layers per image: what the literature quotes."""
        return self.convolution + self.linear

    @property
    def operators(self) -> Mapping[str, int]:
        """Counts by operator, parameters left out."""
        return MappingProxyType({name: getattr(self, name) for name in OPERATORS})

    def __add__(self, other: "Cost") -> "Cost":
        return total((self, other))


FIELDS = tuple(Cost.__dataclass_fields__)
OPERATORS = tuple(name for name in FIELDS if name != "parameters")


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of `costs`, which is zero if there are none."""
    rows = [vars(cost).values() for cost in costs]  # in the order of the fields, without the deep copies of `astuple`
    return Cost(*map(sum, zip(*rows, strict=True)))

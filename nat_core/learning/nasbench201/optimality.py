"""The distance of an output to the optimum on NAS-Bench-201, where the accuracy of every reachable cell is known.

Two oracles stand beside an output. One chooses, as a policy does, by the validation accuracy that rewards training;
what it loses on another column no policy could know. The other may choose by the very column that counts: the limit.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Codes, Lattice, oracle
from nat_core.learning.support.pareto import pareto_front


@dataclass(frozen=True)
class Optimality:
    """One input and one output, evaluated by one data set; accuracies in percent.

    Attributes:
        data_set: dataset whose accuracies count, a name of `table.DATA_SETS`.
        before, after: accuracies of input and output.
        best: accuracy of the oracle that selects by the score, as the policy does.
        own_best: accuracy of the oracle that selects by `data_set` itself.
    """

    data_set: str
    before: float
    after: float
    best: float
    own_best: float

    @property
    def gain(self) -> float:
        """Points gained by the output."""
        return self.after - self.before

    @property
    def possible(self) -> float:
        """Points that any legal transformation could gain."""
        return self.own_best - self.before

    @property
    def missing(self) -> float:
        """Points between the output and the limit."""
        return self.own_best - self.after

    @property
    def recovered(self) -> float | None:
        """Share of the possible gain; None where nothing was possible. Negative where the output is worse."""
        return self.gain / self.possible if self.possible > 0 else None


@lru_cache(maxsize=4)
def lattice(rule: str = "nat++") -> Lattice:
    """NAS-Bench-201 under a transition rule."""
    return Lattice.of_space(table.SPACE, rule)


@lru_cache(maxsize=32)
def oracle_codes(data_set: str, rule: str = "nat++") -> Codes:
    """Return each cell's best reachable cell by `data_set`, shape [15625]. Raises ValueError if it is unknown."""
    return oracle(lattice(rule), table.accuracies_percent(data_set))


def reachable_codes(code: int, rule: str = "nat++") -> Codes:
    """Codes of every cell that legal transitions make of this one, itself among them, rising."""
    every = np.arange(table.SIZE)
    return every[lattice(rule).is_reachable(np.array(code), every)]


def reachable_front(code: int, costs: NDArray[np.floating], data_set: str, rule: str = "nat++") -> list[int]:
    """Return the codes of the Pareto front of all legal transformations of a cell; costs and accuracies rise.

    Args:
        code: code of the cell.
        costs: costs of all cells in code order, [15625].
        data_set: dataset of the accuracies.
        rule: transition rule.

    Raises:
        ValueError: the data set or rule is unknown.
    """
    codes, accuracies = reachable_codes(code, rule), table.accuracies_percent(data_set)
    return codes[pareto_front(costs[codes], accuracies[codes])].tolist()


def optimality(before: int, after: int, data_set: str, score: str = "cifar10_valid", rule: str = "nat++") -> Optimality:
    """Evaluate the output `after` of the input `before`, both given as codes.

    Args:
        data_set: dataset whose accuracies count.
        score: the data set by which the policy and the first oracle chose.
        rule: transition rule.

    Raises:
        ValueError: the data set or rule is unknown.
    """
    accuracies = table.accuracies_percent(data_set)
    best, own = oracle_codes(score, rule)[before], oracle_codes(data_set, rule)[before]
    return Optimality(data_set, *(float(accuracies[code]) for code in (before, after, best, own)))


def rank(code: int, data_set: str) -> int:
    """1 for the most accurate of all cells; equals share the better rank."""
    accuracies = table.accuracies_percent(data_set)
    return 1 + int((accuracies > accuracies[code]).sum())

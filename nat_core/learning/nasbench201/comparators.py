"""Comparators of a policy: the exact oracle, the best fixed rule, random and local search.

Everything here works on a `Lattice`: all architectures of one topology, numbered so that a score is
one entry of a vector (an accuracy, an accuracy minus a cost, a reward model's prediction). Results are codes
of architectures, so `scores[codes]` evaluates any of them with any other vector: exhaustive search on a reward
model is `oracle(lattice, predictions)`, evaluated by `true_scores[...]`. Only `local_search`,
which needs no enumeration, also serves other spaces.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.architecture.transitions import legal_targets

Choice = TypeVar("Choice")
Codes = NDArray[np.int64]
Scores = NDArray[np.floating]


@dataclass(frozen=True)
class Lattice:
    """Every assignment of `operations` to `edges` edges, numbered as digits of base `len(operations)`.

    The first edge is the most significant digit, so a vector over all codes reshapes to one axis per edge.

    Attributes:
        operations: the operations that the digits stand for.
        edges: number of a cell's edges.
        rule: transition rule that defines which architectures are reachable.
    """

    operations: tuple[str, ...]
    edges: int
    rule: str = "nat++"

    @classmethod
    def of_space(cls, space: Space, rule: str = "nat++") -> "Lattice":
        """The lattice of a space whose topology is fixed.

        Raises:
            ValueError: the space's architectures have different topologies, so they form no lattice.
        """
        if space.edges_per_node is not None or space.has_reduction:
            fixed = [name for name, other in SPACES.items() if other.edges_per_node is None]
            raise ValueError(f"{space.name} has no fixed topology to enumerate; accepted: {', '.join(fixed)}")
        nodes = space.inputs + space.intermediates
        return cls(space.operations, sum(range(space.inputs, nodes)), rule)

    @property
    def size(self) -> int:
        return len(self.operations) ** self.edges

    @property
    def shape(self) -> tuple[int, ...]:
        """One axis per edge, each as long as there are operations."""
        return (len(self.operations),) * self.edges

    @cached_property
    def legal(self) -> NDArray[np.bool_]:
        """Return whether the rule lets the column's operation replace the row's, [operations, operations]."""
        rows = [legal_targets(source, self.operations, self.rule) for source in self.operations]
        return np.array([[target in row for target in self.operations] for row in rows])

    @cached_property
    def digits(self) -> NDArray[np.int64]:
        """Return the operation of every edge of every architecture, shape [size, edges]."""
        return np.stack(np.unravel_index(np.arange(self.size), self.shape), axis=1)

    def encode(self, digits: NDArray[np.int64]) -> Codes:
        """Return the codes [...] of digits [..., edges]."""
        return np.ravel_multi_index(tuple(np.moveaxis(digits, -1, 0)), self.shape)

    def code(self, architecture: Architecture) -> int:
        """The code of an architecture whose edges are in the space's order.

        Raises:
            ValueError: an operation or the number of edges is not of this lattice.
        """
        names = architecture.operations
        foreign = [name for name in names if name not in self.operations]
        if foreign or len(names) != self.edges:
            raise ValueError(
                f"{len(names)} edges with {', '.join(names)} are not on a lattice of {self.edges} edges "
                f"with {', '.join(self.operations)}"
            )
        return int(self.encode(np.array([self.operations.index(name) for name in names])))

    def is_reachable(self, inputs: Codes, outputs: Codes) -> NDArray[np.bool_]:
        """Whether the rule allows every edge's change from `inputs` to `outputs` (broadcast against each other)."""
        return np.all(self.legal[self.digits[inputs], self.digits[outputs]], axis=-1)

    def choices(self, code: int) -> tuple[tuple[int, ...], ...]:
        """Legal targets of every edge, as digits."""
        return tuple(tuple(np.flatnonzero(self.legal[digit]).tolist()) for digit in self.digits[code])


def check_scores(lattice: Lattice, scores: Scores) -> None:
    """Raise ValueError unless there is one finite score per architecture."""
    if scores.shape != (lattice.size,):
        raise ValueError(f"scores have shape {scores.shape}; a lattice of this size needs ({lattice.size},)")
    if not np.isfinite(scores).all():
        raise ValueError(f"the score of code {int(np.flatnonzero(~np.isfinite(scores))[0])} is not finite")


def oracle(lattice: Lattice, scores: Scores) -> Codes:
    """The best architecture that legal transitions reach from every architecture, exactly.

    The rule treats edges independently, so the maximum over all combinations is taken edge by edge: after
    axis e is done, the entry of an architecture is the best with edges 0…e replaced.

    Args:
        scores: scores in code order, [size]; larger is better.

    Returns:
        Codes of the outputs, [size]; an architecture stays itself when nothing reachable is better.
    """
    check_scores(lattice, scores)
    best = np.arange(lattice.size).reshape(lattice.shape)
    for edge in range(lattice.edges):
        along = np.moveaxis(best, edge, 0)
        best = np.moveaxis(
            np.stack([_best_along(along, scores, row, digit) for digit, row in enumerate(lattice.legal)]), 0, edge
        )
    return best.reshape(-1)


def _best_along(along: Codes, scores: Scores, legal: NDArray[np.bool_], digit: int) -> Codes:
    """Return the best of `along[target]` over the legal targets of `digit`, which itself wins ties."""
    targets = [digit, *(target for target in np.flatnonzero(legal).tolist() if target != digit)]
    options = along[targets]
    return np.take_along_axis(options, scores[options].argmax(axis=0)[None], axis=0)[0]


def apply_rule(lattice: Lattice, rule: NDArray[np.int64], inputs: Codes) -> Codes:
    """Outputs of a fixed rule [edges, operations] → operation, the same for every input."""
    return lattice.encode(rule[np.arange(lattice.edges), lattice.digits[inputs]])


def identity_rule(lattice: Lattice) -> NDArray[np.int64]:
    """The rule that changes nothing, [edges, operations]."""
    return np.tile(np.arange(len(lattice.operations)), (lattice.edges, 1))


def fit_fixed_rule(
    lattice: Lattice, scores: Scores, inputs: Codes, rng: np.random.Generator, restarts: int = 20
) -> NDArray[np.int64]:
    """The best mapping operation → operation per edge for all inputs at once: what a policy blind to context learns.

    Coordinate ascent over edges, from the identity and from random legal rules. Given the other edges' rules, an
    edge's best mapping is found exactly, because inputs with different operations there do not interact.

    Args:
        scores: scores in code order, [size]; larger is better.
        inputs: codes of the inputs whose mean output score is maximised, [n].
        restarts: number of random starts beside the identity.

    Returns:
        Digits of the outputs, [edges, operations], never worse than the identity on `inputs`.
    """
    check_scores(lattice, scores)
    starts = [identity_rule(lattice), *(_random_rule(lattice, rng) for _ in range(restarts))]
    rules = [_ascend(lattice, scores, inputs, start) for start in starts]
    return max(rules, key=lambda rule: scores[apply_rule(lattice, rule, inputs)].mean())


def _random_rule(lattice: Lattice, rng: np.random.Generator) -> NDArray[np.int64]:
    targets = [np.flatnonzero(row) for row in lattice.legal]
    return np.array([[rng.choice(row) for row in targets] for _ in range(lattice.edges)])


def _ascend(lattice: Lattice, scores: Scores, inputs: Codes, rule: NDArray[np.int64]) -> NDArray[np.int64]:
    """Improves `rule` edge by edge until no edge alone can."""
    rule, value = rule.copy(), -np.inf
    while (mean := scores[apply_rule(lattice, rule, inputs)].mean()) > value:
        value = mean
        for edge in range(lattice.edges):
            rule[edge] = _best_mapping(lattice, scores, inputs, rule, edge)
    return rule


def _best_mapping(
    lattice: Lattice, scores: Scores, inputs: Codes, rule: NDArray[np.int64], edge: int
) -> NDArray[np.int64]:
    """The best target of every operation at `edge` with the other edges' rules kept, [operations]."""
    outputs = np.repeat(lattice.digits[apply_rule(lattice, rule, inputs)][:, None], len(lattice.operations), axis=1)
    outputs[:, :, edge] = np.arange(len(lattice.operations))
    values = scores[lattice.encode(outputs)]  # [inputs, targets]
    sources = lattice.digits[inputs, edge]
    totals = np.stack([values[sources == digit].sum(axis=0) for digit in range(len(lattice.operations))])
    return np.where(lattice.legal, totals, -np.inf).argmax(axis=1)


def random_legal(lattice: Lattice, inputs: Codes, samples: int, rng: np.random.Generator) -> Codes:
    """Draw outputs uniformly from what is reachable, with replacement, shape [inputs, samples]."""
    noise = rng.random((len(inputs), samples, lattice.edges, len(lattice.operations)), dtype=np.float32)
    legal = lattice.legal[lattice.digits[inputs]][:, None]
    return lattice.encode(np.where(legal, noise, -1).argmax(axis=-1))


def best_of(candidates: Codes, scores: Scores) -> Codes:
    """The candidate with the largest score in every row: [inputs, candidates] → [inputs]."""
    return np.take_along_axis(candidates, scores[candidates].argmax(axis=1)[:, None], axis=1)[:, 0]


def local_search(
    start: Sequence[Choice],
    choices: Sequence[Sequence[Choice]],
    score: Callable[[tuple[Choice, ...]], float],
    lookups: int,
    rng: random.Random,
) -> tuple[Choice, ...]:
    """Hill climbing from the input: one edge at a time in random order, every improvement kept at once.

    At a local optimum it restarts from a random legal assignment. What was scored once is remembered and costs
    nothing again, nor does the input, whose score is taken as known.

    Args:
        start: the input's operation on every edge.
        choices: legal targets of every edge, the input's own among them.
        score: scores an assignment; larger is better.
        lookups: maximum number of scored assignments other than the input.

    Returns:
        The best assignment seen; never worse than `start`.
    """
    current = tuple(start)
    known = {current: score(current)}
    budget = min(lookups + 1, math.prod(len(set(targets)) for targets in choices))
    queue = _shuffled_neighbours(current, choices, rng)
    while len(known) < budget:
        stuck = not queue
        candidate = tuple(rng.choice(targets) for targets in choices) if stuck else queue.pop()
        if candidate not in known:
            known[candidate] = score(candidate)
        if stuck or known[candidate] > known[current]:
            current, queue = candidate, _shuffled_neighbours(candidate, choices, rng)
    return max(known, key=known.__getitem__)


def _shuffled_neighbours(
    current: tuple[Choice, ...], choices: Sequence[Sequence[Choice]], rng: random.Random
) -> list[tuple[Choice, ...]]:
    """Every assignment that differs from `current` on one edge, in random order."""
    neighbours = [
        (*current[:edge], target, *current[edge + 1 :])
        for edge, targets in enumerate(choices)
        for target in targets
        if target != current[edge]
    ]
    rng.shuffle(neighbours)
    return neighbours


def local_search_all(lattice: Lattice, scores: Scores, inputs: Codes, lookups: int, rng: random.Random) -> Codes:
    """`local_search` from every input, [inputs] codes."""
    shaped = scores.reshape(lattice.shape)
    found = [
        local_search(tuple(lattice.digits[code].tolist()), lattice.choices(code), shaped.__getitem__, lookups, rng)
        for code in inputs
    ]
    return lattice.encode(np.array(found))


@dataclass(frozen=True)
class Quality:
    """The quality of outputs relative to the best reachable ones.

    Attributes:
        recovered: mean gain of the output over the input ÷ mean gain of the oracle.
        gain, oracle_gain: these two mean gains in the score's unit.
        worse: share of inputs whose output scores lower.
        clearly_worse: share of inputs whose output scores lower by more than the margin.
    """

    recovered: float
    gain: float
    oracle_gain: float
    worse: float
    clearly_worse: float


def quality_of(scores: Scores, inputs: Codes, outputs: Codes, best: Codes, margin: float = 0.5) -> Quality:
    """Quality of `outputs` for `inputs` [n]; `best` [n] are the oracle's, perhaps chosen with another score.

    Args:
        margin: loss above which an output is clearly worse, in the score's unit.

    Raises:
        ValueError: the oracle gains nothing on average, so nothing can be recovered.
    """
    gains = scores[outputs].astype(np.float64) - scores[inputs]
    oracle_gain = float((scores[best].astype(np.float64) - scores[inputs]).mean())
    if oracle_gain <= 0:
        raise ValueError(f"the oracle's mean gain over {len(inputs)} inputs is {oracle_gain:.4g}; it must be positive")
    return Quality(
        recovered=float(gains.mean()) / oracle_gain,
        gain=float(gains.mean()),
        oracle_gain=oracle_gain,
        worse=float((gains < 0).mean()),
        clearly_worse=float((gains < -margin).mean()),
    )

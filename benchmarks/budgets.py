"""Quality of one policy under cost budgets on NAS-Bench-201, beside its baselines: part of `benchmarks.quality`.

A budget is a share of the input's own cost. An output is scored by how many points it lies below the best legal cell
within the budget. A front is scored by its hypervolume (costs up to the input's, accuracies above the input's) relative
to that of the best front; both fronts have one point for each of the same budgets.
"""

import random
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.measures import HEAVY_MACS
from nat_core.learning.nasbench201.comparators import Codes, Lattice, Scores, apply_rule, fit_fixed_rule
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.budget_quality import (
    SHARES,
    Ranking,
    costs_of_codes,
    hypervolume,
    limits_of,
    offers,
    ranking_of,
)

FRONT_SHARES = tuple(round(0.05 * number, 2) for number in range(1, 21))
CANDIDATES = 10
_PRICES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_RULE_RESTARTS = 2
_TRIES = 50


def heavy(inputs: Codes) -> Codes:
    """Return the inputs above 60 M MACs."""
    return inputs[costs_of_codes("macs")[inputs] > HEAVY_MACS]


def within_budgets(policy: Policy, inputs: Codes, scores: Scores, cost: str, name: str) -> dict[str, float]:
    """Return points below the best legal cell per budget and candidate count, their means, and the unsolvable cases.

    A budget that no cell fits, whatever the input, has no figure.
    """
    found = offers(ranking_of(policy), inputs, scores, CANDIDATES, SHARES, cost)
    figures = {f"{name}_nothing_fits": float((found.best < 0).sum())}
    for count, title in ((1, "greedy"), (CANDIDATES, "ten")):
        by_share = zip(SHARES, found.mean_points_missing(scores, count), strict=True)
        means = {f"{name}_{title}_{share}": mean for share, mean in by_share if mean is not None}
        figures |= {**means, f"{name}_{title}": float(np.mean(list(means.values())))}
    return figures


def front_figures(policy: Policy, inputs: Codes, scores: Scores, cost: str, name: str) -> dict[str, float]:
    """Score the policy's fronts: from its most probable output per budget, and from the best of ten per budget."""
    found = offers(ranking_of(policy), inputs, scores, CANDIDATES, FRONT_SHARES, cost)
    best = area(found.best[:, :, None], inputs, scores, cost).mean()
    shares = {"greedy": found.codes[:, :, :1], "ten": found.codes}
    return {f"{name}_front_{key}": area(codes, inputs, scores, cost).mean() / best for key, codes in shares.items()}


def comparator_fronts(
    lattice: Lattice, seen: Codes, inputs: Codes, scores: Scores, cost: str, seed: int, name: str
) -> dict[str, float]:
    """Score fronts of fixed rules (no look-ups) and of random and local search (ten look-ups per budget)."""
    rng = np.random.default_rng(seed)
    found = offers(random_ranking(lattice, seed), inputs, scores, CANDIDATES, FRONT_SHARES, cost)
    best = area(found.best[:, :, None], inputs, scores, cost).mean()
    fronts = {
        "fixed": rule_front(lattice, seen, inputs, scores, cost, rng),
        "random": found.codes,
        "local": local_front(lattice, inputs, scores, cost, random.Random(seed)),
    }
    return {f"{name}_front_{key}": area(codes, inputs, scores, cost).mean() / best for key, codes in fronts.items()}


def area(codes: Codes, inputs: Codes, scores: Scores, cost: str) -> NDArray[np.float64]:
    """Return the hypervolume [n] of each input's outputs [n, budgets, k]; -1 stands for no output."""
    flat, costs = codes.reshape(len(inputs), -1), costs_of_codes(cost)
    shares = costs[flat] / costs[inputs][:, None]
    gains = np.where(flat >= 0, scores[flat] - scores[inputs][:, None], -np.inf)
    return hypervolume(shares, gains, FRONT_SHARES)


def random_ranking(lattice: Lattice, seed: int) -> Ranking:
    """Rank all legal cells by a random score."""
    generator = torch.Generator().manual_seed(seed)

    def ranking(inputs: Codes, budgets: NDArray[np.float64]) -> Tensor:
        legal = torch.from_numpy(lattice.is_reachable(inputs[:, None], np.arange(lattice.size)))
        noise = torch.rand(legal.shape, generator=generator, dtype=torch.float64)
        return noise.masked_fill(~legal, -torch.inf)

    return ranking


def rule_front(
    lattice: Lattice, seen: Codes, inputs: Codes, scores: Scores, cost: str, rng: np.random.Generator
) -> Codes:
    """Return [n, budgets, 1]: the output of the lowest-priced rule that fits, among rules fitted for several prices."""
    costs = costs_of_codes(cost)
    priced = (scores - 100 * price * costs / costs.max() for price in _PRICES)
    rules = [fit_fixed_rule(lattice, worth, seen, rng, _RULE_RESTARTS) for worth in priced]
    outputs = np.stack([apply_rule(lattice, rule, inputs) for rule in rules], axis=1)
    fits = costs[outputs][:, None, :] <= limits_of(inputs, FRONT_SHARES, cost)[:, :, None]  # [n, budgets, rules]
    chosen = np.take_along_axis(outputs, fits.argmax(axis=2), axis=1)
    return np.where(fits.any(axis=2), chosen, -1)[:, :, None]


def local_front(lattice: Lattice, inputs: Codes, scores: Scores, cost: str, rng: random.Random) -> Codes:
    """Return [n, budgets, ten]: hill climbing from the best cell of the previous budget, ten look-ups per budget."""
    costs, limits = costs_of_codes(cost), limits_of(inputs, FRONT_SHARES, cost)
    found = np.full((len(inputs), len(FRONT_SHARES), CANDIDATES), -1)
    for row, code in enumerate(inputs.tolist()):
        known: dict[int, float] = {}
        choices = lattice.choices(code)
        reachable = np.flatnonzero(lattice.is_reachable(np.array(code), np.arange(lattice.size)))
        current = cheapest = int(reachable[costs[reachable].argmin()])
        for place, limit in enumerate(limits[row]):
            looked = _climb(lattice, current, choices, scores, costs, limit, known, rng)
            found[row, place, : len(looked)] = looked
            fitting = [item for item in known if costs[item] <= limit]
            current = max(fitting, key=known.__getitem__) if fitting else cheapest
    return found


def _climb(
    lattice: Lattice,
    current: int,
    choices: Sequence[Sequence[int]],
    scores: Scores,
    costs: NDArray[np.float64],
    limit: float,
    known: dict[int, float],
    rng: random.Random,
) -> list[int]:
    """Look up to ten new cells up that fit: neighbours of the best so far or, when none are left, random cells."""
    looked: list[int] = []
    queue = _shuffled(lattice, current, choices, rng)
    best = known.get(current, -np.inf)
    for _ in range(_TRIES * CANDIDATES):
        if len(looked) == CANDIDATES:
            break
        code = queue.pop() if queue else int(lattice.encode(np.array([rng.choice(row) for row in choices])))
        if code in known or costs[code] > limit:
            continue
        known[code] = float(scores[code])
        looked.append(code)
        if known[code] > best:
            best, queue = known[code], _shuffled(lattice, code, choices, rng)
    return looked


def _shuffled(lattice: Lattice, code: int, choices: Sequence[Sequence[int]], rng: random.Random) -> list[int]:
    neighbours = _neighbours(lattice, code, choices)
    rng.shuffle(neighbours)
    return neighbours


def _neighbours(lattice: Lattice, code: int, choices: Sequence[Sequence[int]]) -> list[int]:
    """Return the codes that differ from `code` on one edge."""
    digits, size, base = lattice.digits[code], lattice.edges, len(lattice.operations)
    return [
        code + (target - int(digits[edge])) * base ** (size - 1 - edge)
        for edge, targets in enumerate(choices)
        for target in targets
        if target != digits[edge]
    ]

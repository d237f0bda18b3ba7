"""Quality of the image policies' fronts: `python -m benchmarks.fronts --data FOLDER [--surrogate FOLDER]`.

The training tables are split into halves that share no topology, and a model is fitted on each (the judge on the second
surrogate, if there is one). One model rewards a policy and selects outputs for every method; the other, held-out one
judges them. Then the halves swap roles, and gains are averaged. Inputs are random architectures outside the training
data and the published originals; budgets are shares of the input's MACs. For each input and budget the methods are: the
policy's most probable output that fits, the best of its ten most probable, fixed rules fitted on other inputs, and
random search, local search and steepest ascent with a given number of evaluations by the same model. Searches start
from the input or, where it does not fit, from a random architecture that does. No method may reduce convolutions below
a quarter of the edges unless the input had that few.
*Hypervolume* is the area between a front and the input's MACs and accuracy, by the judge, summed over inputs.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import reward_sources
from benchmarks.documents import REWARDS, add_write_option, write_figures
from benchmarks.reward_sources import Evidence
from benchmarks.rewards import greedy, half, inputs_of
from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import INDEX, NAMES
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.nasbench301 import MODELS, OPERATIONS, NasBench301, random_cells
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.policies.policy import Policy
from nat_core.learning.policies.proposing import proposals
from nat_core.learning.training.ascent import ABSENT, Problems, Rows, ascended, split
from nat_core.learning.training.config import RECIPES, TRAININGS
from nat_core.learning.training.loop import train
from nat_core.learning.training.rules import Worth, best_rule
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)
# Number of random inputs on which a fixed rule is fitted.
FITTED_ON = 100
# Prices of rules, in points for all of an input's MACs.
_PRICES = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
# Rounds of draws after which believable architectures are considered too rare.
_MOST_ROUNDS, _AT_ONCE = 20, 100
_Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Setting:
    """Inputs, budgets, and the model that selects outputs.

    Attributes:
        space: the inputs' search space.
        inputs: n architectures.
        model: selects every output.
        shares: budgets, as shares of the input's MACs.
    """

    space: Space
    inputs: Sequence[Architecture]
    model: TrainingsModel
    shares: tuple[float, ...] = SHARES

    @cached_property
    def limits(self) -> _Numbers:
        """Return [n, budgets] MACs."""
        cost = cost_model(NETWORKS[self.space.network]).cost
        return np.outer([cost(item).macs for item in self.inputs], self.shares)

    @cached_property
    def problems(self) -> Problems:
        """Return the pairs of input and budget that have a believable solution."""
        return self._every.chosen(self._solvable)

    @cached_property
    def share(self) -> _Numbers:
        """Return [N]: the budget of each problem."""
        return np.tile(self.shares, len(self.inputs))[self._solvable]

    @cached_property
    def _every(self) -> Problems:
        return Problems.of(self.inputs, self.space, self.limits)

    @cached_property
    def _solvable(self) -> NDArray[np.bool_]:
        """Return [n · budgets]: whether any believable architecture fits."""
        first = self._every.chosen(np.arange(0, len(self._every), len(self.shares)))
        least = self.model.least_believable(self.inputs, first.costs)
        return np.asarray(least[self._every.owner] <= self._every.left)

    @cached_property
    def starts(self) -> Rows:
        """Return [N, E]: the input where it fits, else a random architecture that does."""
        fits = self.problems.cost(self.problems.own) <= self.problems.left
        return np.where(fits[:, None], self.problems.own, self.drawn(1)[0])

    def drawn(self, count: int, seed: int = 0) -> Rows:
        """Return [count, N, E]: uniform samples that fit."""
        return self.problems.drawn(count, torch.Generator().manual_seed(seed))

    def score(self, owner: Rows, rows: Rows) -> _Numbers:
        """Return [m]: predicted accuracies; −inf where the model may not be believed."""
        numbers, parts = split(owner, rows)
        inputs = [self.inputs[number] for number in numbers]
        cut = [part[:, : len(item.edges)] for item, part in zip(inputs, parts, strict=True)]
        judged = self.model.evaluate_operations(inputs, cut)
        return np.where(judged.believable, judged.accuracy_percent, -np.inf)

    def best(self, drawn: Rows) -> Rows:
        """Return [N, E]: the best of the starts and of the samples [count, N, E]."""
        best, values = self.starts.copy(), self.score(self.problems.owner, self.starts)
        for rows in drawn:
            found = self.score(self.problems.owner, rows)
            better = found > values
            best[better], values[better] = rows[better], found[better]
        return best


Method = Callable[[Setting], Rows]


def random_best(count: int) -> Method:
    """Random search: the best of `count` uniform believable samples that fit, and of the input where it fits."""

    def choose(setting: Setting) -> Rows:
        best, values = setting.starts.copy(), setting.score(setting.problems.owner, setting.starts)
        counted = np.zeros(len(best), dtype=np.int64)
        for seed in range(_MOST_ROUNDS):
            short = np.flatnonzero(counted < count)
            if not len(short):
                break
            part = setting.problems.chosen(short)
            for rows in part.drawn(min(count, _AT_ONCE), torch.Generator().manual_seed(1 + seed)):
                found = setting.score(part.owner, rows)
                counts_on = counted[short] < count
                better = (found > values[short]) & counts_on
                best[short[better]], values[short[better]] = rows[better], found[better]
                counted[short] += np.isfinite(found) & counts_on
        return best

    return choose


def steepest(evaluations: int, seed: int = 0) -> Method:
    """Steepest ascent, restarted from random samples that fit while evaluations last."""

    def choose(setting: Setting) -> Rows:
        rng, starts = np.random.default_rng(seed), setting.starts
        best, values = starts.copy(), np.full(len(starts), -np.inf)
        left, part = np.full(len(starts), evaluations), np.arange(len(starts))
        while len(part):
            problems = setting.problems.chosen(part)
            rows, found, used = ascended(problems, starts, setting.score, left[part], rng)
            better = found > values[part]
            best[part[better]], values[part[better]] = rows[better], found[better]
            left[part] -= used
            part = np.flatnonzero(left > 0)
            if len(part):
                starts = setting.problems.chosen(part).drawn(
                    1, torch.Generator().manual_seed(int(rng.integers(2**60)))
                )[0]
        return best

    return choose


def local(evaluations: int, seed: int = 0) -> Method:
    """Local search: tries single operations in random order and keeps every improvement at once; restarts from a
    random sample that fits at a local optimum."""

    def choose(setting: Setting) -> Rows:
        rng, problems = np.random.default_rng(seed), setting.problems
        every, current = np.arange(len(problems)), setting.starts.copy()
        values = setting.score(problems.owner, current)
        best, highest = current.copy(), values.copy()
        untried = problems.exchanges(current)
        for _ in range(evaluations):
            chances = np.where(untried, rng.random(untried.shape), 0.0).reshape(len(current), -1)
            edge, operation = np.divmod(chances.argmax(axis=1), untried.shape[2])
            stuck = ~untried.any(axis=(1, 2))
            rows = current.copy()
            rows[every, edge] = np.where(stuck, rows[every, edge], operation)
            untried[every, edge, operation] = False
            if stuck.any():
                generator = torch.Generator().manual_seed(int(rng.integers(2**60)))
                rows[stuck] = problems.chosen(stuck).drawn(1, generator)[0]
            found = setting.score(problems.owner, rows)
            moved = (found > values) | stuck
            current[moved], values[moved] = rows[moved], found[moved]
            untried[moved] = problems.chosen(moved).exchanges(current[moved])
            better = found > highest
            best[better], highest[better] = rows[better], found[better]
        return best

    return choose


def fixed_rule(fitted_on: int) -> Method:
    """One mapping of operations for all edges and inputs: among rules fitted for several prices of MACs, the
    lowest-priced one whose output fits and may be believed; the start where none does."""

    def choose(setting: Setting) -> Rows:
        cost, rows = cost_model(NETWORKS[setting.space.network]).cost, setting.starts.copy()
        rng, own = random.Random(seed_of("fixed rule")), setting.problems.own
        given = [setting.space.sample(rng) for _ in range(fitted_on)]
        spent = np.array([cost(item).macs for item in given], dtype=np.float64)

        def worth(price: float) -> Worth:
            def mean(_: Sequence[Architecture], made: Sequence[Architecture]) -> float:
                shares = np.array([cost(item).macs for item in made]) / spent
                return float(np.mean(setting.model.accuracy_percent(made) - price * shares))

            return mean

        for price in sorted(_PRICES, reverse=True):
            rule = best_rule(setting.space, given, worth(price))
            exchanged = np.where(own == ABSENT, ABSENT, np.array([INDEX[rule.get(name, name)] for name in NAMES])[own])
            taken = setting.problems.cost(exchanged) <= setting.problems.left
            taken &= np.isfinite(setting.score(setting.problems.owner, exchanged))
            rows[taken] = exchanged[taken]
        return rows

    return choose


def proposed(policy: Policy, count: int) -> Method:
    """The model's best of the start and the `count` most probable outputs that fit; if `count` is 1, that output."""

    def choose(setting: Setting) -> Rows:
        found = proposals(
            policy, setting.inputs, setting.space, setting.limits, count,
            believable=setting.model.believable_operations,
        )  # fmt: skip
        rows = setting.starts.copy()
        values = np.full(len(rows), -np.inf) if count == 1 else setting.score(setting.problems.owner, rows)
        choices = [
            found[owner][setting.shares.index(share)][0]
            for owner, share in zip(setting.problems.owner, setting.share, strict=True)
        ]
        for number in range(count):
            has = np.flatnonzero([len(item) > number for item in choices])
            tried = rows[has]
            for place, item in zip(range(len(has)), has, strict=True):
                tried[place, : choices[item].shape[1]] = choices[item][number]
            scores = setting.score(setting.problems.owner[has], tried)
            better = scores > values[has]
            rows[has[better]], values[has[better]] = tried[better], scores[better]
        return rows

    return choose


@dataclass(frozen=True, eq=False)
class Judged:
    """A method's outputs for all problems with the judge's scores.

    Attributes:
        outputs: N architectures.
        gains: [N] points above the input.
        macs: [N] MACs ÷ the input's.
        hypervolumes: [n], one per input's front.
    """

    outputs: Sequence[Architecture]
    gains: _Numbers
    macs: _Numbers
    hypervolumes: _Numbers

    @classmethod
    def of(cls, setting: Setting, judge: TrainingsModel, rows: Rows) -> "Judged":
        given = [setting.inputs[number] for number in setting.problems.owner]
        outputs = [transformed(item, row[: len(item.edges)]) for item, row in zip(given, rows.tolist(), strict=True)]
        gains = judge.accuracy_percent(outputs) - judge.accuracy_percent(given)
        cost = cost_model(NETWORKS[setting.space.network]).cost
        macs = np.array([cost(new).macs / cost(old).macs for old, new in zip(given, outputs, strict=True)])
        fronts = [setting.problems.owner == number for number in range(len(setting.inputs))]
        return cls(outputs, gains, macs, np.array([hypervolume(macs[own], gains[own]) for own in fronts]))


def hypervolume(macs: _Numbers, gains: _Numbers) -> float:
    """Return the hypervolume of a front; the reference point is all of the input's MACs and no gain."""
    if not len(macs):
        return 0.0
    order = np.argsort(macs)
    highest = np.maximum.accumulate(gains[order].clip(0))
    return float((highest * np.diff(macs[order].clip(max=1), append=1.0)).sum())


@dataclass(frozen=True, eq=False)
class Side:
    """One half of the training tables rewards and selects, the other judges.

    Attributes:
        setting: inputs, budgets and the model that selects.
        policy: the policy that this model rewarded.
        judge: the model of the other half.
        made: every method's judged outputs, by title.
    """

    setting: Setting
    policy: Policy
    judge: TrainingsModel
    made: Mapping[str, Judged]


def table(sides: Sequence[Side]) -> Iterator[str]:
    """Yield the gains per method and budget, then differences and hypervolumes; means over the sides."""
    setting, titles = sides[0].setting, list(sides[0].made)
    yield "| method | " + " | ".join(f"{share:.0%}" for share in setting.shares) + " | MACs × at 100 % |"
    yield "|---|" + "---:|" * (len(setting.shares) + 1)
    for title in titles:
        parts = [_mean(sides, title, share) for share in setting.shares]
        spent = np.mean([side.made[title].macs[side.setting.share == 1].mean() for side in sides])
        yield f"| {title} | {' | '.join(parts)} | {spent:.2f} |"
    yield "\n| ours − other | " + " | ".join(f"{share:.0%}" for share in setting.shares) + " |"
    yield "|---|" + "---:|" * len(setting.shares)
    for ours in OURS:
        for title in titles:
            if title not in OURS:
                parts = [_mean(sides, ours, share, title) for share in setting.shares]
                yield f"| {ours} − {title} | {' | '.join(parts)} |"
    yield "\n| method | hypervolume, ÷ that of steepest ascent with most evaluations |"
    yield "|---|---:|"
    most = next(title for title in reversed(titles) if title.startswith(STEEPEST))
    enclosed = {title: np.mean([side.made[title].hypervolumes for side in sides], axis=0) for title in titles}
    for title in titles:
        yield f"| {title} | {_ratio(enclosed[title], enclosed[most])} |"


def _mean(sides: Sequence[Side], title: str, share: float, other: str = "") -> str:
    """Format a method's mean gain at a budget, or its difference to another method's.

    Standard errors follow: over inputs, of the judges, and the gain in units of both. The judges share no training
    data, so that their errors are treated as independent.
    """
    which = np.flatnonzero(sides[0].setting.share == share)
    if len(which) < 2:
        return "–"
    gains, own = np.zeros(len(which)), 0.0
    for side in sides:
        ours, theirs = side.made[title], side.made[other] if other else None
        given = [side.setting.inputs[number] for number in side.setting.problems.owner[which]]
        before = [theirs.outputs[item] for item in which] if theirs else given
        gains += (ours.gains[which] - (theirs.gains[which] if theirs else 0)) / len(sides)
        own += side.judge.mean_gain_error_points(before, [ours.outputs[item] for item in which]) ** 2
    own = own**0.5 / len(sides)
    over = gains.std(ddof=1) / len(gains) ** 0.5
    together = float(np.hypot(over, own))
    return f"{gains.mean():+.3f} ± {over:.3f} ± {own:.3f} ({gains.mean() / together if together else 0:.1f})"


def _ratio(ours: _Numbers, others: _Numbers) -> str:
    """Format the ratio of the sums over inputs, with its standard error over inputs."""
    ratio = ours.sum() / others.sum()
    error = (ours - ratio * others).std(ddof=1) * len(ours) ** 0.5 / others.sum()
    return f"{ratio:.3f} ± {error:.3f}"


GREEDY, TEN = "policy, greedy (0 evaluations)", "policy, best of the 10 most probable"
OURS = (GREEDY, TEN)
STEEPEST = "steepest ascent"


def methods(policy: Policy, most: int, fitted_on: int = FITTED_ON) -> Mapping[str, Method]:
    """Return the methods by title."""
    return {
        GREEDY: proposed(policy, 1),
        TEN: proposed(policy, 10),
        "best fixed rules (0 evaluations)": fixed_rule(fitted_on),
        "random, best of 10": random_best(10),
        "random, best of 100": random_best(100),
        "local search, 10": local(10),
        "local search, 100": local(100),
        f"{STEEPEST}, 100": steepest(100),
        f"{STEEPEST}, {most:,}": steepest(most),
    }


def side_of(options: argparse.Namespace, found: Evidence, number: int) -> Side:
    """Use half `number` of the tables to train a policy and select for every method, and the other half to judge."""
    space, steps = options.space, {} if options.steps is None else {"steps": options.steps}
    model = half(found, space, number, options.seed)
    judge = half(found, space, 1 - number, options.seed, judges=True, surrogate=options.surrogate)
    config = replace(RECIPES[TRAININGS], space=space, seed=options.seed, **steps)
    policy = train(config, model).policy
    setting = Setting(SPACES[space], inputs_of(SPACES[space], options.inputs), model)
    made: dict[str, Judged] = {}
    for title, method in methods(policy, options.evaluations).items():
        began = time.process_time()
        made[title] = Judged.of(setting, judge, method(setting))
        print(f"half {number}, {title}: {time.process_time() - began:.0f} s", file=sys.stderr, flush=True)
    return Side(setting, policy, judge, made)


def lines(options: argparse.Namespace, found: Evidence) -> Iterator[str]:
    """Yield the tables of each half's fronts as judged by the other half, then of both together."""
    sides = [side_of(options, found, number) for number in (0, 1)]
    setting = sides[0].setting
    reachable = " / ".join(f"{np.sum(setting.share == share)}" for share in setting.shares)
    yield (
        f"\n{options.space}: {len(setting.inputs)} inputs, {reachable} of which have outputs within these shares of "
        f"their MACs; halves and policies by seed {options.seed}; gains ± over inputs ± of the judges (÷ both)\n"
    )
    for title, some in (("Both halves", sides), ("Half 0 chose", sides[:1]), ("Half 1 chose", sides[1:])):
        yield f"\n{title}\n"
        yield from table(some)
    if options.surrogate and options.space == "fully_concat":
        yield _second_surrogate(sides[0], NasBench301(options.surrogate, MODELS[1]), options.inputs)


def _second_surrogate(side: Side, surrogate: NasBench301, inputs: int) -> str:
    """Report the second surrogate's gain of greedy outputs that have only operations it knows; it rewards no policy."""
    given = random_cells(inputs, seed=1)
    made = [greedy(side.policy, side.setting.space, item, side.setting.model) for item in given]
    known = [(old, new) for old, new in zip(given, made, strict=True) if set(new.operations) <= set(OPERATIONS)]
    before, after = (surrogate.accuracy_percent(part) for part in zip(*known, strict=True))
    gains = after - before
    return (
        f"\nThe second surrogate, on {len(known)} of {len(given)} random DARTS cells whose greedy output has no null: "
        f"{gains.mean():+.3f} ± {gains.std(ddof=1) / len(gains) ** 0.5:.3f} of its points."
    )


INPUTS, QUICK = 1000, 60
EVALUATIONS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fronts", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables; see benchmarks.reward_sources")
    parser.add_argument("--surrogate", type=Path, help="folder of NAS-Bench-301's surrogate")
    parser.add_argument("--space", choices=list(reward_sources.MODELS), default="fully_concat")
    parser.add_argument("--seed", type=int, default=0, help="seed of the split and the policy")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="random inputs, besides the originals")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="longest search, per budget")
    parser.add_argument("--steps", type=int, help="training steps; by default the recipe's")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} random inputs and a tenth of the evaluations")
    add_write_option(parser, REWARDS)
    options = parser.parse_args()
    if options.quick:
        options.inputs, options.evaluations = QUICK, options.evaluations // 10
    torch.set_num_threads(1)
    printed = []
    for line in lines(options, reward_sources.evidence(options.data)):
        printed.append(line)
        print(line, flush=True)
    if options.write:
        write_figures(REWARDS, f"benchmarks.fronts --space {options.space}", "\n".join(printed))


if __name__ == "__main__":
    main()

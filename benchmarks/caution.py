"""How much a modelled gain can be trusted: `python -m benchmarks.caution --space fully_concat`.

The trainings that reward policies (judged on selection images) are cut in two by topology, at random, several times. A
model of either half chooses transformations of random inputs, by steepest ascent within the input's MACs, for different
objectives: the gain less a price per changed edge, less so many standard errors of the gain over the input or over what
the surest rule makes of it. The other half's model says what is left of it. Beside each is the best fixed rule for the
same objective. No test image is asked.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.image_quality import with_error
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.structure_model import StructureModel, selection_model
from nat_core.learning.image_training.config import IMAGE_SPACES
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.scratch.measured import SHIPPED, MeasuredResult, read_measured
from nat_core.learning.training.rewards import Objective
from nat_core.learning.training.rules import applied, best_rule
from nat_core.learning.training.search import ascended, gained


@dataclass(frozen=True)
class Wanted:
    """An objective.

    Attributes:
        price: points per changed edge.
        caution: standard errors of the gain.
        ruled: whether it is the gain over the surest rule whose errors are deducted, not that over the input.
    """

    price: float
    caution: float
    ruled: bool = False

    def of(self, model: StructureModel, space: Space, inputs: Sequence[Architecture]) -> Objective:
        """With the rule that is surest for these inputs, where it is wanted."""
        objective = Objective(model, change_weight=self.price, caution=self.caution)
        if not self.ruled:
            return objective
        return replace(objective, rule=best_rule(space, inputs, objective.surely_gained))


CAUTIONS = (1.0, 1.5, 2.0, 3.0)
OBJECTIVES = (
    Wanted(0.0, 0.0),
    Wanted(0.5, 0.0),
    *(Wanted(0.0, caution) for caution in CAUTIONS),
    *(Wanted(0.0, caution, ruled=True) for caution in CAUTIONS),
)


def halves(results: Sequence[MeasuredResult], seed: int) -> tuple[list[MeasuredResult], list[MeasuredResult]]:
    """Trainings of a random half of the topologies, and those of the others."""
    topologies = list(dict.fromkeys(result.value.topology for result in results))
    random.Random(seed).shuffle(topologies)
    first = set(topologies[::2])
    return (
        [result for result in results if result.value.topology in first],
        [result for result in results if result.value.topology not in first],
    )


def gain(model: StructureModel, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> float:
    """Mean, in points."""
    return float((model.accuracy_percent(outputs) - model.accuracy_percent(inputs)).mean())


def table(
    results: Sequence[MeasuredResult], space: Space, inputs: Sequence[Architecture], splits: int
) -> Iterator[str]:
    """A line per objective: mean gains by the model that chose and by the other, and those of rules by the other."""
    penalties = selection_model(results, space.name).penalties
    parts = [part for seed in range(splits) for part in (halves(results, seed), halves(results, seed)[::-1])]
    models = [[selection_model(part, space.name, penalties) for part in pair] for pair in parts]
    yield "| price of a change | errors | of the gain over | by its own half | by the other half | rule | above it |"
    yield "|---:|---:|---|---:|---:|---:|---:|"
    for wanted in OBJECTIVES:
        gains = np.array([_gains(wanted, space, inputs, *pair) for pair in models])
        own, others, ruled = gains.T
        left = " | ".join(map(with_error, (others, ruled, others - ruled)))
        over = "rule" if wanted.ruled else "input"
        yield f"| {wanted.price:g} | {wanted.caution:g} | {over} | {own.mean():+.2f} | {left} |"
    yield f"\nerrors are over {len(models)} halves"


def _gains(
    wanted: Wanted, space: Space, inputs: Sequence[Architecture], model: StructureModel, other: StructureModel
) -> tuple[float, float, float]:
    """Mean ones of what is best by `model`: by itself and by `other`, then of the best rule by `other`."""
    objective = wanted.of(model, space, inputs)
    outputs = [ascended(item, space, objective) for item in inputs]
    rule = objective.rule or best_rule(space, inputs, lambda *pair: float(gained(objective, *pair).mean()))
    ruled = [applied(rule, item) for item in inputs]
    return gain(model, inputs, outputs), gain(other, inputs, outputs), gain(other, inputs, ruled)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.caution", description=__doc__.splitlines()[0])
    parser.add_argument("--space", choices=IMAGE_SPACES, default=IMAGE_SPACES[0])
    parser.add_argument("--inputs", type=int, default=30, help="random ones")
    parser.add_argument("--splits", type=int, default=4, help="into two halves, each of which chooses once")
    parser.add_argument("--table", type=Path, default=SHIPPED, help="of trainings from scratch")
    options = parser.parse_args()
    torch.set_num_threads(1)
    space, rng = SPACES[options.space], random.Random(seed_of("caution", options.space))
    results = [result for result in read_measured(options.table) if result.judged_on == "selection"]
    for line in table(results, space, [space.sample(rng) for _ in range(options.inputs)], options.splits):
        print(line, flush=True)


if __name__ == "__main__":
    main()

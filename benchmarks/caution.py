"""How much a modelled gain can be trusted: `python -m benchmarks.caution --space fully_concat`.

The trainings that reward policies (judged on selection images) are cut in two by topology, at random, several times. A
model of either half chooses transformations of random inputs, by steepest ascent within the input's MACs, for different
objectives: the gain less a price per changed edge, less so many of its standard errors. The model of the other half
says what is left of it. Beside each is the best fixed rule for the same objective. No test image is asked.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.image_quality import applied, best_rule, changed_edges, with_error
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.structure_model import StructureModel, selection_model
from nat_core.learning.image_training.config import IMAGE_SPACES
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.scratch.measured import SHIPPED, MeasuredResult, read_measured
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model


@dataclass(frozen=True)
class Wanted:
    """An objective.

    Attributes:
        price: points per changed edge.
        caution: standard errors of the gain.
    """

    price: float
    caution: float

    def points(
        self, model: StructureModel, inputs: Sequence[Architecture], outputs: Sequence[Architecture]
    ) -> NDArray[np.float64]:
        """[n] of what is wanted, of outputs minus inputs."""
        changes = changed_edges(inputs, outputs)
        gains = model.accuracy_percent(outputs) - model.accuracy_percent(inputs)
        return gains - self.price * changes - self.caution * model.gain_error_points(inputs, outputs)


OBJECTIVES = (Wanted(0.5, 0.0), *(Wanted(0.0, caution) for caution in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)))


def ascended(given: Architecture, space: Space, model: StructureModel, wanted: Wanted) -> Architecture:
    """`given`, each step the one operation exchanged that raises the objective most, until none does."""
    cost = cost_model(NETWORKS[space.network]).cost
    limit, current, best = cost(given).macs, given, 0.0
    while True:
        found = [item for item in _neighbours(given, current, space) if cost(item).macs <= limit]
        values = wanted.points(model, [given] * len(found), found)
        if not found or values.max() <= best:
            return current
        best, current = float(values.max()), found[int(values.argmax())]


def _neighbours(given: Architecture, current: Architecture, space: Space) -> list[Architecture]:
    """Legal transformations of `given` that differ from `current` in one operation."""
    operations = list(current.operations)
    return [
        current.with_operations([*operations[:place], target, *operations[place + 1 :]])
        for place, name in enumerate(given.operations)
        for target in space.targets(name)
        if target != operations[place]
    ]


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
    yield "| price of a change | standard errors | by its own half | by the other half | rule | above the rule |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for wanted in OBJECTIVES:
        gains = np.array([_gains(wanted, space, inputs, *pair) for pair in models])
        own, others, ruled = gains.T
        left = " | ".join(map(with_error, (others, ruled, others - ruled)))
        yield f"| {wanted.price:g} | {wanted.caution:g} | {own.mean():+.2f} | {left} |"
    yield f"\nerrors are over {len(models)} halves"


def _gains(
    wanted: Wanted, space: Space, inputs: Sequence[Architecture], model: StructureModel, other: StructureModel
) -> tuple[float, float, float]:
    """Mean ones of what is best by `model`: by itself and by `other`, then of the best rule by `other`."""
    outputs = [ascended(item, space, model, wanted) for item in inputs]
    rule = best_rule(space, inputs, lambda given, made: wanted.points(model, given, made))
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

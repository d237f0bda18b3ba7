"""How much a modelled gain can be trusted: `python -m benchmarks.caution --space fully_concat`.

The trainings that reward policies (judged on selection images) are cut in two by topology, at random, several times. A
model of either half chooses transformations of random inputs, by steepest ascent within the input's MACs, for different
objectives: the gain less a price per changed edge, less so many of its standard errors. The model of the other half
says what is left of it. Beside them is the best fixed rule by the first model. No test image is asked.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.image_quality import applied, best_rule, with_error
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.structure_model import StructureModel, fit_structure_model, of_main_budget
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


OBJECTIVES = tuple(Wanted(price, caution) for caution in (0.0, 0.5, 1.0, 1.5) for price in (0.0, 0.1, 0.3, 0.5))


def ascended(given: Architecture, space: Space, model: StructureModel, wanted: Wanted) -> Architecture:
    """`given`, each step the one operation exchanged that raises the objective most, until none does."""
    cost = cost_model(NETWORKS[space.network]).cost
    own, limit, current, best = float(model.accuracy_percent([given])[0]), cost(given).macs, given, 0.0
    while True:
        found = [item for item in _neighbours(given, current, space) if cost(item).macs <= limit]
        gains = model.accuracy_percent(found) - own
        changes = [sum(map(str.__ne__, given.operations, item.operations)) for item in found]
        doubts = model.gain_error_points([given] * len(found), found)
        values = gains - wanted.price * np.array(changes) - wanted.caution * doubts
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
    """A line per objective: mean gains by the model that chose and by the other, and how far above the rule's."""
    whole = fit_structure_model(results, space.name)
    penalties = (whole.penalty, whole.level_penalty)
    chosen: dict[Wanted, list[tuple[float, float]]] = {wanted: [] for wanted in OBJECTIVES}
    ruled: list[float] = []
    for seed in range(splits):
        models = [fit_structure_model(part, space.name, penalties) for part in halves(results, seed)]
        for model, other in (models, models[::-1]):
            rule = best_rule(space, inputs, lambda _, outputs, model=model: model.accuracy_percent(outputs))
            ruled.append(gain(other, inputs, [applied(rule, item) for item in inputs]))
            for wanted, gains in chosen.items():
                outputs = [ascended(item, space, model, wanted) for item in inputs]
                gains.append((gain(model, inputs, outputs), gain(other, inputs, outputs)))
    yield "| price of a change | standard errors | by its own half | by the other half | above the best rule |"
    yield "|---:|---:|---:|---:|---:|"
    for wanted, gains in chosen.items():
        own, others = np.array(gains).T
        above = f"{with_error(others)} | {with_error(others - ruled)}"
        yield f"| {wanted.price:g} | {wanted.caution:g} | {own.mean():+.2f} | {above} |"
    yield f"\nbest fixed rule, by the other half: {with_error(np.array(ruled))}; errors are over halves"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.caution", description=__doc__.splitlines()[0])
    parser.add_argument("--space", choices=IMAGE_SPACES, default=IMAGE_SPACES[0])
    parser.add_argument("--inputs", type=int, default=30, help="random ones")
    parser.add_argument("--splits", type=int, default=4, help="into two halves, each of which chooses once")
    parser.add_argument("--table", type=Path, default=SHIPPED, help="of trainings from scratch")
    options = parser.parse_args()
    torch.set_num_threads(1)
    space, rng = SPACES[options.space], random.Random(seed_of("caution", options.space))
    results = of_main_budget(read_measured(options.table), "selection")
    for line in table(results, space, [space.sample(rng) for _ in range(options.inputs)], options.splits):
        print(line, flush=True)


if __name__ == "__main__":
    main()

"""Checks the promise, accuracy kept or raised for no more MACs: `python -m benchmarks.promise --data SOURCE`.

Inputs of both image spaces (eight random ones and the published originals) are transformed within their MACs; inputs
and outputs are trained from scratch with the judge's budget (`benchmarks.trainings`) and the same seed. For comparison,
so are the NAT and NAT++ authors' transformations of the originals, and random legal ones with as many MACs as ours.
The report has test accuracies and the mean differences to the inputs with standard errors over pairs.

Results go into the judge's table; `--print` trains nothing and reports the known results.
"""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.documents import QUALITY, add_write_option, write_figures
from benchmarks.trainings import JUDGE_EPOCHS, PURPOSES, REWARD_EPOCHS, architectures, options_of, output, train
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import difference
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.images.images import load_images
from nat_core.learning.policies.catalogue import accuracy_source, load_for
from nat_core.learning.scratch.config import NamedArchitecture
from nat_core.learning.scratch.measured import MeasuredResult, of_main_budget, read_measured
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.runs.processes import stop_signals

RANDOM = 8
ORIGINALS: Mapping[str, Sequence[str]] = {
    "fully_concat": ("DARTS", "PC_DARTS_CIFAR", "PDARTS", "GDAS_V1", "SNAS_MILD", "DARTS_V1"),
    "loose_end": ("ENAS", "NASNet-A", "VGG", "ResBlock", "MobileNetV2", "AmoebaNet-A", "NAONet"),
}
ROLES = ("ours", "NAT", "NAT++", "random")
_USUAL = NETWORKS["cifar"]
_CHANGED = "ours, where it changed something"
# Number of random transformations from which one with as many MACs as ours is selected.
_DRAWS = 2000


@dataclass(frozen=True)
class Pair:
    """An input and its transformations.

    Attributes:
        name: the input's name.
        given: the input.
        made: outputs by role.
        predicted: points gained by ours as predicted by the policy's reward model; None without one.
    """

    name: str
    given: Architecture
    made: Mapping[str, Architecture]
    predicted: float | None = None


def inputs(space: Space) -> list[NamedArchitecture]:
    """Return random architectures outside the training data, then the originals."""
    if space.name == "fully_concat":  # the judge has trained them already
        drawn = [item for item in architectures() if item.name.removeprefix("random ").isdigit()][:RANDOM]
    else:
        rng = random.Random(seed_of("promise", space.name))
        drawn = [NamedArchitecture.of(space.sample(rng), f"{space.name}, random {number}") for number in range(RANDOM)]
    return [*drawn, *(NamedArchitecture.of(library()[name].architecture, name) for name in ORIGINALS[space.name])]


def pair(item: NamedArchitecture, space: Space, policies: Path) -> Pair:
    """Return an input with its transformations by the shipped policy, by the papers and at random."""
    given = item.architecture
    ours = output(given, space, policies)
    published = {
        entry.method: entry.architecture
        for entry in library().values()
        if entry.method and entry.derived_from == item.name
    }
    _, card = load_for(policies, given, space.name)
    source = accuracy_source(card, given)
    predicted = None if source is None else float(np.diff(source.accuracy_percent([given, ours]))[0])
    return Pair(item.name, given, {"ours": ours, **published, "random": _random_of(given, ours, space)}, predicted)


def _random_of(given: Architecture, ours: Architecture, space: Space) -> Architecture:
    """Return the random legal transformation whose MACs are nearest to ours."""
    rng, cost = random.Random(seed_of("equal MACs", notation.shortest(given))), cost_model(NETWORKS[space.network]).cost
    wanted = cost(ours).macs
    drawn = (
        given.with_operations([rng.choice(space.targets(name)) for name in given.operations]) for _ in range(_DRAWS)
    )
    return min((item for item in drawn if item != ours), key=lambda item: abs(cost(item).macs - wanted))


def jobs(pairs: Sequence[Pair]) -> Iterator[NamedArchitecture]:
    """Yield all architectures to train, inputs and ours first."""
    for item in pairs:
        yield NamedArchitecture.of(item.given, item.name)
        yield NamedArchitecture.of(item.made["ours"], f"{item.name}, ours")
    for role in ROLES[1:]:
        yield from (
            NamedArchitecture.of(item.made[role], f"{item.name}, {role}") for item in pairs if role in item.made
        )


def table(
    pairs: Sequence[Pair], results: Sequence[MeasuredResult], *rewards: Sequence[MeasuredResult]
) -> Iterator[str]:
    """Yield a line per pair, the mean difference to the inputs per role, and the prediction errors.

    MACs are relative to the input's, on the small trained network and on the usual one. Predictions are those of the
    policy's own model for changed inputs; they are compared with `results` and with each of `rewards`, trainings like
    those that the model was fitted on.
    """
    known = _known(results)
    yield f"| input | accuracy | {' | '.join(ROLES)} | edges ours changes | MACs × | MACs × on {_USUAL.description} |"
    yield "|---|" + "---:|" * (len(ROLES) + 4)
    differences: dict[str, list[tuple[float, float, float]]] = {role: [] for role in (*ROLES, _CHANGED)}
    for item in pairs:
        before, ours = known.get(notation.shortest(item.given)), item.made["ours"]
        after = {role: known.get(notation.shortest(made)) for role, made in item.made.items()}
        accuracies = [_percent(result) for result in (before, *(after.get(role) for role in ROLES))]
        small = f"{after['ours'].macs / before.macs:.2f}" if before and after["ours"] else ""
        costs = f"{len(difference(item.given, ours))} | {small} | {_usual_ratio(item.given, ours):.2f}"
        yield f"| {item.name} | {' | '.join(accuracies)} | {costs} |"
        for role, result in after.items():
            if before and result:
                gain, small_ratio = result.accuracy - before.accuracy, result.macs / before.macs
                found = (gain, small_ratio, _usual_ratio(item.given, item.made[role]))
                differences[role].append(found)
                if role == "ours" and ours != item.given:
                    differences[_CHANGED].append(found)
    yield from (f"\n{role}: {_mean(values)}" for role, values in differences.items() if len(values) > 1)
    for trainings in filter(None, (results, *rewards)):
        errors = list(_errors(pairs, _known(trainings)))
        if len(errors) > 1:
            judged = f"{trainings[0].epochs} epochs, {trainings[0].judged_on} images"
            yield f"\npredicted gain of ours minus the measured one ({judged}), {_points(np.array(errors))}"


def _known(results: Sequence[MeasuredResult]) -> dict[str, MeasuredResult]:
    """Index the results by genotype; of several seeds, keep the first."""
    return {result.genotype: result for result in sorted(results, key=lambda result: -result.seed)}


def _errors(pairs: Sequence[Pair], known: Mapping[str, MeasuredResult]) -> Iterator[float]:
    """Yield predicted minus measured gains in points, where ours changes something and both are known."""
    for item in pairs:
        before, after = (known.get(notation.shortest(made)) for made in (item.given, item.made["ours"]))
        if item.predicted is None or item.given == item.made["ours"]:
            continue
        if before and after and before.seed == after.seed:
            yield item.predicted - (after.accuracy - before.accuracy)


def _usual_ratio(given: Architecture, made: Architecture) -> float:
    cost = cost_model(_USUAL).cost
    return cost(made).macs / cost(given).macs


def _percent(result: MeasuredResult | None) -> str:
    return f"{result.accuracy:.2f}" if result else ""


def _mean(values: Sequence[tuple[float, float, float]]) -> str:
    points, small, usual = np.array(values).T
    return f"{_points(points)}, MACs × {small.mean():.2f}, on {_USUAL.description} × {usual.mean():.2f}"


def _points(values: NDArray[np.float64]) -> str:
    error = values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():+.2f} ± {error:.2f} points over {len(values)} pairs"


def main() -> None:
    parser = options_of("promise", __doc__)
    parser.add_argument("--spaces", nargs="*", default=list(ORIGINALS), choices=list(ORIGINALS))
    parser.add_argument("--print", action="store_true", help="train nothing")
    add_write_option(parser, QUALITY)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = [pair(item, SPACES[name], options.policies) for name in options.spaces for item in inputs(SPACES[name])]
    if not options.print:
        options.state.mkdir(parents=True, exist_ok=True)
        data = load_images(options.data)
        with stop_signals() as stopped:
            for item in jobs(pairs):
                budget = PURPOSES["judge"].budget(item.architecture)
                if not train(item, 0, budget, data, options.table, options.state, stopped):
                    sys.exit(130)
    results = read_measured(options.table)
    budgets = (("test", JUDGE_EPOCHS), ("selection", REWARD_EPOCHS), ("test", REWARD_EPOCHS))
    text = "\n".join(table(pairs, *(of_main_budget(results, *budget) for budget in budgets)))
    print(text)
    if options.write:
        write_figures(QUALITY, "benchmarks.promise", text)


if __name__ == "__main__":
    main()

"""Trains architectures from scratch: `python -m benchmarks.trainings PURPOSE --data SOURCE`, for one of four purposes.

*judge*: the reference for cheaper accuracies and policies. 48 fully-concat architectures: 28 random ones, random legal
transformations of 12 of them, and 8 published ones; the first six are trained again with another seed to estimate the
noise. 12 epochs on all training images (ten minutes or more on one core), evaluated on the test images.

*rewards*: training data of reward models. The same architectures, then others of both spaces alternately, half of them
random, half random legal transformations; then the random ones with every dense convolution made separable, the surest
way to fewer MACs. 3 epochs (three minutes), evaluated on the selection images, which are not trained on.

*chains*: cells whose nodes form a chain, which random sampling almost never gives: the published ones with the papers'
transformations of them, and others with skips at random places. Trained as for rewards; a minute each.

*outputs*: the outputs of a folder's policies for published and random architectures, and these inputs, trained as for
rewards: a policy exploits its model's errors, so its outputs belong in the model's training data.

Results go into the table that ships with the project; known results are not trained again. Interrupted trainings resume
from their checkpoints, and several processes may share the work.
"""

import argparse
import hashlib
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from filelock import FileLock, Timeout

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.library import library
from nat_core.architecture.rows import CellRows
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.image_training.config import IMAGE_SPACES
from nat_core.learning.image_training.draws import architecture_at, seed_of
from nat_core.learning.images.images import ImageData, load_images
from nat_core.learning.images.sources import HUB_DEFAULT
from nat_core.learning.policies.catalogue import accuracy_source, load_for
from nat_core.learning.scratch.config import Budget, EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.measured import SHIPPED, MeasuredResult, add_measured, budget_id, read_measured
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.scratch.queue import evaluate
from nat_core.learning.support.hooks import Hooks
from nat_core.paths import PRETRAINED
from nat_core.runs.processes import stop_signals
from nat_core.transformation import transform

SPACE = SPACES["fully_concat"]
RANDOM, TRANSFORMED, REPEATED = 28, 12, 6
TRANSFORMED_SHARE = 0.5
_SEPARABLE = {"conv_3x3": "sep_conv_3x3", "conv_5x5": "sep_conv_5x5"}
CHAINS = frozenset({"VGG", "ResBlock", "MobileNetV2"})
# Share of a chain's operations that are exchanged.
_OTHER_SHARE = 0.15
PUBLISHED = ("DARTS", "NATv2_DARTS", "PC_DARTS_CIFAR", "PDARTS", "GDAS_V1", "NAT_DARTS", "SNAS_MILD", "DARTS_V1")

JUDGE_EPOCHS, REWARD_EPOCHS = 12, 3

Jobs = Iterator[tuple[NamedArchitecture, int]]


def architectures() -> list[NamedArchitecture]:
    """Return the judge's architectures, in an order of which every prefix is a fair sample."""
    rng = random.Random(2024)
    drawn = [SPACE.sample(rng) for _ in range(RANDOM)]
    changed = [transformed(item, rng) for item in drawn[:TRANSFORMED]]
    named = [NamedArchitecture.of(item, f"random {number}") for number, item in enumerate(drawn)]
    named += [NamedArchitecture.of(item, f"random {number}, transformed") for number, item in enumerate(changed)]
    random.Random(0).shuffle(named)
    published = [NamedArchitecture.of(library()[name].architecture, name) for name in PUBLISHED]
    return [*published[:2], *named[:8], *published[2:], *named[8:]]


def transformed(architecture: Architecture, rng: random.Random) -> Architecture:
    """Return a random legal transformation."""
    return architecture.with_operations([rng.choice(SPACE.targets(name)) for name in architecture.operations])


def judging(options: argparse.Namespace) -> Jobs:
    """Yield the judge's architectures and seeds."""
    every = architectures()
    yield from ((item, 0) for item in every)
    yield from ((item, 1) for item in every[:REPEATED])


def rewarding(options: argparse.Namespace) -> Jobs:
    """Yield the judge's architectures, `options.count` others, and separable variants of the random ones; one seed."""
    every = architectures()
    for number in range(options.count):
        space, place = SPACES[IMAGE_SPACES[number % len(IMAGE_SPACES)]], number // len(IMAGE_SPACES)
        drawn = architecture_at(space, "nat++", TRANSFORMED_SHARE, 0, "rewards", space.name, place)
        every.append(NamedArchitecture.of(drawn, f"{space.name} {place}"))
    yield from ((item, 0) for item in every)
    for item in every:
        changed = separable(item.architecture)
        if item.name not in PUBLISHED and changed != item.architecture:
            yield NamedArchitecture.of(changed, f"{item.name}, separable"), 0


def separable(architecture: Architecture) -> Architecture:
    """Replace every dense convolution larger than 1×1 by the separable one with the same kernel."""
    return architecture.with_operations([_SEPARABLE.get(name, name) for name in architecture.operations])


def chains(options: argparse.Namespace) -> Jobs:
    """Yield the published chains, the papers' transformations of them, and `options.count` random variants."""
    every = library().values()
    published = [entry for entry in every if CHAINS.intersection((entry.name, entry.derived_from))]
    yield from ((NamedArchitecture.of(entry.architecture, entry.name), 0) for entry in published)
    originals = [entry.architecture for entry in published if not entry.method]
    for number in range(options.count):
        rng, original = random.Random(seed_of("chains", number)), originals[number % len(originals)]
        drawn = (chain(original, rng, rewired=number % 2 == 1) for _ in count())
        alive = next(item for item in drawn if _carries(item))
        yield NamedArchitecture.of(alive, f"chain {number}"), 0


def _carries(architecture: Architecture) -> bool:
    """Return whether every cell connects an input to its output."""
    return bool(CellRows.of([cell for _, cell in architecture.cells]).carries.any(axis=1).all())


def chain(original: Architecture, rng: random.Random, rewired: bool) -> Architecture:
    """Put skips at random null edges of `original` and exchange some operations for other legal ones.

    `rewired` also draws new sources for the edges outside the chain.
    """
    share = rng.random()

    def operation(name: str) -> str:
        if name == "null":
            return "skip_connect" if rng.random() < share else name
        return rng.choice(SPACES["loose_end"].targets(name)) if rng.random() < _OTHER_SHARE else name

    def changed(edge: Edge) -> Edge:
        beside, name = edge.source < edge.target - 1, operation(edge.operation)
        return Edge(name, rng.randrange(edge.target - 1) if beside and rewired else edge.source, edge.target)

    def cell(given: Cell) -> Cell:
        return replace(given, edges=tuple(map(changed, given.edges)))

    return Architecture(cell(original.normal), cell(original.reduction) if original.reduction else None)


def outputs(options: argparse.Namespace) -> Jobs:
    """Yield the outputs of the policies in `options.policies` for the published and `options.count` random inputs."""
    for name in IMAGE_SPACES:
        space, rng = SPACES[name], random.Random(seed_of("outputs", name))
        given = [NamedArchitecture.of(e.architecture, e.name) for e in library().values() if not e.method]
        given = [item for item in given if space.mismatch(item.architecture) is None]
        given += [NamedArchitecture.of(space.sample(rng), f"{name} {number}") for number in range(options.count)]
        for item in given:
            made = output(item.architecture, space, options.policies)
            yield from ((item, 0), (NamedArchitecture.of(made, f"{item.name}, output"), 0))


def output(given: Architecture, space: Space, policies: Path) -> Architecture:
    """Transform `given` within its MACs by the space's policy in a folder; the policy's accuracy source selects."""
    policy, card = load_for(policies, given, space.name)
    return transform(given, policy, space, accuracy_source(card, given)).output.architecture


@dataclass(frozen=True)
class Purpose:
    """A purpose's jobs, and the fields of its budget that differ from preset `short`."""

    jobs: Callable[[argparse.Namespace], Jobs]
    changes: Mapping[str, Any]

    def budget(self, architecture: Architecture) -> Budget:
        return preset_budget("short", architecture, data=HUB_DEFAULT, **self.changes)


_BY_SELECTION = {"trained_on": "fitting", "judged_on": "selection"}
_SHORTER = {"epochs": REWARD_EPOCHS, "batch": 64, "warmup_epochs": 0.3, **_BY_SELECTION}
PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    {
        "judge": Purpose(judging, {"epochs": JUDGE_EPOCHS}),
        "rewards": Purpose(rewarding, _SHORTER),
        "chains": Purpose(chains, _SHORTER),
        "outputs": Purpose(outputs, _SHORTER),
    }
)


def train(
    item: NamedArchitecture, seed: int, budget: Budget, data: ImageData, table: Path, state: Path,
    stopped: Callable[[], bool] = lambda: False,
) -> bool:  # fmt: skip
    """Train one architecture unless it is in the table or another process has it; return False if stopped early."""
    config = EvaluationConfig((item,), budget, (seed,), "short")
    identifier = budget_id(config, data)
    if (item.genotype, identifier, seed) in {result.key for result in read_measured(table)}:
        return True

    def record(result: MeasuredResult) -> None:
        add_measured(table, result)
        accuracy, seconds = result.accuracy, result.elapsed_seconds
        print(f"{item.name}, seed {seed}: {accuracy:.2f} % of {budget.judged_on} in {seconds:.0f} s", file=sys.stderr)

    digest = hashlib.sha256(item.genotype.encode()).hexdigest()[:12]
    checkpoint = state / f"{identifier}-{digest}-{seed}.safetensors"
    hooks = Hooks(should_stop=stopped, checkpoint=checkpoint)
    try:
        with FileLock(checkpoint.with_suffix(".lock"), blocking=False):
            finished = evaluate(config, data, "cpu", hooks, record).finished
    except Timeout:
        return True  # another process has it
    if finished:
        checkpoint.unlink(missing_ok=True)
    return finished


def options_of(name: str, description: str) -> argparse.ArgumentParser:
    """Return the options shared by all commands that train and record results."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description.splitlines()[0])
    parser.add_argument("--data", default=HUB_DEFAULT, help="CIFAR-10: a hub name, parquet files or an image folder")
    parser.add_argument("--policies", type=Path, default=PRETRAINED, help="policies whose outputs are trained")
    parser.add_argument("--table", type=Path, default=SHIPPED, help="table of results, read and extended")
    parser.add_argument("--state", type=Path, default=Path("runs/trainings"), help="folder of checkpoints")
    return parser


def main() -> None:
    parser = options_of("trainings", __doc__)
    parser.add_argument("purpose", choices=PURPOSES)
    parser.add_argument(
        "--count",
        type=int,
        default=20,
        help="rewards: architectures besides the judge's; chains: drawn ones; outputs: random inputs",
    )
    options = parser.parse_args()
    options.state.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    data, purpose = load_images(options.data), PURPOSES[options.purpose]
    with stop_signals() as stopped:
        for item, seed in purpose.jobs(options):
            budget = purpose.budget(item.architecture)
            if not train(item, seed, budget, data, options.table, options.state, stopped):
                break


if __name__ == "__main__":
    main()

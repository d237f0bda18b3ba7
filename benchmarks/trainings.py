"""Trains architectures from scratch: `python -m benchmarks.trainings PURPOSE --data SOURCE`, for one of four purposes.

*judge*: by what cheaper accuracies and policies are judged. 48 fully-concat architectures: 28 drawn at random, a random
legal transformation of 12 of them, and 8 published ones; then the first six again with another seed, which tells the
noise. 12 epochs of all training images (ten minutes or more of one core), judged on the test images.

*rewards*: what a reward is fitted on. The same architectures, then others of both spaces in turns, half of them drawn,
half random legal transformations; then the random ones with every dense convolution made separable, the surest way to
fewer MACs. 3 epochs (three minutes), judged on selection images, which the training leaves out.

*chains*: cells whose nodes stand in a row, which drawing hardly ever gives: the published ones with what the papers
made of them, and others with skips at random places. Trained as for rewards; a minute each.

*outputs*: what the policies of a folder make of published and of random architectures, and these inputs, trained as for
rewards: a policy goes where its model errs, so what it made belongs into what the model is fitted on.

Results go into the table that ships with the project; what it has is not trained again. What is interrupted goes on
from its checkpoint, and several processes may share the work.
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
# Of a chain's operations, how many are exchanged.
_OTHER_SHARE = 0.15
PUBLISHED = ("DARTS", "NATv2_DARTS", "PC_DARTS_CIFAR", "PDARTS", "GDAS_V1", "NAT_DARTS", "SNAS_MILD", "DARTS_V1")

JUDGE_EPOCHS, REWARD_EPOCHS = 12, 3

Jobs = Iterator[tuple[NamedArchitecture, int]]


def architectures() -> list[NamedArchitecture]:
    """What judges, in an order in which every beginning is a fair sample."""
    rng = random.Random(2024)
    drawn = [SPACE.sample(rng) for _ in range(RANDOM)]
    changed = [transformed(item, rng) for item in drawn[:TRANSFORMED]]
    named = [NamedArchitecture.of(item, f"random {number}") for number, item in enumerate(drawn)]
    named += [NamedArchitecture.of(item, f"random {number}, transformed") for number, item in enumerate(changed)]
    random.Random(0).shuffle(named)
    published = [NamedArchitecture.of(library()[name].architecture, name) for name in PUBLISHED]
    return [*published[:2], *named[:8], *published[2:], *named[8:]]


def transformed(architecture: Architecture, rng: random.Random) -> Architecture:
    """A random legal transformation."""
    return architecture.with_operations([rng.choice(SPACE.targets(name)) for name in architecture.operations])


def judging(options: argparse.Namespace) -> Jobs:
    """Architectures and seeds of the judge."""
    every = architectures()
    yield from ((item, 0) for item in every)
    yield from ((item, 1) for item in every[:REPEATED])


def rewarding(options: argparse.Namespace) -> Jobs:
    """The judge's architectures, `options.count` others, and what is separable of the random ones; one seed."""
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
    """With every dense convolution of more than one pixel made separable, its kernel kept."""
    return architecture.with_operations([_SEPARABLE.get(name, name) for name in architecture.operations])


def chains(options: argparse.Namespace) -> Jobs:
    """The published chains, the papers' transformations of them, and `options.count` of other operations or sources."""
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
    """Whether something of an input reaches the output of every cell."""
    return bool(CellRows.of([cell for _, cell in architecture.cells]).carries.any(axis=1).all())


def chain(original: Architecture, rng: random.Random, rewired: bool) -> Architecture:
    """`original` with skips at random null edges and, here and there, another legal operation.

    `rewired` draws where the edges beside the row come from.
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
    """What the policies in `options.policies` make of the published inputs and of `options.count` random ones."""
    for name in IMAGE_SPACES:
        space, rng = SPACES[name], random.Random(seed_of("outputs", name))
        given = [NamedArchitecture.of(e.architecture, e.name) for e in library().values() if not e.method]
        given = [item for item in given if space.mismatch(item.architecture) is None]
        given += [NamedArchitecture.of(space.sample(rng), f"{name} {number}") for number in range(options.count)]
        for item in given:
            made = output(item.architecture, space, options.policies)
            yield from ((item, 0), (NamedArchitecture.of(made, f"{item.name}, output"), 0))


def output(given: Architecture, space: Space, policies: Path) -> Architecture:
    """What the policy in a folder makes of `given` for no more MACs, chosen by the policy's own accuracy source."""
    policy, card = load_for(policies, given, space.name)
    return transform(given, policy, space, accuracy_source(card, given)).output.architecture


@dataclass(frozen=True)
class Purpose:
    """What is trained for it, and how: fields of the budget in which it differs from preset `short`."""

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
    """Trains one architecture unless the table has it or another process does; False if stopped before the end."""
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
        return True  # another process is at it
    if finished:
        checkpoint.unlink(missing_ok=True)
    return finished


def options_of(name: str, description: str) -> argparse.ArgumentParser:
    """What every command has that trains and keeps results."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description.splitlines()[0])
    parser.add_argument("--data", default=HUB_DEFAULT, help="CIFAR-10: a hub name, parquet files or an image folder")
    parser.add_argument("--policies", type=Path, default=PRETRAINED, help="folder of policies, for their outputs")
    parser.add_argument("--table", type=Path, default=SHIPPED, help="where results are and go")
    parser.add_argument("--state", type=Path, default=Path("runs/trainings"), help="folder for what is not finished")
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

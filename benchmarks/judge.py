"""Trains the architectures by which cheaper accuracies are judged: `python -m benchmarks.judge --data SOURCE`.

48 fully-concat architectures: 28 drawn at random, a random legal transformation of 12 of them, and 8 published ones;
then the first six again with another seed, which tells the noise. Every one is trained from scratch for 12 epochs of
all training images (preset `short` otherwise; ten minutes or more of one core) and judged on the test images. Results
go X"""

import argparse
import hashlib
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES
from nat_core.learning.image_sources import HUB_DEFAULT
from nat_core.learning.images import ImageData, load_images
from nat_core.learning.measured import SHIPPED, MeasuredResult, add_measured, budget_id, read_measured
from nat_core.learning.scratch_config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch_presets import preset_budget
from nat_core.learning.scratch_queue import Hooks, evaluate
from nat_core.runs.signals import stop_signals

SPACE = SPACES["fully_concat"]
EPOCHS = 12
RANDOM, TRANSFORMED, REPEATED = 28, 12, 6
Stopped = Callable[[], bool]
PUBLISHED = ("DARTS", "NATv2_DARTS", "PC_DARTS_CIFAR", "PDARTS", "GDAS_V1", "NAT_DARTS", "SNAS_MILD", "DARTS_V1")


def architectures() -> list[NamedArchitecture]:
    """What is trained, in an order in which every beginning is a fair sample."""
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


def jobs() -> Iterator[tuple[NamedArchitecture, int]]:
    """Architectures and seeds."""
    every = architectures()
    yield from ((item, 0) for item in every)
    yield from ((item, 1) for item in every[:REPEATED])


def train(item: NamedArchitecture, seed: int, data: ImageData, options: argparse.Namespace, stopped: Stopped) -> bool:
    """Trains one architecture unless the table has it or another process does; False if stopped before the end."""
    budget = preset_budget("short", item.architecture, data=HUB_DEFAULT, epochs=EPOCHS)
    config = EvaluationConfig((item,), budget, (seed,), "short")
    if (item.genotype, budget_id(config, data), seed) in {result.key for result in read_measured(options.table)}:
        return True

    def record(result: MeasuredResult) -> None:
        add_measured(options.table, result)
        seconds = result.elapsed_seconds
        print(f"{item.name}, seed {seed}: {result.accuracy:.2f} % of test images in {seconds:.0f} s", file=sys.stderr)

    checkpoint = options.state / f"{hashlib.sha256(item.genotype.encode()).hexdigest()[:12]}-{seed}.safetensors"
    hooks = Hooks(record=record, should_stop=stopped, checkpoint=checkpoint)
    try:
        with FileLock(checkpoint.with_suffix(".lock"), blocking=False):
            finished = evaluate(config, data, "cpu", hooks).finished
    except Timeout:
        return True  # another process is at it
    if finished:
        checkpoint.unlink(missing_ok=True)
    return finished


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=HUB_DEFAULT, help="CIFAR-10: a hub name, parquet files or an image folder")
    parser.add_argument("--table", type=Path, default=SHIPPED, help="where results go")
    parser.add_argument("--state", type=Path, default=Path("runs/judge"), help="folder for what is not finished")
    options = parser.parse_args()
    options.state.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    data = load_images(options.data)
    with stop_signals() as stopped:
        for item, seed in jobs():
            if not train(item, seed, data, options, stopped):
                break


if __name__ == "__main__":
    main()

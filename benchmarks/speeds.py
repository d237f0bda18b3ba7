"""Measures training speeds for reward models: `python -m benchmarks.speeds --data SOURCE`.

First the architectures that `benchmarks.judge` trains, by which speeds are judged; no model is fitted on them. Then
those of the two spaces, in turns: half of them drawn uniformly, half by a random legal transformation, since a policy's
outputs are transformed ones; with `--policies FOLDER` the most probable outputs of the policies there instead, since a
policy goes where its reward model errs. Every one is trained on one pass (preset `speed`; 10 to 20 seconds of a core).
The table ships with the project; what it has is not trained again, and several processes may share the work with
`--share`.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch

from benchmarks.judge import architectures as judged
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.learning.catalogue import load_for
from nat_core.learning.draws import architecture_at, seed_of
from nat_core.learning.image_config import IMAGE_SPACES
from nat_core.learning.image_sources import HUB_DEFAULT
from nat_core.learning.images import load_images
from nat_core.learning.speed import SHIPPED, add_speed, read_speeds, training_speed
from nat_core.runs.signals import stop_signals
from nat_core.transform import Options, transform

TRANSFORMED_SHARE = 0.5
PER_INPUT = 2


def architectures(count: int) -> Iterator[Architecture]:
    """The judged ones, then `count` others."""
    yield from (item.architecture for item in judged())
    yield from map(_drawn, range(count))


def outputs(policies: Path, count: int) -> Iterator[Architecture]:
    """What the policies of a folder most probably make of random inputs, `PER_INPUT` each; spaces in turns."""
    rng = random.Random(seed_of("outputs"))
    for number in range(0, count, PER_INPUT):
        space = SPACES[IMAGE_SPACES[number // PER_INPUT % len(IMAGE_SPACES)]]
        given = space.sample(rng)
        policy, _ = load_for(policies, given, space.name)
        found = transform(given, policy, space, options=Options(samples=PER_INPUT)).candidates
        yield from (item.architecture for item in found if item.number > 0)


def _drawn(number: int) -> Architecture:
    space = SPACES[IMAGE_SPACES[number % len(IMAGE_SPACES)]]
    return architecture_at(space, "nat++", TRANSFORMED_SHARE, 0, "speeds", space.name, number // len(IMAGE_SPACES))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speeds", description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=HUB_DEFAULT, help="CIFAR-10: a hub name, parquet files or an image folder")
    parser.add_argument("--table", type=Path, default=SHIPPED, help="where results go")
    parser.add_argument("--count", type=int, default=2000, help="architectures of both spaces, besides the judged")
    parser.add_argument("--policies", type=Path, help="folder of policies of both spaces whose outputs are trained")
    parser.add_argument("--share", default="0/1", help="of the work: 0/2 and 1/2 for two processes")
    options = parser.parse_args()
    first, step = map(int, options.share.split("/"))
    torch.set_num_threads(1)
    data = load_images(options.data)
    with stop_signals() as stopped:
        every = outputs(options.policies, options.count) if options.policies else architectures(options.count)
        for number, item in enumerate(islice(every, first, None, step)):
            if (notation.shortest(item), "rewards", 0) in read_speeds(options.table):
                continue
            result = training_speed(item, data, should_stop=stopped)
            if result is None:
                break
            add_speed(options.table, result)
            print(f"{number}: {result.loss:.3f} nats in {result.seconds:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()

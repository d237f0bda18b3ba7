"""Training speed, one of the proxies that `experiments.proxies` compares.

The sum of training losses over one pass, each taken before the step on its batch, ranks architectures better than the
accuracy after so short a training (Ru et al., arXiv 2006.04492; prequential coding in Dawid's sense). Compared networks
share images, order and augmentation, so that most of the noise is common to all.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.learning.images.images import ImageData
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.scratch.state import new_state
from nat_core.learning.scratch.training import Trainer
from nat_core.learning.support.files import write_text
from nat_core.specification import read, specified

# Fields of the budget that differ from preset `short`.
CHANGES = {
    "trained_on": "rewards", "judged_on": "selection", "images_per_class": 1000, "epochs": 1, "batch": 32,
    "warmup_epochs": 0.1,
}  # fmt: skip
STREAMS = ("rewards", "test")
TENTHS = 10
# The first losses depend on the initial weights and the warm-up rather than on the architecture.
_SKIPPED_TENTHS = 2


@specified
class SpeedResult:
    """One network trained on one pass.

    Attributes:
        genotype: the genotype in the shortest notation.
        stream: the images: "rewards" for training and selection, "test" for reports only.
        seed: seed of weights, image order and augmentation.
        losses: mean loss of every tenth of the pass, in nats per image.
        seconds: processor time.
    """

    genotype: str
    stream: str
    seed: int
    losses: tuple[float, ...]
    seconds: float

    def __post_init__(self) -> None:
        if self.stream not in STREAMS:
            raise ValueError(f"stream is {self.stream!r:.60}; accepted: {', '.join(STREAMS)}")
        if len(self.losses) != TENTHS or not all(math.isfinite(loss) for loss in self.losses):
            raise ValueError(f"losses has {len(self.losses)} entries; accepted: {TENTHS} finite numbers")

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what identifies the measurement."""
        return self.genotype, self.stream, self.seed

    @property
    def loss(self) -> float:
        """Return the mean loss in nats per image, without the beginning; lower is better."""
        return float(np.mean(self.losses[_SKIPPED_TENTHS:]))

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "SpeedResult":
        """Invert `asdict`, also after JSON. Raises ValueError for missing or unknown fields."""
        return read(cls, value)


def training_speed(
    architecture: Architecture,
    data: ImageData,
    stream: str = "rewards",
    seed: int = 0,
    *,
    device: torch.device | str = "cpu",
    should_stop: Callable[[], bool] = lambda: False,
) -> SpeedResult | None:
    """Train a small network on one pass over a stream; return None if `should_stop`, called every step, is true.

    Raises:
        ValueError: an architecture that fits no network, too few images for ten batches, or a training that diverges.
    """
    budget = preset_budget("short", architecture, **CHANGES)
    trainer = Trainer(budget, replace(data, rewards=getattr(data, stream)).to(device))
    if trainer.steps < TENTHS:
        least = TENTHS * budget.batch
        raise ValueError(f"{len(trainer.part)} images in the stream of {stream}; at least {least} are needed")
    state = new_state(architecture, budget.network(len(data.classes)), budget, seed, device)
    losses: list[float] = []
    began = time.process_time()
    while state.step < trainer.steps:
        if should_stop():
            return None
        trainer.step(state)
        if TENTHS * state.step // trainer.steps > len(losses):
            losses.append(round(trainer.report(state)["loss"], 4))
    seconds = round(time.process_time() - began, 1)
    return SpeedResult(notation.shortest(architecture), stream, seed, tuple(losses), seconds)


def read_speeds(path: Path) -> dict[tuple[str, str, int], SpeedResult]:
    """Read the results of a JSON lines file by `key`; none without a file.

    Raises:
        ValueError: a line is damaged; the message names it.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {}
    for number, line in enumerate(lines, start=1):
        try:
            result = SpeedResult.from_dict(json.loads(line))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: {error}; accepted: a training speed") from error
        found[result.key] = result
    return found


def add_speed(path: Path, result: SpeedResult) -> None:
    """Add a result to a file, which need not exist, atomically and under a lock.

    Raises:
        ValueError: the file is damaged and left unchanged.
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        known = read_speeds(path) | {result.key: result}
        write_text(path, "".join(f"{json.dumps(asdict(item))}\n" for item in known.values()))

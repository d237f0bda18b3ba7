"""Speed of shared weights on this machine: a training step, and the rewards of a transformation.

Run as `python -m benchmarks.supernet [threads]` on an idle machine; on a busy one only the processor times count. The
targets are for two cores: 0.85 seconds per step and 2.2 seconds for the rewards of an input and ten samples on 64
images (the authors' code: 1.45 seconds a step).
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from benchmarks.rows import Row, seconds
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.shared_weights import SharedWeightAccuracy
from nat_core.learning.image_training.weight_training import draw_architecture, shared_weights_sgd, weight_step
from nat_core.learning.images.images import load_images
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.network.supernet import Supernet

SPACE = SPACES["fully_concat"]
CONFIG = NetworkConfig("cifar", channels=20, layers=8, resolution=32, classes=10)
BATCH = 64
STEPS = 15
REWARDS = 5
SAMPLES = 10
TARGET_STEP_SECONDS = 0.85
TARGET_REWARDS_SECONDS = 2.2

# Categories of profiled operators by parts of their names; the first match counts.
_GROUPS = {
    "convolution": ("conv", "_SameConvolution"),
    "batch norm": ("batch_norm", "_RowNorm", "addcmul"),
    "ReLU": ("relu", "clamp_min", "threshold"),
    "pooling": ("pool", "aten::maximum"),
    "sums, products, concatenations, copies": (
        *("add", "sum", "mean", "sub", "mul", "div"),
        *("cat", "pad", "copy", "fill", "zero", "empty", "select", "slice", "index"),
    ),
}


@dataclass(frozen=True)
class Times:
    """Times of a repeated action.

    Attributes:
        elapsed: wall-clock seconds of each repetition.
        processor: mean processor seconds of all cores.
        flops: mean FLOP/s (one multiply-add = 2).
    """

    elapsed: Sequence[float]
    processor: float
    flops: float

    @property
    def median(self) -> float:
        return statistics.median(self.elapsed)

    def __str__(self) -> str:
        return (
            f"median {self.median:.2f} s, from {min(self.elapsed):.2f} to {max(self.elapsed):.2f}; "
            f"processor time {self.processor:.2f} s; {self.flops / 1e9:.1f} GFLOP/s"
        )


def timed(actions: Sequence[Callable[[], object]], flops: float) -> Times:
    """Time each action once; `flops` is their total."""
    began = time.process_time()
    elapsed = [seconds(action) for action in actions]
    return Times(elapsed, (time.process_time() - began) / len(actions), flops / sum(elapsed))


def peaks() -> dict[str, float]:
    """Return the machine's peak FLOP/s (one multiply-add = 2): a large matrix product, a large dense convolution."""
    side, channels, pixels = 2048, 256, 32
    a, b = torch.randn(side, side), torch.randn(side, side)
    x = torch.randn(16, channels, pixels, pixels).contiguous(memory_format=torch.channels_last)
    w = torch.randn(channels, channels, 3, 3).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        product = min(seconds(lambda: a @ b) for _ in range(5))
        convolution = min(seconds(lambda: F.conv2d(x, w, padding=1)) for _ in range(5))
    macs = 16 * pixels**2 * channels**2 * 9
    return {"matrix product 2048³": 2 * side**3 / product, "convolution 3×3, C 256, 32×32": 2 * macs / convolution}


def shares(step: Callable[[], object]) -> dict[str, float]:
    """Return the percentage of a step's time per category of operators."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    times = dict.fromkeys([*_GROUPS, "the rest"], 0.0)
    for event in profiler.key_averages():
        group = next((name for name, words in _GROUPS.items() if any(word in event.key for word in words)), "the rest")
        times[group] += event.self_cpu_time_total
    return {name: 100 * spent / sum(times.values()) for name, spent in times.items()}


class Steps:
    """Training steps of shared weights, with the same sampled architectures each time."""

    def __init__(self, supernet: Supernet, images: Tensor, labels: Tensor, count: int = STEPS) -> None:
        rng = random.Random(0)
        self.architectures = [draw_architecture(SPACE, rng, transformed_share=0) for _ in range(count)]
        self._supernet, self._batch, self._sgd = supernet, (images, labels), shared_weights_sgd(supernet)

    def take(self, architecture: Architecture) -> None:
        weight_step(self._supernet, self._sgd, *self._batch, architecture)

    def times(self) -> Times:
        """Time the steps after one warm-up round."""
        for architecture in self.architectures:
            self.take(architecture)
        macs = sum(cost_model(CONFIG).cost(item.effective).macs for item in self.architectures)
        return timed([lambda item=item: self.take(item) for item in self.architectures], 3 * 2 * BATCH * macs)

    def shares(self) -> dict[str, float]:
        """Return the percentage of time per category of operators."""
        some = self.architectures[: max(1, len(self.architectures) // 3)]
        return shares(lambda: [self.take(item) for item in some])


def transformations(rng: random.Random) -> Sequence[Architecture]:
    """Return an input and ten random legal transformations of it."""
    given = SPACE.sample(rng)
    outputs = [
        given.with_operations([rng.choice(SPACE.targets(name)) for name in given.operations]) for _ in range(SAMPLES)
    ]
    return [given, *outputs]


def reward_times(judge: SharedWeightAccuracy, groups: Sequence[Sequence[Architecture]]) -> Times:
    """Time the rewards of each group of architectures, after one warm-up group."""
    judge.accuracy_percent(groups[0])
    macs = sum(cost_model(CONFIG).cost(item.effective).macs for group in groups for item in group)
    return timed([lambda group=group: judge.accuracy_percent(group) for group in groups], 2 * BATCH * macs)


def prepared(count: int = STEPS) -> tuple[Supernet, Steps, SharedWeightAccuracy]:
    """Return new shared weights, their training steps, and the accuracy source that uses them."""
    torch.manual_seed(0)
    supernet, data = Supernet(SPACE, CONFIG), load_images("sample")
    part = data.weights[:BATCH]
    steps = Steps(supernet, data.normalised(part.images), part.labels, count)
    return supernet, steps, SharedWeightAccuracy(supernet, data, data.rewards[:BATCH], batch=BATCH)


def rows(repeats: int = 5) -> Iterator[Row]:
    """Yield the two figures that have a target, on as many threads as processors."""
    torch.set_num_threads(os.cpu_count() or 1)
    rng = random.Random(1)
    _, steps, judge = prepared(repeats)
    setting = f"C {CONFIG.channels}, L {CONFIG.layers}, {torch.get_num_threads()} threads"
    yield Row(f"step of shared weights, batch {BATCH}, {setting}", steps.times().median, "s", TARGET_STEP_SECONDS)
    rewards = reward_times(judge, [transformations(rng) for _ in range(repeats)])
    title = f"rewards of an input and {SAMPLES} transformations, {BATCH} images"
    yield Row(title, rewards.median, "s", TARGET_REWARDS_SECONDS)


def main(arguments: Sequence[str]) -> None:
    torch.set_num_threads(int(arguments[0]) if arguments else os.cpu_count() or 1)
    print(f"{torch.get_num_threads()} threads of {os.cpu_count()} processors; load {os.getloadavg()[0]:.2f} before")
    for name, speed in peaks().items():
        print(f"{name}: {speed / 1e9:.0f} GFLOP/s")
    supernet, steps, judge = prepared()
    count = sum(parameter.numel() for parameter in supernet.parameters())
    print(f"{SPACE.title}, {CONFIG.description}: {count / 1e6:.1f} M shared weights, {4 * count / 2**20:.0f} MiB")
    print(f"weight step, {BATCH} images (target {TARGET_STEP_SECONDS} s): {steps.times()}")
    for name, share in steps.shares().items():
        print(f"    {name:40} {share:5.1f} %")
    rng = random.Random(1)
    unrelated = [[SPACE.sample(rng) for _ in range(1 + SAMPLES)] for _ in range(REWARDS)]
    related = [transformations(rng) for _ in range(REWARDS)]
    for name, groups in (("transformations", related), ("unrelated architectures", unrelated)):
        times = reward_times(judge, groups)
        print(f"rewards, 1 + {SAMPLES} {name}, {BATCH} images (target {TARGET_REWARDS_SECONDS} s): {times}")
    print(f"load {os.getloadavg()[0]:.2f} after")


if __name__ == "__main__":
    main(sys.argv[1:])

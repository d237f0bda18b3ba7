"""How long shared weights take on this machine: a step in which they learn, and the rewards of a transformation.

Run as `python -m benchmarks.supernet [threads]`, on an idle machine; on a busy one only the processor times count. The
targets are for two cores: 0.85 seconds per step and 2.2 seconds for the rewards of an input and ten samples on 64
images (the authors' code: 1.45 seconds a step).
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.learning.allocator import keep_freed_memory
from nat_core.learning.images import load_images
from nat_core.learning.shared_weights import SharedWeightAccuracy
from nat_core.learning.weight_training import draw_architecture, shared_weights_sgd, weight_step
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

# What a profiled operator's name contains, by what it belongs to; the first that fits counts.
_GROUPS = {
    "convolution": ("conv",),
    "products and sums of batch norm and of dilated depthwise weights": (
        *("_SameConvolution", "_RowNorm", "aten::mul", "aten::mm", "aten::sub", "addcmul", "aten::sum", "aten::mean"),
    ),
    "torch's batch norm": ("batch_norm",),
    "ReLU": ("relu", "clamp_min", "threshold"),
    "pooling": ("pool",),
    "sums, concatenations, copies": ("add", "cat", "copy", "fill", "zero", "empty", "select", "slice", "index"),
}


def seconds_of(action: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def peaks() -> dict[str, float]:
    """The machine's own speed in FLOP/s (one multiply-add = 2): a large matrix product, a large dense convolution."""
    side, channels, pixels = 2048, 256, 32
    a, b = torch.randn(side, side), torch.randn(side, side)
    x = torch.randn(16, channels, pixels, pixels).contiguous(memory_format=torch.channels_last)
    w = torch.randn(channels, channels, 3, 3).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        product = min(seconds_of(lambda: a @ b) for _ in range(5))
        convolution = min(seconds_of(lambda: F.conv2d(x, w, padding=1)) for _ in range(5))
    macs = 16 * pixels**2 * channels**2 * 9
    return {"matrix product 2048³": 2 * side**3 / product, "convolution 3×3, C 256, 32×32": 2 * macs / convolution}


def shares(step: Callable[[], object]) -> dict[str, float]:
    """Where a step's time goes, in percent."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    times = dict.fromkeys([*_GROUPS, "the rest"], 0.0)
    for event in profiler.key_averages():
        group = next((name for name, words in _GROUPS.items() if any(word in event.key for word in words)), "the rest")
        times[group] += event.self_cpu_time_total
    return {name: 100 * spent / sum(times.values()) for name, spent in times.items()}


def measure_steps(supernet: Supernet, images: Tensor, labels: Tensor) -> None:
    """Prints how long steps take, how many FLOP/s that is, and where the time goes."""
    rng = random.Random(0)
    architectures = [draw_architecture(SPACE, rng, transformed_share=0) for _ in range(STEPS)]
    sgd = shared_weights_sgd(supernet)
    for architecture in architectures:
        weight_step(supernet, sgd, images, labels, architecture)
    cpu_began = time.process_time()
    times = [seconds_of(lambda item=item: weight_step(supernet, sgd, images, labels, item)) for item in architectures]
    cpu = (time.process_time() - cpu_began) / STEPS
    flops = 3 * 2 * BATCH * sum(cost_model(CONFIG).cost(item.effective).macs for item in architectures) / sum(times)
    print(
        f"weight step, {BATCH} images: median {statistics.median(times):.2f} s (target {TARGET_STEP_SECONDS}), from "
        f"{min(times):.2f} to {max(times):.2f}; processor time {cpu:.2f} s; {flops / 1e9:.1f} GFLOP/s forward and back"
    )
    some = architectures[: STEPS // 3]
    for name, share in shares(lambda: [weight_step(supernet, sgd, images, labels, item) for item in some]).items():
        print(f"    {name:40} {share:5.1f} %")


def transformations(rng: random.Random) -> Sequence[Architecture]:
    """An input and ten random legal transformations of it."""
    given = SPACE.sample(rng)
    outputs = [
        given.with_operations([rng.choice(SPACE.targets(name)) for name in given.operations]) for _ in range(SAMPLES)
    ]
    return [given, *outputs]


def measure_rewards(judge: SharedWeightAccuracy) -> None:
    """Prints how long the rewards of one input take, for transformations and for as many unrelated architectures."""
    rng = random.Random(1)
    unrelated = [[SPACE.sample(rng) for _ in range(1 + SAMPLES)] for _ in range(REWARDS)]
    for name, groups in (
        ("transformations", [transformations(rng) for _ in range(REWARDS)]),
        ("unrelated architectures", unrelated),
    ):
        judge.accuracy_percent(groups[0])
        cpu_began = time.process_time()
        times = [seconds_of(lambda group=group: judge.accuracy_percent(group)) for group in groups]
        cpu = (time.process_time() - cpu_began) / len(groups)
        flops = 2 * BATCH * sum(cost_model(CONFIG).cost(item.effective).macs for group in groups for item in group)
        print(
            f"rewards, 1 + {SAMPLES} {name}, {len(judge.part)} images: median {statistics.median(times):.2f} s "
            f"(target {TARGET_REWARDS_SECONDS}); processor time {cpu:.2f} s; {flops / sum(times) / 1e9:.1f} GFLOP/s"
        )


def main(arguments: Sequence[str]) -> None:
    torch.set_num_threads(int(arguments[0]) if arguments else os.cpu_count() or 1)
    torch.manual_seed(0)
    keep_freed_memory()
    print(f"{torch.get_num_threads()} threads of {os.cpu_count()} processors; load {os.getloadavg()[0]:.2f} before")
    for name, speed in peaks().items():
        print(f"{name}: {speed / 1e9:.0f} GFLOP/s")
    supernet, data = Supernet(SPACE, CONFIG), load_images("sample")
    count = sum(parameter.numel() for parameter in supernet.parameters())
    print(f"{SPACE.title}, {CONFIG.description}: {count / 1e6:.1f} M shared weights, {4 * count / 2**20:.0f} MiB")
    part = data.weights[:BATCH]
    measure_steps(supernet, data.normalised(part.images), part.labels)
    measure_rewards(SharedWeightAccuracy(supernet, data, data.rewards[:BATCH], batch=BATCH))
    print(f"load {os.getloadavg()[0]:.2f} after")


if __name__ == "__main__":
    main(sys.argv[1:])

"""How fast this machine trains: a few steps of everything that costs time, measured once and kept in a file.

About three seconds on one core. What is measured is small; `estimate` scales it to a whole training.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_reward_model
from nat_core.learning.graphs.graph import encode, legal_mask
from nat_core.learning.image_training.weight_training import shared_weights_sgd, weight_step
from nat_core.learning.policies.distribution import edge_entropy
from nat_core.learning.policies.policy import Policy, PolicyConfig
from nat_core.learning.support.files import write_text
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.network.supernet import Supernet

_REPEATS = 3
_BATCH = 64
_GRAPHS = 64
# Two shapes, one heavy in overhead and one in arithmetic, tell what an image costs of either.
_SHAPES = ((4, 3, 16, 1), (12, 5, 24, 1))


@dataclass(frozen=True)
class Calibration:
    """Seconds on one device with one processor thread.

    Attributes:
        weight_step: of a step of shared weights, whatever its size.
        weight_mac: of a step, per multiply-add of its images.
        judge_step, judge_mac: of an evaluation of an architecture on a batch, likewise.
        policy_graph: of a gradient step of the policy, per input architecture and edge.
        model_graph: of a gradient step of the reward model, per architecture and edge.
    """

    weight_step: float
    weight_mac: float
    judge_step: float
    judge_mac: float
    policy_graph: float
    model_graph: float


def calibration(file: Path, device: str = "cpu") -> Calibration:
    """This machine's, from `file` if it was measured with the same torch before."""
    key = f"{device}, torch {torch.__version__}"
    known = _read(file)
    if key not in known:
        known[key] = measure(device)
        write_text(file, json.dumps({name: asdict(item) for name, item in known.items()}, indent=2) + "\n")
    return known[key]


def measure(device: str = "cpu") -> Calibration:
    """Takes the steps, in one processor thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            weights, judged = zip(*(_images(shape, device) for shape in _SHAPES), strict=True)
            sizes = [_BATCH * mean_macs(SPACES["fully_concat"], _network(shape)) for shape in _SHAPES]
            policy, model = _policy(device), _model(device)
        return Calibration(*_line(sizes, weights), *_line(sizes, judged), policy, model)
    finally:
        torch.set_num_threads(threads)


def mean_macs(space: Space, network: NetworkConfig) -> float:
    """Of random architectures, per image."""
    costs = cost_model(network)
    return float(np.mean([costs.cost(item).macs for item in _architectures(space, 8)]))


def _read(file: Path) -> dict[str, Calibration]:
    names = {item.name for item in fields(Calibration)}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {key: Calibration(**item) for key, item in found.items() if item.keys() == names}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _line(sizes: list[float], seconds: tuple[float, ...]) -> tuple[float, float]:
    """Seconds per step and per multiply-add of the line through both measurements, neither below zero."""
    slope = max((seconds[1] - seconds[0]) / (sizes[1] - sizes[0]), 0.0)
    return max(seconds[0] - slope * sizes[0], 0.0), slope


def _network(shape: tuple[int, int, int, int]) -> NetworkConfig:
    channels, layers, resolution, stride = shape
    return NetworkConfig(
        "cifar", channels=channels, layers=layers, resolution=resolution, classes=10, stem_stride=stride
    )


def _architectures(space: Space, count: int) -> list[Architecture]:
    rng = random.Random(0)
    return [space.sample(rng) for _ in range(count)]


def _images(shape: tuple[int, int, int, int], device: str) -> tuple[float, float]:
    """Seconds of a step on a batch, and of an evaluation."""
    network, space = _network(shape), SPACES["fully_concat"]
    supernet = Supernet(space, network).to(device)
    sgd = shared_weights_sgd(supernet, 0.01)
    images = torch.randn(_BATCH, 3, network.resolution, network.resolution, device=device)
    labels = torch.zeros(_BATCH, dtype=torch.long, device=device)
    drawn = iter(_architectures(space, 100))

    def learn() -> None:
        weight_step(supernet, sgd, images, labels, next(drawn))

    @torch.inference_mode()
    def judge() -> None:
        supernet(images, next(drawn)).sum().item()

    return _seconds(learn, device), _seconds(judge, device)


def _policy(device: str) -> float:
    space = SPACES["fully_concat"]
    policy, graphs = Policy(PolicyConfig()).to(device), encode(_architectures(space, _GRAPHS)).to(device)
    legal = legal_mask(space).to(device)

    def learn() -> None:
        policy.zero_grad()
        edge_entropy(policy.log_probabilities(graphs, legal)).sum().backward()

    return _seconds(learn, device) / len(graphs.operation)


def _model(device: str) -> float:
    space = SPACES["fully_concat"]
    inputs = _architectures(space, _GRAPHS)
    scores = np.random.default_rng(0).normal(50, 5, len(inputs))

    def fit(steps: int) -> Callable[[], object]:
        config = RewardModelConfig(members=1, steps=steps, batch=_GRAPHS)
        return lambda: fit_reward_model(inputs, scores, space, config, device)

    edges = sum(len(item.edges) for item in inputs)
    return max(_seconds(fit(6), device, 1) - _seconds(fit(2), device, 1), 0.0) / 4 / edges


def _seconds(action: Callable[[], object], device: str, repeats: int = _REPEATS) -> float:
    """The shortest of a few times, after one to warm up.

    What is measured is kept for good, so on the processor this thread's own time is taken: whatever else the machine
    does at this moment, a run of another visitor say, is not in it.
    """
    clock = time.thread_time if device == "cpu" else time.perf_counter
    action()
    times = []
    for _ in range(repeats):
        began = clock()
        action()
        times.append(clock() - began)
    return min(times)

"""Estimates of a training's time and memory: a calibration of this machine, scaled by the training's steps.

The calibration runs a few steps of everything that costs time, takes about three seconds on one core, and is stored in
a file. Estimates are right within a factor of about two: they leave out other work on the machine, loading images and
saving.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch

from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_reward_model
from nat_core.learning.graphs.graph import encode, legal_mask
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.plan import Phase, evaluations, plan_training
from nat_core.learning.image_training.weight_training import shared_weights_sgd, weight_step
from nat_core.learning.images.cache import counts_of
from nat_core.learning.images.defaults import is_streamed
from nat_core.learning.images.streaming import workers
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.distribution import edge_entropy
from nat_core.learning.policies.policy import Policy
from nat_core.learning.scratch.config import EvaluationConfig
from nat_core.learning.support.device import total_memory_bytes
from nat_core.learning.support.files import write_text
from nat_core.learning.training.config import TRAININGS, TrainingConfig
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.network.supernet import Supernet
from nat_core.specification import from_json

# Of a calibration.
_REPEATS = 3
_BATCH = 64
_GRAPHS = 64
# Two network shapes, one dominated by overhead and one by arithmetic, separate the two costs of an image.
_SHAPES = ((4, 3, 16, 1), (12, 5, 24, 1))
# Memory of a process with torch and the libraries, before it holds any data.
_BASE_BYTES = 600 * 2**20
# The largest built-in dataset, CIFAR-10; the size of other datasets is unknown until they are read.
_IMAGES = 60_000
# The number of feature maps per edge that a weight step keeps for its gradient, as floats.
_MAPS_PER_EDGE = 12
_EDGES_PER_CELL = 8
_PROBES = 3
# Seconds on one core to count everything about one architecture, its cost included.
_COUNTING_SECONDS = 2e-4
# Seconds on one core to search for the best output of one input.
_SEARCHING_SECONDS = 0.1
# Slow-down of a step on a table when samples must fit budgets and the best outputs within them are imitated.
_BUDGETED = 2.8
# Seconds in which one process decodes an image of half a megapixel, and the memory that each such process adds.
_DECODING_SECONDS = 0.004
_WORKER_BYTES = 120 * 2**20
# The same for a network trained from scratch, where each edge has one operation; the mean over all cells.
_MAPS_PER_EDGE_ALONE = 4
# The number of the first stem's feature maps that the gradient needs.
_STEM_MAPS = 6


@dataclass(frozen=True)
class Calibration:
    """Seconds on one device with one processor thread.

    Attributes:
        weight_step: seconds per step of the shared weights, independent of its size.
        weight_mac: seconds per step and multiply-add of its images.
        evaluation_step, evaluation_mac: the same for evaluating an architecture on a batch.
        policy_graph: seconds of a gradient step of the policy, per input architecture and edge.
        model_graph: seconds of a gradient step of the reward model, per architecture and edge.
    """

    weight_step: float
    weight_mac: float
    evaluation_step: float
    evaluation_mac: float
    policy_graph: float
    model_graph: float


def calibration(file: Path, device: str = "cpu") -> Calibration:
    """Return this machine's calibration, from `file` if it was measured there with the same version of torch."""
    key = f"{device}, torch {torch.__version__}"
    known = _read(file)
    if key not in known:
        known[key] = measure(device)
        write_text(file, json.dumps({name: asdict(item) for name, item in known.items()}, indent=2) + "\n")
    return known[key]


def measure(device: str = "cpu") -> Calibration:
    """Measure a calibration with one processor thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            weights, evaluated = zip(*(_image_times(shape, device) for shape in _SHAPES), strict=True)
            sizes = [_BATCH * mean_macs(SPACES["fully_concat"], _network(shape)) for shape in _SHAPES]
            policy, model = _policy_time(device), _model_time(device)
        return Calibration(*_fitted_line(sizes, weights), *_fitted_line(sizes, evaluated), policy, model)
    finally:
        torch.set_num_threads(threads)


def mean_macs(space: Space, network: NetworkConfig) -> float:
    """Return the mean MACs per image of random architectures."""
    costs = cost_model(network)
    return float(np.mean([costs.cost(item).macs for item in _architectures(space, 8)]))


def _read(file: Path) -> dict[str, Calibration]:
    names = {item.name for item in fields(Calibration)}
    try:
        found = from_json(file.read_text(encoding="utf-8"))
        return {key: Calibration(**item) for key, item in found.items() if item.keys() == names}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _fitted_line(sizes: list[float], seconds: tuple[float, ...]) -> tuple[float, float]:
    """Fit a line through both measurements; return seconds per step and per multiply-add, neither below zero."""
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


def _image_times(shape: tuple[int, int, int, int], device: str) -> tuple[float, float]:
    """Return the seconds of a training step on a batch, and of an evaluation."""
    network, space = _network(shape), SPACES["fully_concat"]
    supernet = Supernet(space, network).to(device)
    sgd = shared_weights_sgd(supernet, 0.01)
    images = torch.randn(_BATCH, 3, network.resolution, network.resolution, device=device)
    labels = torch.zeros(_BATCH, dtype=torch.long, device=device)
    drawn = iter(_architectures(space, 100))

    def learn() -> None:
        weight_step(supernet, sgd, images, labels, next(drawn))

    @torch.inference_mode()
    def evaluate() -> None:
        supernet(images, next(drawn)).sum().item()

    return _shortest_seconds(learn, device), _shortest_seconds(evaluate, device)


def _policy_time(device: str) -> float:
    space = SPACES["fully_concat"]
    policy, graphs = Policy(PolicyConfig()).to(device), encode(_architectures(space, _GRAPHS)).to(device)
    legal = legal_mask(space).to(device)

    def learn() -> None:
        policy.zero_grad()
        edge_entropy(policy.log_probabilities(graphs, legal)).sum().backward()

    return _shortest_seconds(learn, device) / len(graphs.operation)


def _model_time(device: str) -> float:
    space = SPACES["fully_concat"]
    inputs = _architectures(space, _GRAPHS)
    scores = np.random.default_rng(0).normal(50, 5, len(inputs))

    def fit(steps: int) -> Callable[[], object]:
        config = RewardModelConfig(members=1, steps=steps, batch=_GRAPHS)
        return lambda: fit_reward_model(inputs, scores, space, config, device)

    edges = sum(len(item.edges) for item in inputs)
    return max(_shortest_seconds(fit(6), device, 1) - _shortest_seconds(fit(2), device, 1), 0.0) / 4 / edges


def _shortest_seconds(action: Callable[[], object], device: str, repeats: int = _REPEATS) -> float:
    """Return the shortest of a few measured times, after one warm-up.

    The calibration is stored permanently. So on the CPU, this thread's own processor time is measured, which excludes
    other work on the machine, such as another visitor's run.
    """
    clock = time.thread_time if device == "cpu" else time.perf_counter
    action()
    times = []
    for _ in range(repeats):
        began = clock()
        action()
        times.append(clock() - began)
    return min(times)


@dataclass(frozen=True)
class Estimate:
    """A training's expected time and memory.

    Attributes:
        seconds: wall-clock time if nothing else uses the device.
        memory_bytes: the largest memory of its process.
    """

    seconds: float
    memory_bytes: int


def estimate(config: Any, speed: Calibration) -> Estimate:
    """Estimate what `config` will take. Raises ValueError if `config` is not the configuration of a training."""
    formulas = _formulas(config)
    return Estimate(formulas.seconds(config, speed), formulas.memory_bytes(config))


def check_memory(config: Any, device: str = "cpu", available_bytes: int | None = None) -> None:
    """Raises ValueError if `config` needs more memory than the device has, or than `available_bytes`."""
    needed = _formulas(config).memory_bytes(config)
    available = total_memory_bytes(device) if available_bytes is None else available_bytes
    if needed > available:
        raise ValueError(
            f"about {needed / 2**30:,.0f} GB of memory are needed, and {'this machine' if device == 'cpu' else device} "
            f"has {available / 2**30:.0f} GB; {_formulas(config).needs_less} need less"
        )


class _Formulas(NamedTuple):
    """The formulas for one kind of training."""

    seconds: Callable[[Any, Calibration], float]
    memory_bytes: Callable[[Any], int]
    needs_less: str = "fewer channels, layers, pixels or images per step"


def _formulas(config: Any) -> _Formulas:
    for kind, formulas in _ESTIMATES.items():
        if isinstance(config, kind):
            return formulas
    raise ValueError(f"a {type(config).__name__} is no training; accepted: {', '.join(k.__name__ for k in _ESTIMATES)}")


def _table_seconds(config: TrainingConfig, speed: Calibration) -> float:
    """Return the seconds of a training on a table or a model of accuracies. NAS-Bench-201's rewards are looked up; in
    other spaces, a model predicts the reward of every sample.
    """
    edges = _edges(config)
    step = config.batch * edges * speed.policy_graph * _shape(config)
    if config.budgets.cost and config.reward.source != TRAININGS:
        step *= _BUDGETED
    measures = config.inputs.held_out * edges * speed.policy_graph / 3 * config.steps / 100
    seconds = 5 + config.steps * step + measures
    if config.reward.source == TRAININGS:
        seconds += config.steps * config.batch * (1 + config.samples) * _COUNTING_SECONDS
        seconds += (
            config.reinforce.searched_share
            * min(config.inputs.training, config.steps * config.batch)
            * _SEARCHING_SECONDS
        )
    return seconds


def _table_memory(config: TrainingConfig) -> int:
    return _BASE_BYTES + 40_000 * config.batch * _edges(config)


def _edges(config: TrainingConfig) -> int:
    """Return the approximate number of edges of an input."""
    return 2 * _EDGES_PER_CELL if config.reward.source == TRAININGS else 6


def _fitting(model: RewardModelConfig, edges: int, speed: Calibration) -> float:
    """Return the seconds to fit one member of the ensemble."""
    return model.steps * model.batch * edges * speed.model_graph


def _predicting(model: RewardModelConfig, graphs: int, edges: int, speed: Calibration) -> float:
    """Return the seconds for predictions of all members; a forward pass takes a third of a training step."""
    return model.members * graphs * edges * speed.model_graph / 3


def _image_seconds(config: ImageTrainingConfig, speed: Calibration) -> float:
    costs = _Costs(config, speed)
    return 8 + sum(phase.steps * costs.of[phase.name](phase) for phase in plan_training(config).phases)


class _Costs:
    """Seconds per step in each phase."""

    def __init__(self, config: ImageTrainingConfig, speed: Calibration) -> None:
        self.config, self.speed = config, speed
        self.macs = mean_macs(config.target_space, config.network(10))
        self.edges = 2 * _EDGES_PER_CELL
        rewards, policy = config.rewards, config.policy
        self.of: Mapping[str, Callable[[Phase], float]] = {
            "weights": lambda phase: speed.weight_step + config.weights.batch * self.macs * speed.weight_mac,
            "policy": lambda phase: (
                policy.batch * (1 + policy.samples) * self._evaluated(rewards.images) + self._policy_step()
            ),
            "evaluate": lambda phase: self._evaluated(rewards.images) * min(rewards.chunk, evaluations(config, 0)),
            "fit": lambda phase: _fitting(config.model, self.edges, speed),
            "modelled_policy": lambda phase: self._policy_step() + self._modelled(),
            "check": lambda phase: self._evaluated(rewards.images) * self._inputs(rewards.checked, phase) * 2,
            "measure": lambda phase: self._measured(phase),
            "report": lambda phase: self._measured(phase),
        }

    def _evaluated(self, images: int) -> float:
        """Return the seconds to evaluate one architecture."""
        size = min(self.config.rewards.batch, images)
        return images / size * (self.speed.evaluation_step + size * self.macs * self.speed.evaluation_mac)

    def _policy_step(self) -> float:
        return self.config.policy.batch * self.edges * self.speed.policy_graph * _shape(self.config.policy)

    def _modelled(self) -> float:
        """Return the seconds to predict the rewards of all samples."""
        graphs = self.config.policy.batch * (1 + self.config.policy.samples)
        return _predicting(self.config.model, graphs, self.edges, self.speed)

    def _measured(self, phase: Phase) -> float:
        return 2 * self._evaluated(self.config.rewards.measured_images) * (
            self._inputs(self.config.policy.inputs.held_out, phase) + _PROBES / phase.steps
        )  # fmt: skip

    @staticmethod
    def _inputs(count: int, phase: Phase) -> float:
        return count / phase.steps


def _evaluation_seconds(config: EvaluationConfig, speed: Calibration) -> float:
    """Return the seconds of all trainings and evaluations; streamed images are decoded in parallel by other
    processes.
    """
    budget, (training, test) = config.budget, counts_of(config.budget.data)
    steps = budget.epochs * max(1, training // budget.batch)
    costs = cost_model(budget.network(1000))
    decoding = _DECODING_SECONDS / workers() if budget.streams(training + test) else 0.0
    seconds = 8.0
    for item, _ in config.jobs:
        macs = costs.cost(item.architecture).macs
        learning = steps * speed.weight_step + budget.epochs * training * macs * speed.weight_mac
        evaluating = test * macs * speed.evaluation_mac
        seconds += max(learning, budget.epochs * training * decoding) + max(evaluating, test * decoding)
    return seconds


def _evaluation_memory(config: EvaluationConfig) -> int:
    """Count the images as bytes, or the decoding processes and their batches; the weights; and the gradient's feature
    maps.
    """
    budget, count = config.budget, sum(counts_of(config.budget.data))
    network = budget.network(1000)
    side = budget.resolution // (8 if budget.family == "imagenet" else network.stem_stride)
    images = 2 * 3 * budget.resolution**2 * count
    if budget.streams(count):
        images = workers() * (_WORKER_BYTES + 2 * 3 * budget.resolution**2 * budget.batch)
    largest = max(cost_model(network).cost(item.architecture).parameters for item in config.architectures)
    piece = -(-budget.batch // budget.pieces)
    maps = budget.layers * _EDGES_PER_CELL * _MAPS_PER_EDGE_ALONE * budget.channels * side**2
    stem = _STEM_MAPS * budget.channels * (budget.resolution // network.stem_stride // 2) ** 2
    return int(_BASE_BYTES + images + 4 * 4 * largest + 4 * piece * (maps + stem))


def _shape(config: TrainingConfig) -> float:
    """Return the work of a policy of this shape, divided by the work of the default policy."""
    return config.policy.layers * config.policy.width**2 / (3 * 64**2)


def _image_memory(config: ImageTrainingConfig) -> int:
    """Count images held in memory as bytes; weights, gradients, momentum and a saved copy; and the gradient's feature
    maps.
    """
    network = config.network(10)
    images = _IMAGES * 3 * config.resolution**2
    if is_streamed(config.images, _IMAGES, config.resolution):
        images = workers() * _WORKER_BYTES
    weights = 4 * 4 * _supernet_parameters(config)
    side = config.resolution // (8 if config.family == "imagenet" else network.stem_stride)
    maps = config.layers * _EDGES_PER_CELL * _MAPS_PER_EDGE * config.channels * side**2
    return int(_BASE_BYTES + 2 * images + weights + 4 * config.weights.batch * maps)


def _supernet_parameters(config: ImageTrainingConfig) -> float:
    """Return the number of weights of every operation of the space on every edge that a cell may have."""
    space, architecture = config.target_space, config.target_space.sample(random.Random(0))
    model = cost_model(config.network(10))
    parameters = model.edge_table(architecture)[1][:, [INDEX[name] for name in space.operations]].sum()
    nodes = range(space.inputs, space.inputs + space.intermediates)
    return sum(nodes) * len(architecture.cells) / len(architecture.edges) * float(parameters)


_ESTIMATES: Mapping[type, _Formulas] = MappingProxyType({
    TrainingConfig: _Formulas(_table_seconds, _table_memory),
    ImageTrainingConfig: _Formulas(_image_seconds, _image_memory),
    EvaluationConfig: _Formulas(
        _evaluation_seconds, _evaluation_memory, "fewer channels, layers or pixels, or a batch in more pieces"
    ),
})  # fmt: skip

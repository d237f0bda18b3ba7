"""How long a training will take here, and how much memory: from this machine's calibration and the plan of its steps.

Good to a factor of about two: other work on the machine, and what is not counted (loading images, saving), add to it.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from nat_core.architecture.operations import INDEX
from nat_core.learning.accuracies.reward_model import RewardModelConfig
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.plan import Phase, evaluations, plan_training
from nat_core.learning.support.device import total_memory_bytes
from nat_core.learning.training.config import TRAININGS, TrainingConfig
from nat_core.network.costs import cost_model
from nat_core.runs.calibration import Calibration, mean_macs

# A process with torch and the libraries, before it holds anything.
_BASE_BYTES = 600 * 2**20
# The largest of the built-in sources, CIFAR-10; others are not known before they are read.
_IMAGES = 60_000
# What a weight step keeps for its gradient: so many feature maps of every edge, in floats.
_MAPS_PER_EDGE = 12
_EDGES_PER_CELL = 8
_PROBES = 3
# What is counted about one architecture, its cost included, on one core.
_COUNTING_SECONDS = 2e-4
# What is sought for one input, likewise.
_SEARCHING_SECONDS = 0.1


@dataclass(frozen=True)
class Estimate:
    """Of a training.

    Attributes:
        seconds: of wall-clock time while it has the device for itself.
        memory_bytes: at most, of its process.
    """

    seconds: float
    memory_bytes: int


def estimate(config: Any, speed: Calibration) -> Estimate:
    """What `config` will take. Raises ValueError for a configuration that is no training's."""
    formulas = _formulas(config)
    return Estimate(formulas.seconds(config, speed), formulas.memory_bytes(config))


def check_memory(config: Any, device: str = "cpu", available_bytes: int | None = None) -> None:
    """Raises ValueError if `config` needs more memory than the device has, or than `available_bytes`."""
    needed = _formulas(config).memory_bytes(config)
    available = total_memory_bytes(device) if available_bytes is None else available_bytes
    if needed > available:
        raise ValueError(
            f"about {needed / 2**30:,.0f} GB of memory are needed, and {'this machine' if device == 'cpu' else device} "
            f"has {available / 2**30:.0f} GB; fewer channels, layers, pixels or images per step need less"
        )


class _Formulas(NamedTuple):
    """What a kind of training takes."""

    seconds: Callable[[Any, Calibration], float]
    memory_bytes: Callable[[Any], int]


def _formulas(config: Any) -> _Formulas:
    for kind, formulas in _ESTIMATES.items():
        if isinstance(config, kind):
            return formulas
    raise ValueError(f"a {type(config).__name__} is no training; accepted: {', '.join(k.__name__ for k in _ESTIMATES)}")


def _table_seconds(config: TrainingConfig, speed: Calibration) -> float:
    """NAS-Bench-201's cells have six edges, and rewards are looked up; elsewhere every sample's are counted anew."""
    edges = _edges(config)
    step = config.batch * edges * speed.policy_graph * _shape(config)
    measures = config.held_out * edges * speed.policy_graph / 3 * config.steps / 100
    seconds = 5 + config.steps * step + measures
    if config.data_set == TRAININGS:
        seconds += config.steps * config.batch * (1 + config.samples) * _COUNTING_SECONDS
        seconds += config.searched_share * min(config.inputs, config.steps * config.batch) * _SEARCHING_SECONDS
    return seconds


def _table_memory(config: TrainingConfig) -> int:
    return _BASE_BYTES + 40_000 * config.batch * _edges(config)


def _edges(config: TrainingConfig) -> int:
    """Of an input, about."""
    return 2 * _EDGES_PER_CELL if config.data_set == TRAININGS else 6


def _fitting(model: RewardModelConfig, edges: int, speed: Calibration) -> float:
    """Of one member."""
    return model.steps * model.batch * edges * speed.model_graph


def _predicting(model: RewardModelConfig, graphs: int, edges: int, speed: Calibration) -> float:
    """By all members; forward alone is a third of a step."""
    return model.members * graphs * edges * speed.model_graph / 3


def _image_seconds(config: ImageTrainingConfig, speed: Calibration) -> float:
    costs = _Costs(config, speed)
    return 8 + sum(phase.steps * costs.of[phase.name](phase) for phase in plan_training(config).phases)


class _Costs:
    """Seconds per step of every phase."""

    def __init__(self, config: ImageTrainingConfig, speed: Calibration) -> None:
        self.config, self.speed = config, speed
        self.macs = mean_macs(config.target_space, config.network(10))
        self.edges = 2 * _EDGES_PER_CELL
        rewards, policy = config.rewards, config.policy
        self.of: Mapping[str, Callable[[Phase], float]] = {
            "weights": lambda phase: speed.weight_step + config.weights.batch * self.macs * speed.weight_mac,
            "policy": lambda phase: (
                policy.batch * (1 + policy.samples) * self._judged(rewards.images) + self._policy_step()
            ),
            "evaluate": lambda phase: self._judged(rewards.images) * min(rewards.chunk, evaluations(config, 0)),
            "fit": lambda phase: _fitting(config.model, self.edges, speed),
            "modelled_policy": lambda phase: self._policy_step() + self._modelled(),
            "check": lambda phase: self._judged(rewards.images) * self._inputs(rewards.checked, phase) * 2,
            "measure": lambda phase: self._measured(phase),
            "report": lambda phase: self._measured(phase),
        }

    def _judged(self, images: int) -> float:
        """Of one architecture."""
        size = min(self.config.rewards.batch, images)
        return images / size * (self.speed.judge_step + size * self.macs * self.speed.judge_mac)

    def _policy_step(self) -> float:
        return self.config.policy.batch * self.edges * self.speed.policy_graph * _shape(self.config.policy)

    def _modelled(self) -> float:
        """Predictions of all samples."""
        graphs = self.config.policy.batch * (1 + self.config.policy.samples)
        return _predicting(self.config.model, graphs, self.edges, self.speed)

    def _measured(self, phase: Phase) -> float:
        return 2 * self._judged(self.config.rewards.measured_images) * (
            self._inputs(self.config.policy.held_out, phase) + _PROBES / phase.steps
        )  # fmt: skip

    @staticmethod
    def _inputs(count: int, phase: Phase) -> float:
        return count / phase.steps


def _shape(config: TrainingConfig) -> float:
    """Work of the policy's shape ÷ work of the default one."""
    return config.policy.layers * config.policy.width**2 / (3 * 64**2)


def _image_memory(config: ImageTrainingConfig) -> int:
    """Images as bytes; weights, gradients, momentum and a copy that is saved; what the gradient needs."""
    network = config.network(10)
    images = _IMAGES * 3 * config.resolution**2
    weights = 4 * 4 * _supernet_parameters(config)
    side = config.resolution // network.stem_stride
    maps = config.layers * _EDGES_PER_CELL * _MAPS_PER_EDGE * config.channels * side**2
    return int(_BASE_BYTES + 2 * images + weights + 4 * config.weights.batch * maps)


def _supernet_parameters(config: ImageTrainingConfig) -> float:
    """Every operation of the space on every edge that a cell may have."""
    space, architecture = config.target_space, config.target_space.sample(random.Random(0))
    model = cost_model(config.network(10))
    parameters = model.edge_table(architecture)[1][:, [INDEX[name] for name in space.operations]].sum()
    nodes = range(space.inputs, space.inputs + space.intermediates)
    return sum(nodes) * len(architecture.cells) / len(architecture.edges) * float(parameters)


_ESTIMATES: Mapping[type, _Formulas] = MappingProxyType({
    TrainingConfig: _Formulas(_table_seconds, _table_memory),
    ImageTrainingConfig: _Formulas(_image_seconds, _image_memory),
})  # fmt: skip

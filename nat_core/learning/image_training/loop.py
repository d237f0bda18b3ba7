"""Training a policy from images: the loop over the plan's steps; stops between any two and continues exactly.

Two schedules: the papers' alternating one (arXiv 1910.14488, algorithm 1), and one in two stages for few and noisy
rewards. Both are courses of phases (`image_plan`), each of which takes one step (`PHASES`).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import torch

from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.measures import measure, report
from nat_core.learning.image_training.plan import Phase, PhaseName, Plan, plan_training
from nat_core.learning.image_training.policy_steps import train_policy
from nat_core.learning.image_training.rounds import check, evaluate, fit, train_on_model
from nat_core.learning.image_training.setting import Setting
from nat_core.learning.image_training.state import ImageState, load_image_state, new_image_state, save_image_state
from nat_core.learning.image_training.weight_steps import train_weights
from nat_core.learning.images.cache import cached_images
from nat_core.learning.images.images import ImageData
from nat_core.learning.support import parallel
from nat_core.learning.support.hooks import Hooks, Saver
from nat_core.learning.training.loop import Reports

# Takes a step (its number within the phase) and gives its metrics.
PhaseStep = Callable[[Setting, ImageState, Phase, int], Mapping[str, float]]
PHASES: Mapping[PhaseName, PhaseStep] = MappingProxyType(
    {
        "weights": train_weights,
        "policy": train_policy,
        "evaluate": evaluate,
        "fit": fit,
        "modelled_policy": train_on_model,
        "check": check,
        "measure": measure,
        "report": report,
    }
)
HEADLINE = "held_out_gain"
# A run reports about this often, whatever its length, but at most every ten steps.
_REPORTS = 2000


@dataclass(frozen=True)
class ImageTraining:
    """The result of a training from images.

    Attributes:
        state: final state.
        config: configuration of the training.
        data: description of the images.
        steps: number of steps of the whole training.
    """

    state: ImageState
    config: ImageTrainingConfig
    data: str
    steps: int

    @property
    def steps_done(self) -> int:
        return self.state.step

    @property
    def finished(self) -> bool:
        return self.steps_done == self.steps


def train_on_images(
    config: ImageTrainingConfig | None,
    data: ImageData | None = None,
    *,
    device: torch.device | str = "cpu",
    hooks: Hooks | None = None,
) -> ImageTraining:
    """Train shared weights and a policy.

    Args:
        config: what to train and how; of several processes, the leader's applies.
        data: the images; loaded as `config` says by default.
        device: device of the training.
        hooks: progress, stopping, messages and checkpoints; of several processes, the leader's apply; see the
            phases for the metrics.

    Raises:
        ValueError: the images are missing, the shared weights diverge, the checkpoint has another configuration, or a
            batch cannot be divided among the processes.
    """
    config, device, hooks = parallel.from_leader(config), torch.device(device), hooks or Hooks()
    _check_processes(config)
    setting = Setting(config, data or load_images_of(config, device), device)
    setting.data.watch(hooks.tell)
    plan = plan_training(config)
    state = _beginning(setting, hooks.saved)
    began = time.perf_counter() - state.elapsed_seconds
    reports = Reports(max(10, plan.steps // _REPORTS), hooks.progress, state.pending)
    own = hooks if parallel.is_leader() else replace(hooks, checkpoint=None)
    saver = Saver(own, lambda path: save_image_state(path, config, state))
    while state.step < plan.steps and not parallel.agreed(hooks.should_stop()):
        _step(setting, state, plan, reports)
        state.elapsed_seconds = time.perf_counter() - began
        saver.save_if_due()
    saver.save()
    return ImageTraining(state, config, setting.data.description, plan.steps)


def load_images_of(config: ImageTrainingConfig, device: torch.device | str = "cpu") -> ImageData:
    """Return the images that a configuration names. Raises ValueError if they are not available."""
    return cached_images(
        config.data, config.resolution, config.policy.inputs.split_seed, device, way=config.images,
        most_broken=config.most_broken,
    )  # fmt: skip


def _step(setting: Setting, state: ImageState, plan: Plan, reports: Reports) -> None:
    """The next step of the plan; a phase's last step reports what is pending."""
    phase, index = plan.at(state.step)
    metrics = PHASES[phase.name](setting, state, phase, index)
    state.step += 1
    reports.add(state.step, metrics)
    if index + 1 == phase.steps:
        reports.flush(state.step)


def _beginning(setting: Setting, saved: Path | None) -> ImageState:
    """A new state, or the one in the checkpoint; in every process the same."""
    state = new_image_state(setting.config, setting.network, setting.device, setting.policy_device)
    if parallel.processes() > 1:
        parallel.replace_batch_norms(state.supernet)
    if (path := parallel.from_leader(saved)) is not None:
        load_image_state(path, setting.config, state)
    return state


def _check_processes(config: ImageTrainingConfig) -> None:
    if rest := config.weights.batch % parallel.processes():
        raise ValueError(
            f"batch is {config.weights.batch}, of which {rest} would be left over by "
            f"{parallel.processes()} processes; a multiple is needed"
        )

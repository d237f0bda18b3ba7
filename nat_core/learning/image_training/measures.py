"""Phases that measure: what the policy makes of held-out inputs and of published architectures.

On the selection images on the way, on the test images in the end. Rows are gathered step by step.
"""

from collections.abc import Sequence

import numpy as np
import torch

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.image_training.plan import Phase, inputs_per_chunk
from nat_core.learning.image_training.setting import Setting, macs_ratios, probes
from nat_core.learning.image_training.state import ImageState
from nat_core.learning.policies.policy import Policy

# Losses below this, in points, are noise.
_NOISE_POINTS = 0.5
_NO_PROBE = -1.0


def measure(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """One chunk of held-out inputs, in the first step the probes too; the last step gives the metrics."""
    evaluator = setting.evaluator(("selection", phase.round), state.supernet, setting.selection_images)
    _gather(setting, state, evaluator, index)
    return _metrics(state) if index + 1 == phase.steps else {}


def report(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """Measure on test images; the last step stores the results in the state, for the card."""
    evaluator = setting.evaluator("test", state.supernet, setting.test_images)
    _gather(setting, state, evaluator, index)
    if index + 1 < phase.steps:
        return {}
    state.quality = _metrics(state)
    return {f"test/{name}": value for name, value in state.quality.items()}


def outputs_of(setting: Setting, policy: Policy, inputs: Sequence[Architecture]) -> list[Architecture]:
    """The most probable transformation of each input."""
    policy.eval()
    with torch.inference_mode():
        distribution = policy.distribution(inputs, setting.config.target_space, setting.config.rule)
        return distribution.apply(distribution.greedy())


def _gather(setting: Setting, state: ImageState, evaluator: AccuracySource, index: int) -> None:
    """Adds rows (number of the probe or −1, input's objective, output's, ratio of MACs)."""
    size = inputs_per_chunk(setting.config)
    inputs = list(setting.inputs.held_out[index * size : (index + 1) * size])
    numbers = [_NO_PROBE] * len(inputs)
    if index == 0:
        state.rows = []
        published = list(probes(state.supernet).values())
        inputs, numbers = inputs + published, numbers + [float(i) for i in range(len(published))]
    outputs = outputs_of(setting, state.policy, inputs)
    values = setting.objective(evaluator)(inputs + outputs).tolist()
    ratios = macs_ratios(inputs, outputs).tolist()
    pairs = zip(values[: len(inputs)], values[len(inputs) :], strict=True)
    state.rows += [[n, *pair, ratio] for n, pair, ratio in zip(numbers, pairs, ratios, strict=True)]


def _metrics(state: ImageState) -> dict[str, float]:
    rows, state.rows = np.array(state.rows), []
    probed = {int(row[0]): row[2] - row[1] for row in rows if row[0] != _NO_PROBE}
    rows = rows[rows[:, 0] == _NO_PROBE]
    gains = rows[:, 2] - rows[:, 1]
    return {
        "held_out_gain": float(gains.mean()),
        "held_out_reward": float(rows[:, 2].mean()),
        "share_worse": float((gains < 0).mean()),
        "share_worse_by_half_a_point": float((gains < -_NOISE_POINTS).mean()),
        "macs_ratio": float(rows[:, 3].mean()),
        **{f"probe_gain/{name}": float(probed[i]) for i, name in enumerate(probes(state.supernet))},
    }

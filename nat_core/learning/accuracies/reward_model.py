"""A reward model: a graph regressor on the architectures evaluated so far, itself an accuracy source.

Where an accuracy is expensive, a policy needs far more rewards than can be measured; it is then trained on the
predictions of an ensemble (cf. neural predictors, arXiv 1912.00848). Three things matter. Targets are mostly
*normal scores* of the accuracies (the normal quantiles of their ranks), because differences among good cells
are what counts and a few very bad ones otherwise dominate the loss. Dead edges are removed
first, since they change nothing. And an optimiser finds the model's errors: the minimum of the ensemble is
more cautious than its mean.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch_geometric.data import Data

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.accuracies.regressor import GraphRegressor
from nat_core.learning.accuracies.reward_model_config import FOLDS, RewardModelConfig
from nat_core.learning.accuracy import AccuracyKind
from nat_core.learning.graphs.graph import edge_kinds, encode, graph_count, select
from nat_core.learning.support.optimizers import AdamW
from nat_core.learning.support.ranks import TargetScale, rank_correlation
from nat_core.learning.support.threads import in_threads
from nat_core.specification import specified

_Numbers = NDArray[np.float64]
# How the predictions of an ensemble [members, n] become one.
COMBINATIONS: MappingProxyType[str, Callable[[_Numbers], _Numbers]] = MappingProxyType(
    {"mean": lambda predictions: predictions.mean(axis=0), "min": lambda predictions: predictions.min(axis=0)}
)
# Graphs predicted at a time: what they need stays in a processor's cache, and a GPU has enough to do.
_CHUNK = {"cpu": 192, "cuda": 4096}


@specified
class FitQuality:
    """The errors of single members on architectures that they were not fitted on.

    Attributes:
        held_out: number of these predictions.
        rank_correlation: Spearman's rank correlation of predicted and measured accuracies.
        mean_absolute_error_points: mean absolute error in points of accuracy.
    """

    held_out: int
    rank_correlation: float
    mean_absolute_error_points: float


@dataclass(frozen=True)
class RewardModel:
    """A fitted ensemble as an `AccuracySource`.

    Attributes:
        members: members of the ensemble.
        scale: map between accuracies and targets.
        config: configuration of the fit.
        space: space of the architectures that the model evaluates.
        observed: number of architectures on which the model was fitted.
        quality: errors of the members on architectures that they did not see.
        device: device of its computations.
        about: what the model predicts, in words.
    """

    members: tuple[GraphRegressor, ...]
    scale: TargetScale
    config: RewardModelConfig
    space: Space
    observed: int
    quality: FitQuality
    device: torch.device
    about: str = ""
    kind: AccuracyKind = "modelled"
    stable: bool = True

    @property
    def description(self) -> str:
        quality = f"rank correlation {self.quality.rank_correlation:.2f} on unseen ones"
        model = f"reward model fitted on {self.observed:,} evaluated architectures, {quality}"
        return f"{self.about}: {model}" if self.about else model

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why the model cannot evaluate `architecture`, or None."""
        return self.space.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return predicted accuracies, shape [n]. Raises ValueError if an architecture is of another space."""
        for position, architecture in enumerate(architectures):
            if reason := self.mismatch(architecture):
                raise ValueError(f"architecture {position} is not of the model's space: {reason}")
        if not architectures:
            return np.empty(0)
        graphs = _encode(architectures).to(self.device)
        targets = predicted_targets(self.members, graphs)
        return COMBINATIONS[self.config.combine](self.scale.to_percent(targets))


@dataclass(frozen=True)
class CompletedAccuracy:
    """An `AccuracySource` that returns measured accuracies where they exist, and a reward model's predictions
    elsewhere.

    Sound where the model errs on the cautious side, as the minimum of an ensemble does: one that overestimates
    would draw a policy to what nobody measured.

    Attributes:
        model: reward model for all architectures that were not measured.
        measured_percent: accuracies by architecture.
    """

    model: RewardModel
    measured_percent: Mapping[Architecture, float]
    kind: AccuracyKind = "modelled"
    stable: bool = True

    @property
    def description(self) -> str:
        return f"{len(self.measured_percent):,} measured accuracies, elsewhere a {self.model.description}"

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why neither can evaluate `architecture`, or None."""
        return None if architecture in self.measured_percent else self.model.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return accuracies, shape [n]. Raises ValueError if an architecture is of another space."""
        unknown = [item for item in architectures if item not in self.measured_percent]
        predicted = iter(self.model.accuracy_percent(unknown))
        values = [
            self.measured_percent[item] if item in self.measured_percent else next(predicted) for item in architectures
        ]
        return np.array(values, dtype=np.float64)


def fit_reward_model(
    architectures: Sequence[Architecture],
    accuracies_percent: NDArray[np.float64],
    space: Space,
    config: RewardModelConfig | None = None,
    device: torch.device | str = "cpu",
) -> RewardModel:
    """Fit a reward model; the same seed and data give the same model.

    Args:
        architectures: evaluated architectures, 20 or more.
        accuracies_percent: accuracies of the architectures, [n].
        space: space of the architectures, which the model will evaluate.

    Raises:
        ValueError: there are too few architectures, too few distinct or finite accuracies, or the numbers differ.
    """
    config, device = config or RewardModelConfig(), torch.device(device)
    _check_data(architectures, accuracies_percent)
    scale = TargetScale.fitted(accuracies_percent, config.rank_share)
    graphs = _encode(architectures).to(device)
    targets = torch.from_numpy(scale.to_target(accuracies_percent)).float().to(device)
    folds = np.random.default_rng(config.seed).permutation(len(architectures)) % FOLDS
    members, predicted, measured = [], [], []
    for number in range(config.members):
        seen, unseen = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        members.append(fit_member(graphs, targets, torch.from_numpy(seen).to(device), config, number))
        left_out = select(graphs, torch.from_numpy(unseen).to(device))
        predicted.append(scale.to_percent(predicted_targets(members[-1:], left_out)[0]))
        measured.append(accuracies_percent[unseen])
    quality = _fit_quality(np.concatenate(predicted), np.concatenate(measured))
    return RewardModel(tuple(members), scale, config, space, len(architectures), quality, device)


def _check_data(architectures: Sequence[Architecture], accuracies_percent: NDArray[np.float64]) -> None:
    if len(architectures) < 2 * FOLDS:
        raise ValueError(f"{len(architectures)} evaluated architectures; a reward model needs {2 * FOLDS} or more")
    if accuracies_percent.shape != (len(architectures),):
        raise ValueError(
            f"accuracies have shape {accuracies_percent.shape}, which must be ({len(architectures)},): "
            f"one per architecture"
        )
    if not np.isfinite(accuracies_percent).all():
        position = int(np.flatnonzero(~np.isfinite(accuracies_percent))[0])
        raise ValueError(
            f"the accuracy of architecture {position} is {accuracies_percent[position]}; it must be finite"
        )


def _encode(architectures: Sequence[Architecture]) -> Data:
    """Graphs without dead edges."""
    return encode([architecture.effective for architecture in architectures])


def fit_member(graphs: Data, targets: Tensor, seen: Tensor, config: RewardModelConfig, number: int) -> GraphRegressor:
    """One regressor fitted on the graphs `seen`, in evaluation mode."""
    seed = config.seed * FOLDS + number
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        member = GraphRegressor(config.width, config.layers, config.embedding).to(targets.device)
    optimizer = AdamW(member.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.steps, pct_start=0.1
    )
    for chosen in _batches(seen, config.batch, config.steps, torch.Generator().manual_seed(seed)):
        loss = functional.smooth_l1_loss(member(select(graphs, chosen)), targets[chosen], beta=config.tolerance)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return member.eval()


def _batches(seen: Tensor, batch: int, steps: int, generator: torch.Generator) -> list[Tensor]:
    """`steps` batches that go through shuffles of `seen` one after the other."""
    batch = min(batch, len(seen))
    epochs = math.ceil(steps * batch / len(seen))
    order = torch.cat([torch.randperm(len(seen), generator=generator) for _ in range(epochs)]).to(seen.device)
    return list(seen[order[: steps * batch]].split(batch))


@torch.inference_mode()
def predicted_targets(members: Sequence[GraphRegressor], graphs: Data) -> NDArray[np.float64]:
    """Return the targets that each member predicts for n graphs, shape [members, n]."""
    device = graphs.x.device
    parts = torch.arange(graph_count(graphs), device=device).split(_CHUNK.get(device.type, _CHUNK["cuda"]))

    def predict(chosen: Tensor) -> Tensor:
        part = select(graphs, chosen)
        kinds = edge_kinds(part) if device.type == "cpu" else None
        return torch.stack([member(part, kinds) for member in members])

    return torch.cat(in_threads(predict, parts, device), dim=1).double().cpu().numpy()


def _fit_quality(predicted: NDArray[np.float64], measured: NDArray[np.float64]) -> FitQuality:
    error = float(np.abs(predicted - measured).mean())
    return FitQuality(len(measured), rank_correlation(predicted, measured), error)

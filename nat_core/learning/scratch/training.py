"""Training from scratch, the judge of everything: what an architecture is worth when its weights are its own.

Recipe: DARTS (arXiv 1806.09055); see `config`. Nothing is chosen by the images that a network is judged on:
they are looked at once, after the last step. One network here; `queue` trains several.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from nat_core.learning.images.augmentation import Augmentation
from nat_core.learning.images.images import ImageData, ImagePart, normalise
from nat_core.learning.scratch.config import TRAINED_ON, Budget
from nat_core.learning.scratch.state import ScratchState

_JUDGED_AT_ONCE = 500


class Trainer:
    """Trains networks within one budget on the same images, and judges them.

    Args:
        budget: how.
        data: the images, on the device that the networks will be on.

    Attributes:
        steps_per_epoch: of the budget's batches, the last one smaller; a lone last image is left out, since batch
            norm needs two.
    """

    def __init__(self, budget: Budget, data: ImageData) -> None:
        self.budget = budget
        self.part = training_part(data, budget)
        self.judged: ImagePart = getattr(data, budget.judged_on)
        self.mean, self.deviation = data.mean, data.deviation
        full, rest = divmod(len(self.part), budget.batch)
        self.steps_per_epoch = full + (rest > 1)
        self.steps = budget.epochs * self.steps_per_epoch
        self._augment = Augmentation(budget.padding, budget.flip, budget.cutout)

    def step(self, state: ScratchState) -> None:
        """One gradient step; losses and right answers are added to what is pending."""
        budget = self.budget
        epoch, position = divmod(state.step, self.steps_per_epoch)
        if position == 0:
            device = self.part.labels.device
            state.order = torch.randperm(len(self.part), generator=state.generator, device=device)
        batch = self.part[state.order[position * budget.batch : (position + 1) * budget.batch]]
        images = self._augment(batch.images, self.mean, self.deviation, state.generator)
        state.network.train()
        state.network.drop_path.probability = budget.drop_path_at(epoch)
        with autocast(budget.precision, images.device):
            output = state.network(images)
        logits, auxiliary = output if isinstance(output, tuple) else (output, None)
        loss = total_loss(logits, auxiliary, batch.labels, budget.auxiliary_weight, budget.label_smoothing)
        self._descend(state, loss)
        state.pending += _tally(logits.detach(), batch.labels)
        state.step += 1

    def _descend(self, state: ScratchState, loss: Tensor) -> None:
        for group in state.optimizer.param_groups:
            group["lr"] = self.budget.learning_rate_at(state.step, self.steps_per_epoch)
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.budget.gradient_clip:
            nn.utils.clip_grad_norm_(state.network.parameters(), self.budget.gradient_clip)
        state.optimizer.step()

    def report(self, state: ScratchState) -> dict[str, float]:
        """Means since the last report, of augmented images in training mode: loss in nats, accuracy in percent.

        Raises:
            ValueError: the loss is not finite any more.
        """
        loss, right, count = state.pending.tolist()
        state.pending.zero_()
        if not math.isfinite(loss):
            raise ValueError(
                f"the training diverged in epoch {(state.step - 1) // self.steps_per_epoch + 1} of "
                f"{self.budget.epochs}; a learning rate below {self.budget.learning_rate} may help"
            )
        return {
            "loss": loss / count,
            "training_accuracy": 100 * right / count,
            "learning_rate": self.budget.learning_rate_at(state.step - 1, self.steps_per_epoch),
            "drop_path": state.network.drop_path.probability,
        }

    @torch.inference_mode()
    def judge(self, network: nn.Module, should_stop: Callable[[], bool] = lambda: False) -> float | None:
        """Accuracy in percent on the images judged on, with running statistics; None if `should_stop` came first."""
        network.eval()
        right = torch.zeros((), dtype=torch.int64, device=self.judged.labels.device)
        for batch in self.judged.batches(_JUDGED_AT_ONCE):
            if should_stop():
                return None
            with autocast(self.budget.precision, batch.images.device):
                logits = network(normalise(batch.images, self.mean, self.deviation))
            right += (logits.argmax(dim=1) == batch.labels).sum()
        return 100 * right.item() / len(self.judged)


def training_part(data: ImageData, budget: Budget) -> ImagePart:
    """The images that `budget` trains on: whole parts, or the first `images_per_class` of every class in them."""
    parts = [getattr(data, name) for name in TRAINED_ON[budget.trained_on]]
    part = ImagePart(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))
    if not budget.images_per_class:
        return part
    chosen = [(part.labels == label).nonzero()[: budget.images_per_class, 0] for label in range(len(data.classes))]
    return part[torch.cat(chosen).sort().values]


def total_loss(
    logits: Tensor, auxiliary: Tensor | None, labels: Tensor, auxiliary_weight: float, label_smoothing: float = 0.0
) -> Tensor:
    """Cross entropy of [n, classes] logits, plus the auxiliary head's times its weight if there is one; in nats."""
    loss = functional.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)
    if auxiliary is None:
        return loss
    return loss + auxiliary_weight * functional.cross_entropy(
        auxiliary.float(), labels, label_smoothing=label_smoothing
    )


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context in which a network computes in bfloat16, or does not."""
    wanted = precision == "bfloat16" or (precision == "auto" and device.type == "cuda")
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


@torch.no_grad()
def _tally(logits: Tensor, labels: Tensor) -> Tensor:
    """float64 [3]: sum of losses without smoothing, right answers, images."""
    loss = functional.cross_entropy(logits.float(), labels, reduction="sum")
    right = (logits.argmax(dim=1) == labels).sum()
    return torch.stack((loss.double(), right.double(), torch.full_like(loss, len(labels)).double()))

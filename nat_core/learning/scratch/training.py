"""Training from scratch: how accurate an architecture is with weights of its own.

Recipe: DARTS (arXiv 1806.09055); see `config`. Nothing is chosen by the images that a network is evaluated on:
they are looked at once, after the last step. One network here; `queue` trains several.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from nat_core.learning.images.augmentation import Augmentation
from nat_core.learning.images.images import ImageData, normalise
from nat_core.learning.images.parts import ImagePart, Part
from nat_core.learning.scratch.config import TRAINED_ON, Budget
from nat_core.learning.scratch.measured import TOP, Verdict
from nat_core.learning.scratch.state import ScratchState

_EVALUATED_AT_ONCE = 500
_LARGE_IMAGES = 64  # pixels; from here on as many are evaluated at once as are trained on


class Trainer:
    """Trains networks within one budget on the same images, and evaluates them.

    Args:
        budget: budget of the trainings.
        data: the images, on the device of the networks.

    Attributes:
        steps_per_epoch: number of batches per epoch; the last one may be smaller, but a single last image is left out,
            since batch norm needs two.
    """

    def __init__(self, budget: Budget, data: ImageData) -> None:
        self.budget = budget
        self.part = training_part(data, budget)
        self.evaluated: Part = getattr(data, budget.judged_on)
        self.mean, self.deviation = data.mean, data.deviation
        self._classes = len(data.classes)
        full, rest = divmod(len(self.part), budget.batch)
        self.steps_per_epoch = full + (rest > 1)
        self.steps = budget.epochs * self.steps_per_epoch
        self._augment = Augmentation(budget.padding, budget.flip, budget.cutout, budget.crop, budget.jitter)
        self._coming: Iterator[ImagePart] = iter(())
        self._comes_for: tuple[ScratchState, int] | None = None
        self._pace = Pace()

    def step(self, state: ScratchState) -> None:
        """Take one gradient step; add losses and right answers to the pending sums.

        Raises:
            ValueError: too many images cannot be read.
        """
        epoch, position = divmod(state.step, self.steps_per_epoch)
        if position == 0:
            state.order = self.part.order(state.generator)
        batch = self._next(state, epoch, position)
        state.network.train()
        state.network.drop_path.probability = self.budget.drop_path_at(epoch)
        if len(batch) > 1:  # else batch norm has no statistics; the others could not be read
            self._learn(state, batch)
        self._pace.done(len(batch))
        state.step += 1

    def _next(self, state: ScratchState, epoch: int, position: int) -> ImagePart:
        """The batch of this step, which is on its way unless the training has just begun or continues."""
        whose, step = self._comes_for or (None, 0)
        if position == 0 or whose is not state or step != state.step:
            indices = state.order.split(self.budget.batch)[position : self.steps_per_epoch]
            self._coming = self.part.sequence(indices, self._augment.views(state.seed, epoch))
        self._comes_for = state, state.step + 1
        with self._pace.waiting():
            return next(self._coming)

    def _learn(self, state: ScratchState, batch: ImagePart) -> None:
        """A gradient step on a batch, of which `pieces` are looked at one after the other."""
        state.optimizer.zero_grad(set_to_none=True)
        images = self._augment(batch.images, self.mean, self.deviation, state.generator)
        for some, labels in zip(
            *(whole.chunk(self._pieces(len(batch))) for whole in (images, batch.labels)), strict=True
        ):
            with autocast(self.budget.precision, images.device):
                output = state.network(some)
            logits, auxiliary = output if isinstance(output, tuple) else (output, None)
            loss = total_loss(logits, auxiliary, labels, self.budget.auxiliary_weight, self.budget.label_smoothing)
            (loss * (len(labels) / len(batch))).backward()
            state.pending += _tally(logits.detach(), labels)
        self._descend(state)

    def _pieces(self, count: int) -> int:
        """Return the number of pieces of a batch of `count` images: each has two images or more."""
        pieces = self.budget.pieces
        while pieces > 1 and (size := math.ceil(count / pieces)) and (size < 2 or 0 < count % size < 2):
            pieces -= 1
        return pieces

    def _descend(self, state: ScratchState) -> None:
        for group in state.optimizer.param_groups:
            group["lr"] = self.budget.learning_rate_at(state.step, self.steps_per_epoch)
        if self.budget.gradient_clip:
            nn.utils.clip_grad_norm_(state.optimizer.parameters, self.budget.gradient_clip)
        state.optimizer.step()

    def report(self, state: ScratchState) -> dict[str, float]:
        """Return metrics since the last report: mean loss in nats and accuracy in percent while training, and the pace.

        Raises:
            ValueError: the loss is no longer finite.
        """
        loss, right, count = state.pending.tolist()
        state.pending.zero_()
        if not math.isfinite(loss):
            raise ValueError(
                f"the training diverged in epoch {(state.step - 1) // self.steps_per_epoch + 1} of "
                f"{self.budget.epochs}; a learning rate below {self.budget.learning_rate} may help"
            )
        return {
            "loss": loss / max(1, count),
            "training_accuracy": 100 * right / max(1, count),
            "learning_rate": self.budget.learning_rate_at(state.step - 1, self.steps_per_epoch),
            "drop_path": state.network.drop_path.probability,
            **self._pace.metrics(),
        }

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, should_stop: Callable[[], bool] = lambda: False) -> Verdict | None:
        """Evaluate a network with running statistics on the evaluation images; return None if `should_stop` came first.

        Raises:
            ValueError: too many images cannot be read.
        """
        network.eval()
        right = torch.zeros(2, dtype=torch.int64, device=self.evaluated.labels.device)
        top, seen = 1, 0
        size = self.budget.batch if self.evaluated.resolution > _LARGE_IMAGES else _EVALUATED_AT_ONCE
        for batch in self.evaluated.batches(size):
            if should_stop():
                return None
            with autocast(self.budget.precision, batch.images.device):
                logits = network(normalise(batch.images, self.mean, self.deviation))
            top = min(TOP, logits.shape[1])
            guesses = logits.topk(top, dim=1).indices == batch.labels[:, None]
            right += torch.stack([guesses[:, 0].sum(), guesses.any(dim=1).sum()])
            seen += len(batch)
        first, five = (100 * count / max(1, seen) for count in right.tolist())
        return Verdict(first, five if top == TOP and self._classes > TOP else None)


class Pace:
    """Training speed in images, and the share of time spent waiting for them.

    On a graphics card, work that has been handed over but is not done counts when something waits for it.
    """

    def __init__(self) -> None:
        self._began, self._images, self._waited = time.perf_counter(), 0, 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Measure the time that the training waits in this block."""
        began = time.perf_counter()
        yield
        self._waited += time.perf_counter() - began

    def done(self, images: int) -> None:
        """Count images that have been trained on."""
        self._images += images

    def metrics(self) -> dict[str, float]:
        """Since the last time: images per second, and the share of the time spent waiting, in percent."""
        seconds = max(time.perf_counter() - self._began, 1e-9)
        found = {"images_per_second": self._images / seconds, "waiting_percent": 100 * self._waited / seconds}
        self._began, self._images, self._waited = time.perf_counter(), 0, 0.0
        return found


def training_part(data: ImageData, budget: Budget) -> Part:
    """The images that `budget` trains on: whole parts, or the first `images_per_class` of every class in them."""
    part = data.joined(TRAINED_ON[budget.trained_on])
    if not budget.images_per_class:
        return part
    chosen = [(part.labels == label).nonzero()[: budget.images_per_class, 0] for label in range(len(data.classes))]
    return part[torch.cat(chosen).sort().values]


def total_loss(
    logits: Tensor, auxiliary: Tensor | None, labels: Tensor, auxiliary_weight: float, label_smoothing: float = 0.0
) -> Tensor:
    """Return the cross entropy in nats of [n, classes] logits, plus the weighted one of the auxiliary head, if any."""
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
    """Return the sum of losses without smoothing and the numbers of right answers and images, float64 [3]."""
    loss = functional.cross_entropy(logits.float(), labels, reduction="sum")
    right = (logits.argmax(dim=1) == labels).sum()
    return torch.stack((loss.double(), right.double(), torch.full_like(loss, len(labels)).double()))

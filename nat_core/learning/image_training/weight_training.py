"""Training of shared weights: SGD on one random architecture after the other.

NAT (arXiv 1910.14488), section 3.3, with its code's rates. There are two deviations. The classifier learns 20
times more slowly: it alone takes part in every step of every architecture, and the loss diverges otherwise. Some of the
architectures are random transformations, so that skip and null occur as often as a policy will ask for them.
"""

import math
import random
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.learning.image_training.config import (
    CLASSIFIER_RATE,
    LONGEST_GRADIENT,
    MOMENTUM,
    TRANSFORMED_SHARE,
    WEIGHT_DECAY,
)
from nat_core.learning.support.optimizers import SGD
from nat_core.network.supernet import Supernet

LEARNING_RATE = 0.01


def shared_weights_sgd(
    supernet: Supernet,
    learning_rate: float = LEARNING_RATE,
    *,
    classifier_rate: float = CLASSIFIER_RATE,
    momentum: float = MOMENTUM,
    weight_decay: float = WEIGHT_DECAY,
) -> SGD:
    """The optimiser of shared weights. What an architecture does not use has no gradient, so a step leaves it alone.

    Args:
        supernet: the shared weights.
        learning_rate: learning rate of everything but the classifier.
        classifier_rate: the classifier's learning rate relative to the others'.
        momentum, weight_decay: settings of SGD.
    """
    classifier = set(supernet.classifier.parameters())
    body = [parameter for parameter in supernet.parameters() if parameter not in classifier]
    groups = [
        {"params": body, "rate": 1.0},
        {"params": list(supernet.classifier.parameters()), "rate": classifier_rate},
    ]
    sgd = SGD(groups, lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
    set_learning_rate(sgd, learning_rate)
    return sgd


def set_learning_rate(sgd: SGD, learning_rate: float) -> None:
    """Sets the body's learning rate, and the classifier's in its proportion."""
    for group in sgd.param_groups:
        group["lr"] = learning_rate * group["rate"]


def cosine(learning_rate: float, done: float) -> float:
    """A rate that falls to 0 along a cosine; `done` from 0 to 1."""
    return learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def draw_architecture(
    space: Space, rng: random.Random, transformed_share: float = TRANSFORMED_SHARE, rule: str = "nat++"
) -> Architecture:
    """Drawn uniformly; with probability `transformed_share` every operation is then replaced by a random legal one."""
    architecture = space.sample(rng)
    if rng.random() >= transformed_share:
        return architecture
    return architecture.with_operations([rng.choice(space.targets(name, rule)) for name in architecture.operations])


def weight_step(
    supernet: Supernet,
    sgd: SGD,
    images: Tensor,
    labels: Tensor,
    architecture: Architecture,
    *,
    longest_gradient: float = LONGEST_GRADIENT,
    share_gradients: Callable[[Iterable[nn.Parameter]], None] | None = None,
) -> dict[str, float]:
    """Take one step of SGD on one batch, in bfloat16 on CUDA.

    Args:
        supernet: the shared weights; `architecture` is one of theirs.
        sgd: see `shared_weights_sgd`.
        images: normalised images, [batch, 3, side, side], channels-last.
        labels: labels of the images, int64 [batch].
        longest_gradient: maximum norm of the gradient over all parameters; a longer one is scaled down to it.
        share_gradients: combines the gradients of several processes before they are applied.

    Returns:
        `weight_loss` in nats and `weight_accuracy_percent`, both before the step.

    Raises:
        ValueError: the loss is not finite; the weights are unchanged.
    """
    sgd.zero_grad(set_to_none=True)
    with torch.autocast("cuda", torch.bfloat16, enabled=images.is_cuda):
        logits = supernet(images, architecture)
    loss = F.cross_entropy(logits.float(), labels)
    loss.backward()
    if share_gradients is not None:
        share_gradients(sgd.parameters)
    nn.utils.clip_grad_norm_(sgd.parameters, longest_gradient)
    # Read back once, when everything before the step is under way.
    value, accuracy = torch.stack([loss.detach(), (logits.argmax(1) == labels).float().mean()]).tolist()
    if not math.isfinite(value):
        raise ValueError(
            f"the loss of the shared weights is {value}: they diverged; "
            f"the learning rate is {sgd.param_groups[0]['lr']}, and a lower one is needed"
        )
    sgd.step()
    return {"weight_loss": value, "weight_accuracy_percent": 100 * accuracy}

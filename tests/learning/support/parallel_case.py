"""A program that trains in one of several processes, and keeps what came out."""

import sys
from functools import partial
from pathlib import Path

import torch
from torch.nn import functional as F

from nat_core.learning.image_training.loop import train_on_images
from nat_core.learning.support import parallel
from nat_core.learning.support.files import save_tensors
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.support.parallel import SynchronisedBatchNorm, synchronised
from tests.learning.image_training.cases import tiny, tiny_images


def normalised(images: torch.Tensor, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """A batch norm's output and gradient of this process's share, statistics being of all."""
    own = parallel.own_share(len(images))
    x = images[own].clone().requires_grad_()
    norm = SynchronisedBatchNorm(1e-5)
    with synchronised(norm):
        y = norm(x)
    (y * weights[own]).sum().backward()
    alone = norm(x)
    assert torch.equal(alone, F.batch_norm(x, None, None, training=True))
    return {"norm": y.detach().contiguous(), "norm_gradient": x.grad.contiguous()}


def cases() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(5 + torch.randn(8, 3, 4, 4, generator=generator) for _ in range(2))


def trained(schedule: str, checkpoint: Path | None = None, **options) -> dict[str, torch.Tensor]:
    config = tiny(schedule=schedule) if parallel.is_leader() else None
    state = train_on_images(config, tiny_images(), hooks=Hooks(checkpoint=checkpoint, **options)).state
    parts = {"supernet": state.supernet.state_dict(), "policy": state.policy.state_dict()}
    figures = {"evaluations": torch.tensor([*state.evaluations.accuracies_percent, *state.quality.values()])}
    weights = {f"{part}.{name}": value for part, items in parts.items() for name, value in items.items()}
    return {name: value.contiguous() for name, value in {**weights, **figures}.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    parallel.join()
    assert (parallel.processes(), parallel.expected()) == (2, 2)
    save_tensors(folder / f"norm{parallel.rank()}", normalised(*cases()))
    for schedule in ("alternate", "two-stage"):
        # Only the leader is asked to stop, once, and has a checkpoint.
        path = folder / f"{schedule}.safetensors" if parallel.is_leader() else None
        answers = iter([False] * 6 + [parallel.is_leader()])
        trained(schedule, path, should_stop=partial(next, answers))
        save_tensors(folder / f"{schedule}{parallel.rank()}", trained(schedule, path))
    parallel.leave()

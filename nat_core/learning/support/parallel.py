"""One training in several processes, one per device, as `torchrun --nproc-per-node N -m nat_core train …` starts them.

Every process holds all weights and draws the same architectures and images from the same seeds. A batch of training
images is divided among them, with batch norm's statistics over all of it and gradients averaged; evaluations of
architectures are divided too, and gathered. So the result is that of one process with the same batch, up to rounding.
Only the first process, the leader, records and writes; where there is one process all of this does nothing.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import WrappedSource
from nat_core.network.batch_norm import BatchStatisticsNorm

# The others wait while the leader waits for a device, or writes.
_PATIENCE = timedelta(days=7)


def processes() -> int:
    """Return the number of processes of this training."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_leader() -> bool:
    """Whether this process writes files and speaks for all."""
    return rank() == 0


def expected() -> int:
    """Return the number of processes that torchrun has started; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def join() -> torch.device | None:
    """Join the other processes that torchrun has started: over NCCL with CUDA, else Gloo.

    Returns:
        This process's own CUDA device, if any.
    """
    cuda = torch.cuda.is_available() and os.environ.get("NAT_DEVICE", "cuda").startswith("cuda")
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=_PATIENCE)
    if not cuda:
        return None
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK") or 0))
    torch.cuda.set_device(device)
    return device


def leave() -> None:
    """Ends the group, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()


def from_leader(value: Any = None) -> Any:
    """Return the leader's value in every process."""
    if processes() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def agreed(flag: bool) -> bool:
    """Return, in every process, whether any of them says yes."""
    if processes() == 1:
        return flag
    told = torch.tensor(float(flag))
    dist.all_reduce(told, dist.ReduceOp.MAX)
    return bool(told)


def own_share(count: int) -> slice:
    """Return which of `count` items are this process's; the shares of all processes cover them in order."""
    return slice(count * rank() // processes(), count * (rank() + 1) // processes())


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replaces gradients by their means over all processes, which must have gradients of the same parameters."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if processes() == 1 or not gradients:
        return
    together = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(together)
    together /= processes()
    for gradient, mean in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


def average(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics as means over all processes."""
    if processes() == 1:
        return dict(metrics)
    together = torch.tensor([*metrics.values()], dtype=torch.float64)
    dist.all_reduce(together)
    return dict(zip(metrics, (together / processes()).tolist(), strict=True))


def _in_order(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return all values in order, shape [count], of which every process has its share."""
    together = torch.zeros(count, dtype=torch.float64)
    together[own_share(count)] = torch.from_numpy(values)
    dist.all_reduce(together)
    return together.numpy()


class SharedOut(WrappedSource):
    """An accuracy source whose work is divided among the processes; every process gets all results."""

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        if processes() == 1:
            return self.source.accuracy_percent(architectures)
        own = self.source.accuracy_percent(architectures[own_share(len(architectures))])
        return _in_order(own, len(architectures))


class SynchronisedBatchNorm(nn.Module):
    """Batch norm without parameters, by the statistics of the batch at hand: of all processes' parts of it while
    `synchronised` holds, else of this process's alone.

    torch's own `SyncBatchNorm` exists for CUDA only.
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.active = False

    def forward(self, x: Tensor) -> Tensor:
        if self.active:
            return _Normalise.apply(x, self.epsilon)
        return F.batch_norm(x, None, None, training=True, eps=self.epsilon)


class _Normalise(torch.autograd.Function):
    """(x − mean) ÷ deviation per channel, over the batches of all processes, of equal size."""

    @staticmethod
    def forward(context: Any, x: Tensor, epsilon: float) -> Tensor:
        x = x.float()
        count = processes() * x.numel() // x.shape[1]
        mean = _total(x.sum(dim=(0, 2, 3))) / count
        centred = x - mean[:, None, None]
        scale = (_total((centred * centred).sum(dim=(0, 2, 3))) / count + epsilon).rsqrt()
        y = centred * scale[:, None, None]
        context.save_for_backward(y, scale)
        context.count = count
        return y

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        y, scale = context.saved_tensors
        sums = _total(torch.stack([gradient.sum(dim=(0, 2, 3)), (gradient * y).sum(dim=(0, 2, 3))])) / context.count
        return scale[:, None, None] * (gradient - sums[0][:, None, None] - y * sums[1][:, None, None]), None


def _total(values: Tensor) -> Tensor:
    dist.all_reduce(values)
    return values


def replace_batch_norms(network: nn.Module) -> None:
    """Gives a network of parameterless batch norms those that can be synchronised; weights keep their names."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, BatchStatisticsNorm | nn.BatchNorm2d):
                setattr(parent, name, SynchronisedBatchNorm(child.eps))


@contextmanager
def synchronised(network: nn.Module) -> Iterator[None]:
    """Within it, batch norms take their statistics over all processes, which must do the same in the same order."""
    norms = [module for module in network.modules() if isinstance(module, SynchronisedBatchNorm)]
    for norm in norms:
        norm.active = True
    try:
        yield
    finally:
        for norm in norms:
            norm.active = False

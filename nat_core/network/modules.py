"""The operations of a cell as torch modules, built from the traits in `nat_core.architecture.operations`.

All modules have no bias and map [batch, channels, height, width] to the same layout. They keep the resolution at stride
1 and halve it, rounding up, at stride 2. Sources: DARTS (arXiv 1806.09055), `operations.py`, including the thin
convolutions, which always apply the 1×k kernel first; NDS (arXiv 1905.13214) for the dilated separable ones.
Deviation: odd resolutions are accepted everywhere.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nat_core.architecture.operations import NULL, OPERATIONS, Kind, Operation
from nat_core.network.depthwise import DepthwiseConv2d
from nat_core.network.diagonals import diagonal_pixels
from nat_core.network.pooling import AveragePool, MaxPool

Pair = tuple[int, int]

_SAFE_STRIDED_CHANNELS = 16


def half(resolution: int) -> int:
    """Return the resolution after a stride of 2, rounded up as by every module here."""
    return (resolution + 1) // 2


class PointwiseConv(nn.Conv2d):
    """1×1 convolution without bias; with a stride and few channels, it selects the pixels before convolving.

    The result is the same. The strided 1×1 convolution of oneDNN v3.12 writes out of bounds in its backward pass for
    channels-last images of fewer than 8 (AVX2) or 16 (AVX-512) channels; with more channels it is twice as fast.
    Shared weights may be called with fewer input channels than they have, so the number in the actual input counts.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        every, _ = self.stride
        if every > 1 and x.shape[1] < _SAFE_STRIDED_CHANNELS:
            return F.conv2d(x[:, :, ::every, ::every], self.weight)
        return super().forward(x)


class ReluConvBn(nn.Sequential):
    """ReLU, k×k convolution, batch norm: `conv_kxk`, and, with k = 1, the preprocessing of a cell's inputs."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, affine: bool = True
    ) -> None:
        if kernel == 1:
            conv: nn.Module = PointwiseConv(in_channels, out_channels, stride)
        else:
            conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        super().__init__(nn.ReLU(), conv, nn.BatchNorm2d(out_channels, affine=affine))


class ThinConv(nn.Sequential):
    """ReLU, 1×k convolution, k×1 convolution, batch norm; each strides along its kernel's long side."""

    def __init__(self, channels: int, kernel: int, stride: int, affine: bool = True) -> None:
        super().__init__(
            nn.ReLU(),
            self._conv(channels, (1, kernel), (1, stride)),
            self._conv(channels, (kernel, 1), (stride, 1)),
            nn.BatchNorm2d(channels, affine=affine),
        )

    @staticmethod
    def _conv(channels: int, kernel: Pair, stride: Pair) -> nn.Conv2d:
        return nn.Conv2d(channels, channels, kernel, stride, (kernel[0] // 2, kernel[1] // 2), bias=False)


class DepthwiseSeparable(nn.Sequential):
    """ReLU, depthwise k×k and pointwise convolution, batch norm: `dil_conv_kxk`, or one half of a `sep_conv_kxk`."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int = 1, affine: bool = True) -> None:
        super().__init__(
            nn.ReLU(),
            DepthwiseConv2d(channels, kernel, stride, dilation),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels, affine=affine),
        )


class FactorisedReduction(nn.Module):
    """Halves the resolution with two strided 1×1 convolutions, the second shifted by one pixel so that fewer are lost.

    A ReLU comes first; the two results are concatenated, and a batch norm follows. If a side is odd, the shifted
    convolution reads zeros beyond the border, so that both results have ⌈side / 2⌉ pixels.
    """

    def __init__(self, in_channels: int, out_channels: int, affine: bool = True) -> None:
        if out_channels % 2:
            raise ValueError(f"a factorised reduction gives an even number of channels, not {out_channels}")
        super().__init__()
        self.relu: nn.Module = nn.ReLU()
        self.straight = PointwiseConv(in_channels, out_channels // 2)
        self.shifted = PointwiseConv(in_channels, out_channels // 2)
        self.norm = nn.BatchNorm2d(out_channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        even, odd = diagonal_pixels(self.relu(x))
        return self.norm(torch.cat((self.straight(even), self.shifted(odd)), dim=1))


class EvenPool(nn.Module):
    """2×2 pooling that pads at the right and bottom so that the resolution stays, or is halved rounding up.

    The padding repeats the border. For a window of two pixels, this equals leaving padding out of the maximum or the
    average.
    """

    def __init__(self, kind: Kind, stride: int) -> None:
        super().__init__()
        self.pool = _POOLS[kind](2, stride, 0)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        bottom, right = (1, 1) if self.stride == 1 else (height % 2, width % 2)
        return self.pool(F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x)


class DropPath(nn.Module):
    """Drops an edge's whole output at random for each image in training; scales the others up so that the mean stays.

    Sources: FractalNet (arXiv 1605.07648), in the form that DARTS (arXiv 1806.09055) uses.

    Attributes:
        probability: the probability of dropping, which training may change at any time; 0 turns it off.
        generator: the random generator, on the device of the input; None for torch's default.
    """

    def __init__(self) -> None:
        super().__init__()
        self.probability = 0.0
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.probability:
            return x
        draws = torch.rand((len(x), 1, 1, 1), generator=self.generator, device=x.device)
        return x * ((draws >= self.probability) / (1 - self.probability)).to(x.dtype)


_POOLS: Mapping[Kind, Callable[[int, int, int], nn.Module]] = MappingProxyType(
    {Kind.MAX_POOL: MaxPool, Kind.AVG_POOL: AveragePool}
)


def build_pool(kind: Kind, kernel: int, stride: int) -> nn.Module:
    """Return a parameter-free k×k pooling that excludes padding from averages."""
    return _POOLS[kind](kernel, stride, kernel // 2) if kernel % 2 else EvenPool(kind, stride)


def avg_pool(kernel: int, stride: int) -> nn.Module:
    """k×k average pooling; see `build_pool`."""
    return build_pool(Kind.AVG_POOL, kernel, stride)


def _conv(operation: Operation, channels: int, stride: int, affine: bool) -> nn.Module:
    return ReluConvBn(channels, channels, operation.kernel, stride, affine)


def _thin_conv(operation: Operation, channels: int, stride: int, affine: bool) -> nn.Module:
    return ThinConv(channels, operation.kernel, stride, affine)


def _sep_conv(operation: Operation, channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Sequential(
        DepthwiseSeparable(channels, operation.kernel, stride, operation.dilation, affine),
        DepthwiseSeparable(channels, operation.kernel, 1, operation.dilation, affine),
    )


def _dil_conv(operation: Operation, channels: int, stride: int, affine: bool) -> nn.Module:
    return DepthwiseSeparable(channels, operation.kernel, stride, operation.dilation, affine)


def _pool(operation: Operation, channels: int, stride: int, affine: bool) -> nn.Module:
    return build_pool(operation.kind, operation.kernel, stride)


def _skip(operation: Operation, channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorisedReduction(channels, channels, affine)


_BUILDERS: Mapping[Kind, Callable[[Operation, int, int, bool], nn.Module]] = MappingProxyType(
    {
        Kind.CONV: _conv,
        Kind.THIN_CONV: _thin_conv,
        Kind.SEP_CONV: _sep_conv,
        Kind.DIL_CONV: _dil_conv,
        Kind.MAX_POOL: _pool,
        Kind.AVG_POOL: _pool,
        Kind.SKIP: _skip,
    }
)


def build_operation(
    name: str, channels: int, stride: int, affine: bool = True, pool_batch_norm: bool = False
) -> nn.Module:
    """The module of operation `name`: [batch, channels, height, width] in, the same channels out.

    Args:
        name: canonical name, except null: an edge without operation owns no module.
        channels: input and output channels; must be even for skip_connect with stride 2.
        stride: 1 keeps the resolution, 2 halves it, rounding up.
        affine: whether batch norms learn a scale and a shift (they do not in shared-weight networks).
        pool_batch_norm: whether a batch norm, never affine, follows a pooling (it does in shared-weight networks).

    Raises:
        ValueError: the operation is unknown or null, or the stride is neither 1 nor 2.
    """
    if name not in OPERATIONS or name == NULL:
        buildable = ", ".join(known for known in OPERATIONS if known != NULL)
        raise ValueError(f"no module for operation {name!r}; accepted: {buildable}")
    if stride not in (1, 2):
        raise ValueError(f"stride of {name} is {stride}; accepted: 1, 2")
    operation = OPERATIONS[name]
    module = _BUILDERS[operation.kind](operation, channels, stride, affine)
    if pool_batch_norm and operation.kind.is_pooling:
        return nn.Sequential(module, nn.BatchNorm2d(channels, affine=False))
    return module


def drop_first_relu(module: nn.Module) -> bool:
    """Remove the ReLU at the start of `module`, if any, so that one per node suffices; return whether there was one."""
    if isinstance(module, FactorisedReduction):
        module.relu = nn.Identity()
        return True
    if not isinstance(module, nn.Sequential):
        return False
    if isinstance(module[0], nn.ReLU):
        module[0] = nn.Identity()
        return True
    return drop_first_relu(module[0])

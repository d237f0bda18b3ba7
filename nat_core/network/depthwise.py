"""Depthwise convolutions: the results of torch's `Conv2d`, but several times faster in training on a CPU.

On a CPU, torch has fast code for both backward passes of an ordinary convolution, and for the weights' gradient only if
the kernel has at most three columns and no more rows than the image. Otherwise, and for every dilation, it runs code
that takes up to 40 times as long as the forward pass. These identities avoid that code:

- The gradient of a dilated convolution's input is the output's gradient convolved with the flipped kernel.
- The weights' gradient of a wider kernel consists of those of kernels of three columns, applied to shifted images.
- A dilation of 2 never mixes even and odd rows, or even and odd columns: it is an ordinary convolution of four images.
- If the stride equals the dilation, only every other pixel is read: it is an ordinary convolution of those pixels.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from nat_core.network.cpu import own_code_applies

_CHUNK = 1 << 18  # numbers per pass: a megabyte stays in the cache
_FAST_COLUMNS = 3  # of a kernel, in torch's weight gradient


class DepthwiseConv2d(nn.Conv2d):
    """A biasless depthwise k×k convolution, k odd, with dilation 1 or 2 and stride 1 or 2; [n, c, h, w] in and out."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int = 1) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        stride, dilation = self.stride[0], self.dilation[0]
        if stride > dilation or not own_code_applies(x):
            return super().forward(x)
        if stride == 1:
            return same_convolution(x, self.weight, dilation)
        seen = x[:, :, ::stride, ::stride].contiguous(memory_format=torch.channels_last)
        return same_convolution(seen, self.weight)


def same_convolution(x: Tensor, weight: Tensor, dilation: int = 1) -> Tensor:
    """Convolve each channel of [n, c, h, w] with a weight of [c, 1, k, k]; the padding keeps the resolution."""
    return _SameConvolution.apply(x, weight, dilation)


class _SameConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation = dilation
        return _convolution(x, weight, dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        need_x, need_weight, _ = ctx.needs_input_grad
        return (
            _convolution(gradient, weight.flip(2, 3), ctx.dilation) if need_x else None,
            weight_gradient(x, gradient, weight.shape[-1], ctx.dilation) if need_weight else None,
            None,
        )


def _convolution(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    padding = dilation * (weight.shape[-1] // 2)
    return F.conv2d(x, weight, padding=padding, dilation=dilation, groups=len(weight))


def weight_gradient(x: Tensor, gradient: Tensor, kernel: int, dilation: int) -> Tensor:
    """Return the weights' gradient [c, 1, k, k] from input and output gradient [n, c, h, w].

    Where that takes copies, it is computed a few images at a time.
    """
    if dilation == 1 and kernel <= _FAST_COLUMNS:
        return _columns_gradient(x, gradient, kernel)
    images = max(1, _CHUNK // x[0].numel())
    result = x.new_zeros(x.shape[1], 1, kernel, kernel)
    for some, gradients in zip(x.split(images), gradient.split(images), strict=True):
        if dilation == 2:
            some, gradients = _phases(some), _phases(gradients)
        result += _ordinary_weight_gradient(some, gradients, kernel)
    return result


def _phases(x: Tensor) -> Tensor:
    """Return four times as many images [4n, c, ⌈h / 2⌉, ⌈w / 2⌉]: of even or odd rows, and of even or odd columns."""
    even = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
    return torch.cat([even[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)])


def _ordinary_weight_gradient(x: Tensor, gradient: Tensor, kernel: int) -> Tensor:
    """Return the weights' gradient without dilation, three columns of the kernel at a time."""
    if kernel <= _FAST_COLUMNS:
        return _columns_gradient(x, gradient, kernel)
    most = kernel // 2 - 1  # the farthest shift
    below = max(0, kernel - x.shape[2])
    gradient = F.pad(gradient, (most, most, 0, below))
    result = x.new_empty(x.shape[1], 1, kernel, kernel)
    for shift in range(-most, most + 1, 2):
        shifted = F.pad(x, (most - shift, most + shift, 0, below))
        first = most + shift
        result[..., first : first + _FAST_COLUMNS] = _columns_gradient(shifted, gradient, kernel)
    return result


def _columns_gradient(x: Tensor, gradient: Tensor, rows: int) -> Tensor:
    """Return the gradient of the weights of a kernel of three columns."""
    shape, padding = (x.shape[1], 1, rows, _FAST_COLUMNS), (rows // 2, _FAST_COLUMNS // 2)
    return conv2d_weight(x, shape, gradient, padding=padding, groups=x.shape[1])

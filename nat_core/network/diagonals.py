"""Every other pixel of an image, along two diagonals, with one gradient tensor for both halves.

Autograd would allocate an image of zeros for the gradient of each half and add the two in a third pass. At the
resolutions where networks use this, that takes longer than the convolutions around it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from nat_core.network.cpu import own_code_applies


def diagonal_pixels(x: Tensor) -> tuple[Tensor, Tensor]:
    """Split an image into the pixels at even rows and columns and those at odd rows and columns.

    The shapes are [n, c, h, w] and twice [n, c, ⌈h / 2⌉, ⌈w / 2⌉]. If a side is odd, the second image ends with zeros.
    """
    if own_code_applies(x):
        return _DiagonalPixels.apply(x)
    return _even(x), _odd(x)


class _DiagonalPixels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.like = x.shape
        layout = torch.channels_last
        return _even(x).contiguous(memory_format=layout), _odd(x).contiguous(memory_format=layout)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, even: Tensor, odd: Tensor) -> Tensor:
        result = torch.empty(ctx.like, dtype=even.dtype, memory_format=torch.channels_last).zero_()
        result[:, :, ::2, ::2] = even
        rows, columns = result.shape[2] // 2, result.shape[3] // 2
        result[:, :, 1::2, 1::2] = odd[:, :, :rows, :columns]
        return result


def _even(x: Tensor) -> Tensor:
    return x[:, :, ::2, ::2]


def _odd(x: Tensor) -> Tensor:
    return F.pad(x[:, :, 1::2, 1::2], (0, x.shape[3] % 2, 0, x.shape[2] % 2))

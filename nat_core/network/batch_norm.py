"""Batch norm with the statistics of the current batch and no affine parameters, fast on a CPU for few channels.

On channels-last images, torch's kernels work pixel by pixel. With few channels, one pixel does not fill a vector
register: at 20 channels the kernels reach a tenth of the memory bandwidth. This module gives them rows of many pixels
instead, as if every column were a channel, then folds the columns' statistics to channels. The backward pass needs only
the normalised output.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from nat_core.network.cpu import own_code_applies

# Rows were measured to beat torch's kernel at few channels and for tensors larger than a processor's own cache.
_MAX_CHANNELS = 96
_MIN_NUMBERS = 1 << 18
_PIXELS_PER_ROW = 16


class BatchStatisticsNorm(nn.Module):
    """Normalises every channel of [n, c, h, w] to mean 0 and variance 1 over the batch; keeps no state."""

    def __init__(self, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if _pays(x):
            return _RowNorm.apply(x, self.eps)
        return F.batch_norm(x, None, None, training=True, eps=self.eps)


def _pays(x: Tensor) -> bool:
    return (
        x.shape[1] < _MAX_CHANNELS
        and x.numel() >= _MIN_NUMBERS
        and x.dtype == torch.float32
        and own_code_applies(x)
        and x.is_contiguous(memory_format=torch.channels_last)
    )


class _RowNorm(torch.autograd.Function):
    """Normalises a channels-last float32 tensor row by row."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> Tensor:
        rows, pixels = _rows(x)
        means, variances = torch.batch_norm_update_stats(rows, None, None, 0.0)
        mean = _fold(means, pixels)
        variance = _fold(variances + (means - mean).square_(), pixels)
        scale = (variance + eps).rsqrt_()
        normed = _image(torch.addcmul(-mean * scale, rows, scale), x)
        ctx.save_for_backward(normed, scale)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        normed, scale = ctx.saved_tensors
        y, pixels = _rows(normed)
        g, _ = _rows(gradient.contiguous(memory_format=torch.channels_last))
        along, mean = (_fold(sums / len(y), pixels) for sums in _column_sums(y, g))
        result = torch.addcmul(-scale * mean, y, -scale * along)
        return _image(result.addcmul_(g, scale), gradient), None


def _rows(x: Tensor) -> tuple[Tensor, int]:
    """Return a channels-last image as a matrix whose rows hold whole pixels, and the number of pixels per row."""
    count, channels, height, width = x.shape
    pixels = math.gcd(count * height * width, _PIXELS_PER_ROW)
    return x.permute(0, 2, 3, 1).reshape(-1, pixels * channels), pixels


def _image(rows: Tensor, like: Tensor) -> Tensor:
    count, channels, height, width = like.shape
    return rows.view(count, height, width, channels).permute(0, 3, 1, 2)


def _fold(columns: Tensor, pixels: int) -> Tensor:
    """Return every channel's mean over the pixels of a row, repeated for each of them."""
    return columns.view(pixels, -1).mean(dim=0).repeat(pixels)


def _column_sums(y: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of y · g and of g over the rows, in one pass.

    Both are what torch's backward pass gives as gradients of scale and shift, here of columns that are normalised.
    """
    zeros, ones, wanted = y.new_zeros(y.shape[1]), y.new_ones(y.shape[1]), (False, True, True)
    _, products, sums = torch.ops.aten.native_batch_norm_backward(
        g, y, ones, None, None, zeros, ones, True, 0.0, wanted
    )
    return products, sums

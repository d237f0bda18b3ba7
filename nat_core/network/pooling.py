"""k×k pooling: the results of torch's `AvgPool2d` and `MaxPool2d`, but several times faster on a CPU.

On channels-last images, torch's kernels work pixel by pixel and window by window. With few channels, one pixel does not
fill a vector register. Where the resolution stays the same, there are faster ways. An average is a depthwise
convolution with ones, divided by the number of pixels in the window. A maximum is taken over columns, then over rows,
each time of a few shifted images; its gradient would cost as much as it saves, so training uses torch's.
"""

import torch
from torch import Tensor, nn

from nat_core.network.cpu import own_code_applies
from nat_core.network.depthwise import same_convolution


class AveragePool(nn.AvgPool2d):
    """Average pooling that leaves padding out."""

    def __init__(self, kernel: int, stride: int, padding: int) -> None:
        super().__init__(kernel, stride, padding, count_include_pad=False)
        self._kernel = kernel
        self._keeps_resolution = _keeps_resolution(kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        if not self._keeps_resolution or not own_code_applies(x):
            return super().forward(x)
        ones = x.new_ones(x.shape[1], 1, self._kernel, self._kernel)
        pixels = same_convolution(torch.ones_like(x[:1]), ones)
        return same_convolution(x, ones).mul_(pixels.reciprocal_())


class MaxPool(nn.MaxPool2d):
    """Maximum pooling whose padding is never the maximum."""

    def __init__(self, kernel: int, stride: int, padding: int) -> None:
        super().__init__(kernel, stride, padding)
        self._reach = kernel // 2
        self._keeps_resolution = _keeps_resolution(kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        learns = torch.is_grad_enabled() and x.requires_grad
        if learns or not self._keeps_resolution or not own_code_applies(x):
            return super().forward(x)
        return _maximum(_maximum(x, 2, self._reach), 3, self._reach)


def _keeps_resolution(kernel: int, stride: int, padding: int) -> bool:
    return stride == 1 and 2 * padding == kernel - 1


def _maximum(x: Tensor, dimension: int, reach: int) -> Tensor:
    """Return the maximum of every pixel and of those up to `reach` before and after it along a dimension."""
    result = x.clone()
    size = x.shape[dimension]
    for distance in range(1, min(reach, size - 1) + 1):
        near, far = (0, size - distance), (distance, size - distance)
        for target, source in ((near, far), (far, near)):
            part = result.narrow(dimension, *target)
            torch.maximum(part, x.narrow(dimension, *source), out=part)
    return result

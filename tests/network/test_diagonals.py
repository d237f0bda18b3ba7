import pytest
import torch
from torch.nn import functional as F

from nat_core.network.diagonals import diagonal_pixels


def plainly(x):
    return x[:, :, ::2, ::2], F.pad(x[:, :, 1::2, 1::2], (0, x.shape[3] % 2, 0, x.shape[2] % 2))


def with_gradient(function, x):
    even, odd = function(x)
    weights = torch.arange(1.0, even.numel() + 1).view(even.shape)
    return even, odd, *torch.autograd.grad((even * weights).sum() - (odd * weights**2).sum(), x)


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("sides", [(4, 6), (5, 5), (4, 5), (1, 2), (1, 1)])
def test_pixels_and_gradient_are_those_of_slices(sides, memory_format):
    x = torch.randn(2, 3, *sides).contiguous(memory_format=memory_format).requires_grad_()
    for ours, expected in zip(with_gradient(diagonal_pixels, x), with_gradient(plainly, x), strict=True):
        assert torch.equal(ours, expected)


def test_a_half_that_nothing_reads_brings_no_gradient():
    x = torch.randn(1, 1, 4, 4, requires_grad=True)
    diagonal_pixels(x)[0].sum().backward()
    assert x.grad.flatten().tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]

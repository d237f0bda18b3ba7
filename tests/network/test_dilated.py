import pytest
import torch
from torch import nn

from nat_core.network import dilated
from nat_core.network.dilated import DilatedDepthwiseConv2d

SHAPES = [(kernel, stride, side) for kernel in (3, 5, 7) for stride in (1, 2) for side in (3, 8, 9)]


def gradients(function, module, x):
    y = function(x)
    weights = torch.linspace(-1, 1, y.numel()).view(y.shape)
    return y, *torch.autograd.grad((y * weights).sum(), (x, module.weight))


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(("kernel", "stride", "side"), SHAPES)
def test_output_and_gradients_are_those_of_torch(kernel, stride, side, memory_format, monkeypatch):
    monkeypatch.setattr(dilated, "_CHUNK", 2 * 4 * side * side)  # two images at a time; the last batch has one
    module = DilatedDepthwiseConv2d(4, kernel, stride)
    x = torch.randn(5, 4, side, side + 1).contiguous(memory_format=memory_format).requires_grad_()
    expected = gradients(lambda x: nn.Conv2d.forward(module, x), module, x)
    for ours, theirs in zip(gradients(module, module, x), expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_only_what_is_asked_for_is_computed():
    module = DilatedDepthwiseConv2d(4, 3, 1).requires_grad_(False)
    x = torch.randn(2, 4, 8, 8, requires_grad=True)
    module(x).sum().backward()
    assert x.grad is not None
    assert module.weight.grad is None
    module.requires_grad_()(x.detach()).sum().backward()
    assert module.weight.grad is not None

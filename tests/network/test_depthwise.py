import pytest
import torch
from torch import nn

from nat_core.network import depthwise
from nat_core.network.depthwise import DepthwiseConv2d

SHAPES = [
    (kernel, stride, dilation, side)
    for kernel in (3, 5, 7)
    for stride in (1, 2)
    for dilation in (1, 2)
    for side in (3, 8, 9)
]


def gradients(function, module, x):
    y = function(x)
    weights = torch.linspace(-1, 1, y.numel()).view(y.shape)
    return y, *torch.autograd.grad((y * weights).sum(), (x, module.weight))


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(("kernel", "stride", "dilation", "side"), SHAPES)
def test_output_and_gradients_are_those_of_torch(kernel, stride, dilation, side, memory_format, monkeypatch):
    monkeypatch.setattr(depthwise, "_CHUNK", 2 * 4 * side * (side + 1))  # two images at a time; the last batch has one
    module = DepthwiseConv2d(4, kernel, stride, dilation)
    x = torch.randn(5, 4, side, side + 1).contiguous(memory_format=memory_format).requires_grad_()
    expected = gradients(lambda x: nn.Conv2d.forward(module, x), module, x)
    for ours, theirs in zip(gradients(module, module, x), expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("dilation", [1, 2])
def test_only_what_is_asked_for_is_computed(dilation):
    module = DepthwiseConv2d(4, 5, 1, dilation).requires_grad_(False)
    x = torch.randn(2, 4, 8, 8, requires_grad=True)
    module(x).sum().backward()
    assert x.grad is not None
    assert module.weight.grad is None
    module.requires_grad_()(x.detach()).sum().backward()
    assert module.weight.grad is not None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's tracer
def test_traced_graphs_hold_torchs_own_operator():
    traced = torch.jit.trace(DepthwiseConv2d(4, 5, 1, 2).requires_grad_(False), torch.randn(1, 4, 8, 8))
    assert "aten::_convolution" in str(traced.graph)
    assert "PythonOp" not in str(traced.graph)

import pytest
import torch
from torch import nn

from nat_core.network.pooling import AveragePool, MaxPool

SHAPES = [(kernel, stride, side) for kernel in (3, 5) for stride in (1, 2) for side in (1, 2, 8, 9)]


def torchs(pool, kernel, stride):
    if pool is MaxPool:
        return nn.MaxPool2d(kernel, stride, kernel // 2)
    return nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("pool", [AveragePool, MaxPool])
@pytest.mark.parametrize(("kernel", "stride", "side"), SHAPES)
def test_output_and_gradient_are_those_of_torch(pool, kernel, stride, side, memory_format):
    x = torch.randn(3, 4, side, side + 1).contiguous(memory_format=memory_format)
    ours, theirs = pool(kernel, stride, kernel // 2), torchs(pool, kernel, stride)
    before = x.clone()
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)
    assert torch.equal(x, before)
    learns = x.requires_grad_()
    gradients = [torch.autograd.grad(module(learns).square().sum(), learns)[0] for module in (ours, theirs)]
    assert torch.allclose(*gradients, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("pool", [AveragePool, MaxPool])
def test_pooling_that_changes_the_resolution_is_torchs(pool, stride):
    x = torch.randn(2, 4, 9, 9)
    theirs = nn.MaxPool2d(3, stride) if pool is MaxPool else nn.AvgPool2d(3, stride, count_include_pad=False)
    assert torch.equal(pool(3, stride, 0)(x), theirs(x))


def test_a_maximum_of_nan_is_nan():
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 0, 0] = torch.nan
    assert MaxPool(3, 1, 1)(x).isnan().sum() == 4


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's tracer
@pytest.mark.parametrize(("pool", "operator"), [(AveragePool, "aten::avg_pool2d"), (MaxPool, "aten::max_pool2d")])
def test_traced_graphs_hold_torchs_own_operator(pool, operator):
    assert operator in str(torch.jit.trace(pool(3, 1, 1), torch.randn(1, 4, 8, 8)).graph)

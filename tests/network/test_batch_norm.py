import pytest
import torch
from torch.nn import functional as F

from nat_core.network import batch_norm
from nat_core.network.batch_norm import BatchStatisticsNorm

SHAPES = [(2, 3, 5, 5), (7, 20, 9, 8), (4, 47, 8, 8), (1, 8, 1, 3)]


def output_and_gradient(function, x):
    y = function(x)
    (gradient,) = torch.autograd.grad(y, x, torch.randn(y.shape, generator=torch.Generator().manual_seed(1)))
    return y, gradient


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("shape", SHAPES)
def test_output_and_gradient_are_those_of_torch(shape, memory_format, monkeypatch):
    monkeypatch.setattr(batch_norm, "_MIN_NUMBERS", 0)
    x = (3 + 2 * torch.randn(shape)).contiguous(memory_format=memory_format).requires_grad_()
    ours = output_and_gradient(BatchStatisticsNorm(), x)
    theirs = output_and_gradient(lambda x: F.batch_norm(x, None, None, training=True), x)
    for some, other in zip(ours, theirs, strict=True):
        assert torch.allclose(some, other, atol=2e-5)


def test_a_mean_far_from_zero_costs_no_precision():
    rows = torch.tensor([1000.0, 1001.0]).repeat(64 * 1024).view(1, 1, 256, 512)
    x = rows.expand(1, 4, 256, 512).contiguous(memory_format=torch.channels_last)
    assert batch_norm._pays(x)
    assert torch.allclose(BatchStatisticsNorm(eps=0)(x).abs(), torch.ones(()), atol=1e-4)


def test_rows_are_used_where_they_pay_only():
    few = torch.empty(64, 20, 32, 32).contiguous(memory_format=torch.channels_last)
    assert batch_norm._pays(few)
    assert not batch_norm._pays(few.contiguous())
    assert not batch_norm._pays(few[:8])
    assert not batch_norm._pays(few.repeat(1, 5, 1, 1).contiguous(memory_format=torch.channels_last))
    assert not batch_norm._pays(few.double())
    with torch.autocast("cpu", torch.bfloat16):
        assert not batch_norm._pays(few)

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from nat_core.architecture.operations import NAMES, NULL, OPERATIONS, Kind
from nat_core.network.modules import FactorisedReduction, PointwiseConv, build_operation

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
EXECUTED = [name for name in NAMES if name != NULL]
AVERAGES = [name for name in EXECUTED if OPERATIONS[name].kind is Kind.AVG_POOL]


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def grid(rows):
    return torch.tensor(rows, dtype=torch.float32)[None, None]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("name", EXECUTED)
def test_resolution_holds_at_stride_1_and_halves_rounding_up_at_stride_2(name, side, device):
    x = torch.randn(2, 4, side, side + 1, device=device)
    for stride in (1, 2):
        y = build_operation(name, 4, stride).to(device)(x)
        assert y.shape == (2, 4, -(-side // stride), -(-(side + 1) // stride))
        assert y.isfinite().all()


@pytest.mark.parametrize(
    ("name", "stride", "expected"),
    [
        ("conv_1x1", 1, 4 * 4 + 8),
        ("conv_3x3", 2, 4 * 4 * 9 + 8),
        ("conv_7x7", 1, 4 * 4 * 49 + 8),
        ("conv_1x7_7x1", 1, 2 * 4 * 4 * 7 + 8),
        ("conv_3x1_1x3", 2, 2 * 4 * 4 * 3 + 8),
        ("sep_conv_3x3", 1, 2 * (4 * 9 + 4 * 4 + 8)),
        ("sep_conv_5x5", 2, 2 * (4 * 25 + 4 * 4 + 8)),
        ("dil_conv_5x5", 1, 4 * 25 + 4 * 4 + 8),
        ("dil_sep_conv_5x5", 2, 2 * (4 * 25 + 4 * 4 + 8)),
        ("max_pool_3x3", 2, 0),
        ("avg_pool_2x2", 1, 0),
        ("skip_connect", 1, 0),
        ("skip_connect", 2, 2 * 4 * 2 + 8),
    ],
)
def test_parameters_by_hand(name, stride, expected):
    assert parameters(build_operation(name, 4, stride)) == expected


@pytest.mark.parametrize(
    ("name", "kernels", "strides"),
    [
        ("conv_1x7_7x1", [(1, 7), (7, 1)], [(1, 2), (2, 1)]),
        ("conv_7x1_1x7", [(1, 7), (7, 1)], [(1, 2), (2, 1)]),
        ("sep_conv_5x5", [(5, 5), (1, 1), (5, 5), (1, 1)], [(2, 2), (1, 1), (1, 1), (1, 1)]),
        ("dil_conv_3x3", [(3, 3), (1, 1)], [(2, 2), (1, 1)]),
        ("dil_sep_conv_3x3", [(3, 3), (1, 1), (3, 3), (1, 1)], [(2, 2), (1, 1), (1, 1), (1, 1)]),
    ],
)
def test_convolutions_come_in_the_published_order_and_share_the_stride(name, kernels, strides):
    convs = [part for part in build_operation(name, 4, 2).modules() if isinstance(part, nn.Conv2d)]
    assert [conv.kernel_size for conv in convs] == kernels
    assert [conv.stride for conv in convs] == strides


@pytest.mark.parametrize(
    ("name", "reach"),
    [("dil_conv_3x3", {-2, 0, 2}), ("conv_3x3", {-1, 0, 1}), ("dil_sep_conv_3x3", {-4, -2, 0, 2, 4})],
)
def test_a_dilated_kernel_skips_every_other_pixel(name, reach):
    x = torch.rand(1, 2, 9, 9, requires_grad=True)
    operation = build_operation(name, 2, 1).eval()
    with torch.no_grad():
        for parameter in operation.parameters():
            parameter.abs_()  # so that no ReLU cuts a path
    operation(x)[0, :, 4, 4].sum().backward()
    touched = x.grad.abs().sum(dim=(0, 1)).nonzero() - 4
    assert {tuple(pixel) for pixel in touched.tolist()} == {(row, column) for row in reach for column in reach}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("name", AVERAGES)
def test_averages_leave_the_padding_out(name, side, stride):
    assert torch.equal(build_operation(name, 1, stride)(torch.ones(1, 1, side, side)).unique(), torch.ones(1))


def test_even_pools_reach_over_the_right_and_bottom_border():
    x = grid([[-1, -2, -3], [-4, -5, -6], [-7, -8, -9]])
    assert torch.equal(build_operation("max_pool_2x2", 1, 1)(x), x)  # the first of each window is its largest
    assert torch.equal(
        build_operation("avg_pool_2x2", 1, 1)(x), grid([[-3, -4, -4.5], [-6, -7, -7.5], [-7.5, -8.5, -9]])
    )
    assert torch.equal(build_operation("max_pool_2x2", 1, 2)(x), grid([[-1, -3], [-7, -9]]))
    assert torch.equal(build_operation("avg_pool_2x2", 1, 2)(x), grid([[-3, -4.5], [-7.5, -9]]))
    assert torch.equal(build_operation("avg_pool_2x2", 1, 2)(grid([[1, 2], [3, 6]])), grid([[3]]))


def test_skip_is_the_identity_at_stride_1():
    x = torch.randn(1, 4, 5, 5)
    assert build_operation("skip_connect", 4, 1)(x) is x


@pytest.mark.parametrize(("side", "straight", "shifted"), [(2, [[1]], [[4]]), (3, [[1, 3], [7, 9]], [[5, 0], [0, 0]])])
def test_factorised_reduction_sees_even_and_odd_pixels(side, straight, shifted):
    reduction = FactorisedReduction(1, 2).eval()
    for conv in (reduction.straight, reduction.shifted):
        nn.init.ones_(conv.weight)
    y = reduction(torch.arange(1.0, side**2 + 1).reshape(1, 1, side, side))
    assert torch.allclose(y, torch.cat((grid(straight), grid(shifted)), dim=1), rtol=1e-4)


def test_shared_weight_networks_have_no_affine_batch_norm():
    for name in EXECUTED:
        norms = [
            part
            for stride in (1, 2)
            for part in build_operation(name, 4, stride, affine=False, pool_batch_norm=True).modules()
            if isinstance(part, nn.BatchNorm2d)
        ]
        assert norms
        assert not any(norm.affine for norm in norms)


@pytest.mark.parametrize("name", ["max_pool_3x3", "avg_pool_2x2"])
def test_batch_norm_after_pooling_is_never_affine_and_only_on_request(name):
    assert not any(isinstance(part, nn.BatchNorm2d) for part in build_operation(name, 4, 1).modules())
    norm = build_operation(name, 4, 1, pool_batch_norm=True)[-1]
    assert isinstance(norm, nn.BatchNorm2d)
    assert not norm.affine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("null", 4, 1), "no module for operation 'null'; accepted: conv_1x1, .*dil_sep_conv_7x7$"),
        (("conv_9x9", 4, 1), "no module for operation 'conv_9x9'"),
        (("conv_3x3", 4, 3), "stride of conv_3x3 is 3; accepted: 1, 2"),
        (("skip_connect", 3, 2), "an even number of channels, not 3"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_operation(*arguments)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("side", [1, 7, 8])
@pytest.mark.parametrize("channels", [2, 15, 16])
def test_a_pointwise_convolution_with_stride_is_the_ordinary_one(channels, side, device):
    ours = PointwiseConv(channels, 6, stride=2).to(device)
    x = torch.randn(3, channels, side, side, device=device, requires_grad=True)
    y = torch.nn.functional.conv2d(x, ours.weight, stride=2)
    assert torch.allclose(ours(x), y, atol=1e-5)
    targets = (x, ours.weight)
    weights = torch.randn_like(y)
    for mine, other in zip(
        torch.autograd.grad((ours(x) * weights).sum(), targets),
        torch.autograd.grad((y * weights).sum(), targets),
        strict=True,
    ):
        assert torch.allclose(mine, other, atol=1e-4)


class Strides(TorchDispatchMode):
    """Notes the strides with which convolutions are really computed."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        if function is torch.ops.aten.convolution.default:
            self.seen.append(tuple(arguments[3]))
        return function(*arguments, **(keywords or {}))


def strides(module: nn.Module, channels: int) -> list[tuple[int, int]]:
    images = torch.randn(2, channels, 6, 6).contiguous(memory_format=torch.channels_last)
    with Strides() as noted:
        module(images)
    return noted.seen


def test_few_channels_never_reach_the_strided_kernel_that_overruns_its_memory():
    assert strides(FactorisedReduction(6, 4), 6) == [(1, 1)] * 2
    assert strides(build_operation("conv_1x1", 4, 2), 4) == [(1, 1)]
    assert strides(FactorisedReduction(16, 4), 16) == [(1, 1)] * 2
    assert strides(build_operation("conv_1x1", 16, 2), 16) == [(2, 2)]


def test_what_counts_are_the_channels_at_hand_since_shared_weights_are_called_with_some_of_theirs():
    wide = PointwiseConv(20, 4, stride=2)
    images = torch.randn(2, 4, 6, 6).contiguous(memory_format=torch.channels_last)
    with Strides() as noted:
        some = functional_call(wide, {"weight": wide.weight[:, :4]}, (images,))
    assert noted.seen == [(1, 1)]
    assert torch.allclose(some, nn.functional.conv2d(images, wide.weight[:, :4], stride=2), atol=1e-6)

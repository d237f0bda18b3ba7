"""The modules around the cells: stems, the residual block between NAS-Bench-201's stages, classifiers.

Every class is called with (in_channels, out_channels). Convolutions have no bias; classifiers have one. The source of
these classes is copied into exported networks, so they may use nothing but torch, `ReluConvBn` and `avg_pool`.
Sources: DARTS (arXiv 1806.09055) `model.py`, NAS-Bench-201 (arXiv 2001.00326) section 2.
"""

from torch import Tensor, nn

from nat_core.network.modules import ReluConvBn, avg_pool


class ImageStem(nn.Sequential):
    """3×3 convolution and batch norm; keeps the resolution unless the stride is 2 (CIFAR, NAS-Bench-201)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )


class HalvingImageStem(ImageStem):
    """The same stem with stride 2, for small compute budgets."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, stride=2)


class QuarterStem(nn.Sequential):
    """ImageNet's first stem: two 3×3 convolutions of stride 2, through half of the channels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        middle = out_channels // 2
        super().__init__(
            nn.Conv2d(in_channels, middle, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, out_channels, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )


class HalfStem(ReluConvBn):
    """ImageNet's second stem: ReLU, 3×3 convolution of stride 2, batch norm."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel=3, stride=2)


class ResidualReduction(nn.Module):
    """NAS-Bench-201's block of stride 2: two 3×3 convolutions beside 2×2 average pooling and a 1×1 convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ReluConvBn(in_channels, out_channels, kernel=3, stride=2),
            ReluConvBn(out_channels, out_channels, kernel=3),
        )
        self.shortcut = nn.Sequential(
            avg_pool(2, 2),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.body(x)


class Classifier(nn.Sequential):
    """Global average pooling, then a linear layer: [batch, in_channels, height, width] to [batch, classes]."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(in_channels, classes))


class NormedClassifier(nn.Sequential):
    """NAS-Bench-201's classifier: batch norm, ReLU, global average pooling, linear layer."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(in_channels, classes),
        )


class AuxiliaryHead(nn.Sequential):
    """DARTS' second classifier for CIFAR, used in training only: [batch, in_channels, h, w] to [batch, classes].

    5×5 average pooling reduces 8×8 (stride 3, CIFAR) or 7×7 (stride 2, ImageNet) to 2×2, and a 2×2 convolution
    reduces that to 1×1. The global pooling after it only matters for larger images.

    Args:
        pool_stride: 3 for CIFAR, 2 for ImageNet.
        last_norm: whether a batch norm follows the second convolution; in the published ImageNet network none does.
    """

    def __init__(self, in_channels: int, classes: int, pool_stride: int = 3, last_norm: bool = True) -> None:
        super().__init__(
            nn.ReLU(),
            nn.AvgPool2d(5, pool_stride, count_include_pad=False),
            nn.Conv2d(in_channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768) if last_norm else nn.Identity(),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(768, classes),
        )


class ImageNetAuxiliaryHead(AuxiliaryHead):
    """The auxiliary head for ImageNet."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__(in_channels, classes, pool_stride=2, last_norm=False)

"""Data sets by name: where they are, how large their images are, and which of their classes count.

Nothing heavy is imported here, so that options can be listed at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class NamedData:
    """A data set.

    Attributes:
        source: a name on the Hugging Face hub.
        resolution: side in pixels of the images that networks are trained on.
        training, test: numbers of images.
        first_classes: number of the source's classes used, the first ones; 0 for all.
    """

    source: str
    resolution: int
    training: int
    test: int
    first_classes: int = 0


# ImageNet16-120 is NAS-Bench-201's (arXiv 2001.00326): the first 120 classes, at 16×16 pixels. Its authors count
# classes in the order of the downsampled ImageNet (arXiv 1707.08819); here they are in the hub's order.
NAMED: Mapping[str, NamedData] = MappingProxyType(
    {
        "cifar10": NamedData("uoft-cs/cifar10", 32, 50_000, 10_000),
        "cifar100": NamedData("uoft-cs/cifar100", 32, 50_000, 10_000),
        "tiny-imagenet": NamedData("zh-plus/tiny-imagenet", 64, 100_000, 10_000),
        "imagenet16-120": NamedData("ILSVRC/imagenet-1k", 16, 151_700, 6_000, first_classes=120),
        "imagenet": NamedData("ILSVRC/imagenet-1k", 224, 1_281_167, 50_000),
    }
)

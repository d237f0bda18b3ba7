"""The names of the benchmark's columns, available without loading its table."""

from types import MappingProxyType
from typing import Annotated

from nat_core.specification import OneOf

# Which of the benchmark's columns to read, in words for people.
DATA_SETS = MappingProxyType(
    {
        "cifar10_valid": "CIFAR-10 validation",
        "cifar10_test": "CIFAR-10 test",
        "cifar100_valid": "CIFAR-100 validation",
        "cifar100_test": "CIFAR-100 test",
        "imagenet16_120_valid": "ImageNet16-120 validation",
        "imagenet16_120_test": "ImageNet16-120 test",
    }
)
# Those that may reward and choose; a test set only reports.
SELECTION_SETS = MappingProxyType({name: title for name, title in DATA_SETS.items() if not name.endswith("_test")})
DEVICES = MappingProxyType(
    {
        "1080ti_1": "GeForce GTX 1080 Ti, batch 1",
        "2080ti_32": "GeForce RTX 2080 Ti, batch 32",
        "titan_rtx_256": "Titan RTX, batch 256",
        "gold_6226": "Xeon Gold 6226",
        "pixel3": "Pixel 3",
        "raspi4": "Raspberry Pi 4",
        "fpga": "FPGA",
        "eyeriss": "Eyeriss",
    }
)
# A column that may reward and choose.
SelectionSet = Annotated[
    str,
    OneOf(
        SELECTION_SETS,
        {name: "a test set, which reports and never chooses" for name in DATA_SETS if name not in SELECTION_SETS},
    ),
]

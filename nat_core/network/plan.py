"""The layout of a network as data: which blocks and cells, with which channels at which resolution.

The network is built from a plan and its cost summed over the same plan, so the two cannot differ.
Sources: DARTS (arXiv 1806.09055) `model.py`, NAS-Bench-201 (arXiv 2001.00326) section 2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType

from torch import nn

from nat_core.architecture.cell import Architecture, CellName
from nat_core.network.blocks import (
    AuxiliaryHead,
    Classifier,
    HalfStem,
    HalvingImageStem,
    ImageStem,
    NormedClassifier,
    QuarterStem,
    ResidualReduction,
)
from nat_core.network.config import NetworkConfig
from nat_core.network.modules import FactorisedReduction, ReluConvBn, half

IMAGE_CHANNELS = 3


@dataclass(frozen=True)
class Block:
    """A module that no edge owns.

    Attributes:
        module: called with (in_channels, out_channels).
        in_channels, out_channels: of a classifier, the latter is the number of classes.
        resolution: side of its input in pixels.
        halvings: how many times it halves the resolution, rounding up.
    """

    module: Callable[[int, int], nn.Module]
    in_channels: int
    out_channels: int
    resolution: int
    halvings: int = 0

    @property
    def out_resolution(self) -> int:
        resolution = self.resolution
        for _ in range(self.halvings):
            resolution = half(resolution)
        return resolution

    def build(self) -> nn.Module:
        return self.module(self.in_channels, self.out_channels)


@dataclass(frozen=True)
class CellPlan:
    """One cell of the network.

    Attributes:
        name: which of the architecture's cells.
        channels: of every node.
        resolution: side of the input nodes in pixels.
        preprocess: one block per input node; empty where earlier outputs are taken as they are.
    """

    name: CellName
    channels: int
    resolution: int
    preprocess: tuple[Block, ...] = ()

    def stride(self, from_input: bool) -> int:
        """Stride of an edge that starts at an input node, or at an intermediate one."""
        return 2 if from_input and self.name == "reduction" else 1

    def resolution_of(self, from_input: bool) -> int:
        """Resolution of the node at which such an edge starts."""
        return self.resolution if from_input else self.out_resolution

    @property
    def out_resolution(self) -> int:
        return half(self.resolution) if self.name == "reduction" else self.resolution


@dataclass(frozen=True)
class Plan:
    """A whole network.

    Attributes:
        cell_inputs: how many earlier outputs a cell takes.
        stem: blocks applied one after the other; the first cell takes the first and the last one's output.
        cells: in order.
        classifier: what makes logits of the last cell's output.
        auxiliary: the training-only classifier, if wanted.
        auxiliary_after: index of the cell whose output it takes.
    """

    cell_inputs: int
    stem: tuple[Block, ...]
    cells: tuple[CellPlan, ...]
    classifier: Block
    auxiliary: Block | None = None
    auxiliary_after: int = -1

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Every block that inference executes."""
        preprocess = (block for cell in self.cells for block in cell.preprocess)
        return (*self.stem, *preprocess, self.classifier)


def plan_network(architecture: Architecture, config: NetworkConfig) -> Plan:
    """The plan of the network of `architecture`'s cells that `config` describes.

    Raises:
        ValueError: the network cannot be built of these cells; says why.
    """
    config.require(architecture)
    widths = {name: cell.width for name, cell in architecture.cells}
    return _plan(config, widths["normal"], widths.get("reduction", 1))


@lru_cache(maxsize=256)
def _plan(config: NetworkConfig, normal_width: int, reduction_width: int) -> Plan:
    widths: Mapping[CellName, int] = {"normal": normal_width, "reduction": reduction_width}
    return _LAYOUTS[config.family](config, widths)


def _image_stem(config: NetworkConfig, channels: int) -> Block:
    module = HalvingImageStem if config.stem_stride == 2 else ImageStem
    return Block(module, IMAGE_CHANNELS, channels, config.resolution, halvings=config.stem_stride - 1)


def _cifar_stem(config: NetworkConfig) -> tuple[Block, ...]:
    return (_image_stem(config, 3 * config.channels),)


def _imagenet_stem(config: NetworkConfig) -> tuple[Block, ...]:
    first = Block(QuarterStem, IMAGE_CHANNELS, config.channels, config.resolution, halvings=2)
    return first, Block(HalfStem, config.channels, config.channels, first.out_resolution, halvings=1)


def _darts_layout(
    stem: Callable[[NetworkConfig], tuple[Block, ...]],
    auxiliary: Callable[[int, int], nn.Module],
    config: NetworkConfig,
    widths: Mapping[CellName, int],
) -> Plan:
    """Cells of two inputs; reduction cells, at a third and two thirds of the layers, double the channels."""
    stems = stem(config)
    older, newer = [(block.out_channels, block.out_resolution) for block in (stems[0], stems[-1])]
    reductions = (config.layers // 3, 2 * config.layers // 3)
    channels, cells, auxiliary_block = config.channels, [], None
    for index in range(config.layers):
        name: CellName = "reduction" if index in reductions else "normal"
        channels *= 2 if name == "reduction" else 1
        cells.append(CellPlan(name, channels, newer[1], _preprocess(older, newer, channels)))
        older, newer = newer, (widths[name] * channels, cells[-1].out_resolution)
        if config.auxiliary and index == reductions[1]:
            auxiliary_block = Block(auxiliary, newer[0], config.classes, newer[1])
    classifier = Block(Classifier, newer[0], config.classes, newer[1])
    return Plan(2, stems, tuple(cells), classifier, auxiliary_block, reductions[1])


def _preprocess(older: tuple[int, int], newer: tuple[int, int], channels: int) -> tuple[Block, Block]:
    """Blocks that bring the (channels, resolution) of two earlier outputs to one shape."""
    if older[1] == newer[1]:
        first = Block(ReluConvBn, older[0], channels, older[1])
    else:
        first = Block(FactorisedReduction, older[0], channels, older[1], halvings=1)
    return first, Block(ReluConvBn, newer[0], channels, newer[1])


def _nasbench201_layout(config: NetworkConfig, widths: Mapping[CellName, int]) -> Plan:
    """Three stages of cells of one input; a residual block of stride 2 before the second and the third."""
    stem = _image_stem(config, config.channels)
    channels, resolution = stem.out_channels, stem.out_resolution
    cells = []
    for index in range(config.layers):
        preprocess: tuple[Block, ...] = ()
        if index and index % (config.layers // 3) == 0:
            preprocess = (Block(ResidualReduction, channels, 2 * channels, resolution, halvings=1),)
            channels, resolution = 2 * channels, half(resolution)
        cells.append(CellPlan("normal", channels, resolution, preprocess))
    return Plan(1, (stem,), tuple(cells), Block(NormedClassifier, channels, config.classes, resolution))


_LAYOUTS: Mapping[str, Callable[[NetworkConfig, Mapping[CellName, int]], Plan]] = MappingProxyType(
    {
        "cifar": partial(_darts_layout, _cifar_stem, partial(AuxiliaryHead, pool_stride=3)),
        "imagenet": partial(_darts_layout, _imagenet_stem, partial(AuxiliaryHead, pool_stride=2, last_norm=False)),
        "nasbench201": _nasbench201_layout,
    }
)

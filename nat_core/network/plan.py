"""The layout of a network as data: which blocks and cells, with which channels at which resolution.

The network is built from a plan and its cost summed over the same plan, so the two cannot differ.
Sources: DARTS (arXiv 1806.09055) `model.py`, NAS-Bench-201 (arXiv 2001.00326) section 2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType

from torch import nn

from nat_core.architecture.cell import Architecture, Cell, CellName
from nat_core.network.blocks import (
    AuxiliaryHead,
    Classifier,
    HalfStem,
    HalvingImageStem,
    ImageNetAuxiliaryHead,
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
    """A module outside the cells' edges.

    Attributes:
        module: called with (in_channels, out_channels).
        in_channels, out_channels: the channels; a classifier's `out_channels` is the number of classes.
        resolution: side of the input in pixels.
        halvings: how many times the module halves the resolution, rounding up.
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
        name: "normal" or "reduction".
        channels: the channels of every node.
        resolution: side of the input nodes in pixels.
        preprocess: one block per input node; empty if the cell takes earlier outputs as they are.
        carried: input nodes that are part of the output, each with the block that halves its resolution; empty in
            cells that keep the resolution.
    """

    name: CellName
    channels: int
    resolution: int
    preprocess: tuple[Block, ...] = ()
    carried: tuple[tuple[int, Block], ...] = ()

    def stride(self, from_input: bool) -> int:
        """Return the stride of an edge; `from_input` tells whether it starts at an input node."""
        return 2 if from_input and self.name == "reduction" else 1

    def resolution_of(self, from_input: bool) -> int:
        """Return the resolution of an edge's source node; `from_input` tells whether that is an input node."""
        return self.resolution if from_input else self.out_resolution

    @property
    def out_resolution(self) -> int:
        return half(self.resolution) if self.name == "reduction" else self.resolution


@dataclass(frozen=True)
class Plan:
    """A whole network.

    Attributes:
        cell_inputs: the number of earlier outputs that a cell takes.
        stem: blocks applied in sequence; the first cell takes the outputs of the first and the last of them.
        cells: the cells in order.
        classifier: turns the last cell's output into logits.
        auxiliary: the classifier that only training uses, if there is one.
        auxiliary_after: index of the cell whose output the auxiliary classifier takes.
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
        carried = (block for cell in self.cells for _, block in cell.carried)
        return (*self.stem, *preprocess, *carried, self.classifier)


def plan_network(architecture: Architecture, config: NetworkConfig) -> Plan:
    """Plan the network of `architecture`'s cells that `config` describes.

    Raises:
        ValueError: the network cannot be built of these cells.
    """
    config.require(architecture)
    return _plan(config, *(output_shape(cell) for _, cell in architecture.cells))


@dataclass(frozen=True)
class OutputShape:
    """The properties of a cell that a plan depends on: its output's width in multiples of C, and input nodes in it."""

    width: int
    inputs: tuple[int, ...]


def output_shape(cell: Cell) -> OutputShape:
    """Return the properties of `cell` on which the network around it depends."""
    return OutputShape(cell.width, cell.output_inputs)


@lru_cache(maxsize=256)
def _plan(config: NetworkConfig, normal: OutputShape, reduction: OutputShape | None = None) -> Plan:
    return _LAYOUTS[config.family](config, {"normal": normal, "reduction": reduction or normal})


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
    outputs: Mapping[CellName, OutputShape],
) -> Plan:
    """Plan cells with two inputs; reduction cells at a third and two thirds of the layers double the channels."""
    stems = stem(config)
    older, newer = [(block.out_channels, block.out_resolution) for block in (stems[0], stems[-1])]
    reductions = (config.layers // 3, 2 * config.layers // 3)
    channels, cells, auxiliary_block = config.channels, [], None
    for index in range(config.layers):
        name: CellName = "reduction" if index in reductions else "normal"
        channels *= 2 if name == "reduction" else 1
        preprocess = _preprocess(older, newer, channels)
        carried = _carried(outputs[name].inputs, channels, newer[1]) if name == "reduction" else ()
        cells.append(CellPlan(name, channels, newer[1], preprocess, carried))
        older, newer = newer, (outputs[name].width * channels, cells[-1].out_resolution)
        if config.auxiliary and index == reductions[1]:
            auxiliary_block = Block(auxiliary, newer[0], config.classes, newer[1])
    classifier = Block(Classifier, newer[0], config.classes, newer[1])
    return Plan(2, stems, tuple(cells), classifier, auxiliary_block, reductions[1])


def _preprocess(older: tuple[int, int], newer: tuple[int, int], channels: int) -> tuple[Block, Block]:
    """Return the blocks that bring two earlier outputs, each of (channels, resolution), to the same shape."""
    if older[1] == newer[1]:
        first = Block(ReluConvBn, older[0], channels, older[1])
    else:
        first = Block(FactorisedReduction, older[0], channels, older[1], halvings=1)
    return first, Block(ReluConvBn, newer[0], channels, newer[1])


def _carried(inputs: tuple[int, ...], channels: int, resolution: int) -> tuple[tuple[int, Block], ...]:
    """Return the blocks that halve input nodes in a reduction cell's output, as a skip_connect with stride 2 does."""
    block = Block(FactorisedReduction, channels, channels, resolution, halvings=1)
    return tuple((node, block) for node in inputs)


def _nasbench201_layout(config: NetworkConfig, outputs: Mapping[CellName, OutputShape]) -> Plan:
    """Plan three stages of cells with one input, and a residual block with stride 2 between stages."""
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


_LAYOUTS: Mapping[str, Callable[[NetworkConfig, Mapping[CellName, OutputShape]], Plan]] = MappingProxyType(
    {
        "cifar": partial(_darts_layout, _cifar_stem, AuxiliaryHead),
        "imagenet": partial(_darts_layout, _imagenet_stem, ImageNetAuxiliaryHead),
        "nasbench201": _nasbench201_layout,
    }
)

"""Measured costs of operations and blocks at a few small sizes, stored in an asset; `scaling` derives all other sizes.

Measuring takes seconds, and so does importing fvcore; the asset saves both at every start.
`python -m nat_core.network.measured_costs` writes it anew; whatever is missing from it is measured when it is needed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import product

import torch
from torch import nn

from nat_core.architecture.operations import NAMES, NULL
from nat_core.network.blocks import (
    Classifier,
    HalfStem,
    HalvingImageStem,
    ImageStem,
    NormedClassifier,
    QuarterStem,
    ResidualReduction,
)
from nat_core.network.cost import FIELDS, Cost
from nat_core.network.modules import FactorisedReduction, ReluConvBn, build_operation
from nat_core.network.scaling import BLOCK_POINTS, OPERATION_POINTS, SIDE
from nat_core.paths import ASSETS

_Block = Callable[[int, int], nn.Module]

ASSET = ASSETS / "measured_costs.json"
STRIDES = (1, 2)
BLOCKS: tuple[_Block, ...] = (
    Classifier, FactorisedReduction, HalfStem, HalvingImageStem, ImageStem, NormedClassifier, QuarterStem, ReluConvBn,
    ResidualReduction,
)  # fmt: skip

# An operation's name, channels, stride, and whether its batch norms are affine; a block's name, input channels and
# output channels.
_Key = tuple[str | int, ...]


def measured(build: Callable[[], nn.Module], channels: int, resolution: int) -> Cost:
    """Build a module on the CPU and return its cost; torch's random state is left unchanged."""
    from nat_core.network.measure import measure  # imports fvcore

    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        return measure(build(), (1, channels, resolution, resolution))


def small_cost(name: str, channels: int, stride: int, affine: bool) -> Cost:
    """Return the cost of one operation at SIDE × SIDE pixels, from the asset or else measured."""
    return _shipped().get((name, channels, stride, affine)) or _measured_operation(name, channels, stride, affine)


def small_block_cost(block: _Block, in_channels: int, out_channels: int) -> Cost:
    """Return the cost of one block at SIDE × SIDE pixels, from the asset or else measured."""
    known = _shipped().get((block_name(block), in_channels, out_channels))
    return known or _measured_block(block, in_channels, out_channels)


def block_name(block: _Block) -> str:
    """Return the name of a block's class, by which the asset knows it; empty if it has none."""
    return str(getattr(block, "__name__", ""))


def operation_keys() -> Iterator[tuple[str, int, int, bool]]:
    """Yield the arguments of every `small_cost` that `scaling` needs."""
    names = [name for name in NAMES if name != NULL]
    for name, (channels,), stride, affine in product(names, OPERATION_POINTS, STRIDES, (True, False)):
        yield name, channels, stride, affine


def measure_all() -> dict[_Key, Cost]:
    """Measure the cost of every key."""
    operations: dict[_Key, Cost] = {key: _measured_operation(*key) for key in operation_keys()}
    blocks: dict[_Key, Cost] = {
        (block_name(block), *point): _measured_block(block, *point) for block in BLOCKS for point in BLOCK_POINTS
    }
    return operations | blocks


def _measured_operation(name: str, channels: int, stride: int, affine: bool) -> Cost:
    return measured(partial(build_operation, name, channels, stride, affine), channels, SIDE)


def _measured_block(block: _Block, in_channels: int, out_channels: int) -> Cost:
    return measured(partial(block, in_channels, out_channels), in_channels, SIDE)


@cache
def _shipped() -> Mapping[_Key, Cost]:
    if not ASSET.exists():
        return {}
    rows: Iterable[tuple[list[str | int], list[int]]] = json.loads(ASSET.read_text(encoding="utf-8"))
    return {tuple(key): Cost(*values) for key, values in rows}


def main() -> None:
    """Measure all costs anew and write the asset."""
    lines = (json.dumps([key, [getattr(cost, name) for name in FIELDS]]) for key, cost in measure_all().items())
    ASSET.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

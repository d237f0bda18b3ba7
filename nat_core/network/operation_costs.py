"""Measured costs of the operations at a few small sizes, stored in an asset file; `scaling` derives all other sizes.

Measuring takes a second, which the asset saves at every start. `python -m nat_core.network.operation_costs` writes it
anew; an operation that is missing from it is measured when it is needed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import product

import torch
from torch import nn

from nat_core.architecture.operations import NAMES, NULL
from nat_core.network.measure import Cost, measure
from nat_core.network.modules import build_operation
from nat_core.network.scaling import OPERATION_POINTS, SIDE
from nat_core.paths import ASSETS

ASSET = ASSETS / "operation_costs.json"
STRIDES = (1, 2)
_FIELDS = tuple(Cost.__dataclass_fields__)

# A key holds operation, channels, stride, and whether the batch norms are affine.
Key = tuple[str, int, int, bool]


def measured(build: Callable[[], nn.Module], channels: int, resolution: int) -> Cost:
    """Build a module on the CPU and return its cost; torch's random state is left unchanged."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        return measure(build(), (1, channels, resolution, resolution))


def small_cost(name: str, channels: int, stride: int, affine: bool) -> Cost:
    """Return the cost of one operation at SIDE × SIDE pixels, from the asset or else measured."""
    return _shipped().get((name, channels, stride, affine)) or _measured_small(name, channels, stride, affine)


def keys() -> Iterator[Key]:
    """Yield the keys of the asset: every measurement that `scaling` needs."""
    names = [name for name in NAMES if name != NULL]
    for name, (channels,), stride, affine in product(names, OPERATION_POINTS, STRIDES, (True, False)):
        yield name, channels, stride, affine


def measure_all() -> dict[Key, Cost]:
    """Measure the cost of every key."""
    return {key: _measured_small(*key) for key in keys()}


def _measured_small(name: str, channels: int, stride: int, affine: bool) -> Cost:
    return measured(partial(build_operation, name, channels, stride, affine), channels, SIDE)


@cache
def _shipped() -> Mapping[Key, Cost]:
    if not ASSET.exists():
        return {}
    rows: Iterable[tuple[str, int, int, bool, list[int]]] = json.loads(ASSET.read_text(encoding="utf-8"))
    return {(name, c, stride, affine): Cost(*values) for name, c, stride, affine, values in rows}


def main() -> None:
    """Measure all costs anew and write the asset."""
    lines = (json.dumps([*key, [getattr(cost, name) for name in _FIELDS]]) for key, cost in measure_all().items())
    ASSET.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""An architecture's network as one Python file that needs nothing but torch.

The file holds the parts of `standalone` and `blocks` that the network needs, then the network as data. That data comes
from the same plan as the network built here, so parameters have the same names and weights trained here can be loaded.
The text is only put together, never evaluated.
"""

import ast
import io
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from pprint import pformat
from types import MappingProxyType
from typing import BinaryIO

import torch

from nat_core.architecture.cell import Architecture, Cell
from nat_core.architecture.notation import shortest
from nat_core.architecture.operations import NULL, OPERATIONS, Kind, Operation
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.network.networks import build_network
from nat_core.network.plan import Block, CellPlan, plan_network
from nat_core.network.weights import load_weights

_WIDTH = 116
_TEMPLATES = ("standalone.py", "blocks.py")

# For each kind of operation, the expression that builds it with c channels at stride s.
_BUILDERS: Mapping[Kind, Callable[[Operation], str]] = MappingProxyType(
    {
        Kind.CONV: lambda o: f"ReluConvBn(c, c, {o.kernel}, s)",
        Kind.THIN_CONV: lambda o: f"ThinConv(c, {o.kernel}, s)",
        Kind.SEP_CONV: lambda o: f"SepConv(c, {o.kernel}, s, dilation={o.dilation})",
        Kind.DIL_CONV: lambda o: f"DepthwiseSeparable(c, {o.kernel}, s, dilation={o.dilation})",
        Kind.MAX_POOL: lambda o: f"max_pool({o.kernel}, s)",
        Kind.AVG_POOL: lambda o: f"avg_pool({o.kernel}, s)",
        Kind.SKIP: lambda o: "skip(c, s)",
    }
)


def torch_source(architecture: Architecture, config: NetworkConfig) -> str:
    """Return the file's text; its function `build_network()` makes the network with fresh weights.

    Raises:
        ValueError: the network cannot be built of these cells.
    """
    network = _network(architecture, config)
    template = "\n".join(files("nat_core.network").joinpath(name).read_text(encoding="utf-8") for name in _TEMPLATES)
    parts = "\n\n\n".join(_needed_parts(template, network))
    return f"{_header(architecture, config)}\n\n\n{parts}\n\n\n{network}\n\n\n{_MAIN.format(config=config)}"


def state_file(architecture: Architecture, config: NetworkConfig, weights: Path | BinaryIO, name: str = "") -> bytes:
    """Return `weights` as a state dict for the network in the exported file, in the format of `torch.save`.

    Raises:
        OSError, ValueError: `load_weights` cannot read them; it also documents `weights` and `name`.
    """
    network = build_network(architecture, config)
    load_weights(network, weights, name)
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    return file.getvalue()


_USAGE_WITH_AUXILIARY = (
    "    network.train()(images)  # in training also the auxiliary head's logits: (logits, auxiliary)\n"
)

_MAIN = """if __name__ == "__main__":
    network = build_network().eval()
    count = sum(parameter.numel() for parameter in network.parameters())
    logits = network(torch.zeros(1, 3, {config.resolution}, {config.resolution}))
    print(f"{{count:,}} parameters; logits {{tuple(logits.shape)}}")
"""


def _header(architecture: Architecture, config: NetworkConfig) -> str:
    cost = cost_model(config).cost(architecture)
    return f'''"""A network of searched cells, written by NAT Lab; it needs torch alone.

{config.description}: {cost.parameters:,} parameters, {cost.macs:,} multiply-adds (convolutions and linear layers).
Cells: {shortest(architecture)}

    network = build_network()
    logits = network(images)  # [batch, 3, {config.resolution}, {config.resolution}] to [batch, {config.classes}]
{_USAGE_WITH_AUXILIARY if config.auxiliary else ""}
Weights, where they come with this file: network.load_state_dict(torch.load(FILE, weights_only=True)).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: F401'''


def _network(architecture: Architecture, config: NetworkConfig) -> str:
    """The network as data and the function that builds it."""
    plan = plan_network(architecture, config)
    names = sorted({name for name in architecture.operations if name != NULL})
    cells = "\n".join(f"{_constant(name)} = {_cell(cell)}" for name, cell in architecture.cells)
    builders = "".join(f"    {_builder(OPERATIONS[name])},\n" for name in names)
    stem = "".join(f"        {_block(block)},\n" for block in plan.stem)
    layers = "".join(f"        {_layer(cell)},\n" for cell in plan.cells)
    auxiliary = f", {_block(plan.auxiliary)}, {plan.auxiliary_after}" if plan.auxiliary else ""
    return (
        f"{cells}\nOPERATIONS = {{\n{builders}}}\n\n\n"
        f"def build_network() -> Network:\n    stem = [\n{stem}    ]\n    cells = [\n{layers}    ]\n"
        f"    return Network(stem, cells, {_block(plan.classifier)}{auxiliary})"
    )


def _builder(operation: Operation) -> str:
    return f'"{operation.name}": lambda c, s: {_BUILDERS[operation.kind](operation)}'


def _constant(cell_name: str) -> str:
    return f"{cell_name.upper()}_CELL"


def _cell(cell: Cell) -> str:
    value = {
        "inputs": cell.inputs,
        "nodes": cell.nodes,
        "edges": [tuple(edge) for edge in cell.edges],
        "output": list(cell.output_nodes),
        "combine": cell.combine,
    }
    return pformat(value, width=_WIDTH, sort_dicts=False)


def _layer(cell: CellPlan) -> str:
    preprocess = ", ".join(_block(block) for block in cell.preprocess)
    carried = ", ".join(f'"{node}": {_block(block)}' for node, block in cell.carried)
    reduces = cell.name == "reduction"
    return f"Cell({_constant(cell.name)}, OPERATIONS, {cell.channels}, {reduces}, [{preprocess}], {{{carried}}})"


def _block(block: Block) -> str:
    return f"{block.module.__name__}({block.in_channels}, {block.out_channels})"


def _needed_parts(template: str, network: str) -> Iterator[str]:
    """Yield in order the source of all classes and functions of `template` that `network` uses, even indirectly."""
    known = {node.name: node for node in ast.parse(template).body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    needed: set[str] = set()
    waiting = [*_names(ast.parse(network))]
    while waiting:
        name = waiting.pop()
        if name in known and name not in needed:
            needed.add(name)
            waiting += _names(known[name])
    segments = (ast.get_source_segment(template, node) for name, node in known.items() if name in needed)
    yield from filter(None, segments)


def _names(tree: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))

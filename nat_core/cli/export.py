"""The command `export`: an architecture's network as a file that runs elsewhere."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nat_core.architecture.cell import Architecture
from nat_core.cli.app import Arch, app, architecture_of
from nat_core.cli.network_options import NETWORK_OPTIONS, network_config
from nat_core.cli.shared_options import with_options

if TYPE_CHECKING:
    from nat_core.network.config import NetworkConfig


@app.command()
@with_options(NETWORK_OPTIONS)
def export(
    arch: Arch,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: .py for PyTorch, .onnx for ONNX.")],
    weights: Annotated[
        Path | None,
        typer.Option(help="Trained weights of the same network: a state dict of DARTS' code or one like it."),
    ] = None,
    **network: Any,
) -> None:
    """Write the whole network as a PyTorch module that needs torch alone, or as ONNX."""
    suffix = output.suffix.lower()
    if suffix not in _WRITERS:
        raise ValueError(f"the file to write is {output.name!r:.80}; accepted: names that end in {', '.join(_WRITERS)}")
    architecture = architecture_of(arch)
    config = network_config(architecture, **network)
    _WRITERS[suffix](architecture, config, output, weights)


def _write_torch(architecture: Architecture, config: "NetworkConfig", output: Path, weights: Path | None) -> None:
    from nat_core.network.export_torch import state_file, torch_source

    source = torch_source(architecture, config)
    if weights is None:
        output.write_text(source, encoding="utf-8")
        _say(f"{output}: {config.description}, with fresh weights")
        return
    beside = output.with_suffix(".pt")
    if beside.exists() and weights.exists() and beside.samefile(weights):
        raise ValueError(f"{beside} holds the given weights and would be overwritten; give another name to write to")
    state = state_file(architecture, config, weights)
    output.write_text(source, encoding="utf-8")
    beside.write_bytes(state)
    _say(f"{output}: {config.description}; {beside}: its weights, for build_network().load_state_dict(torch.load(…))")


def _write_onnx(architecture: Architecture, config: "NetworkConfig", output: Path, weights: Path | None) -> None:
    from nat_core.network.export_onnx import onnx_file

    output.write_bytes(onnx_file(architecture, config, weights=weights))
    left_out = "; the auxiliary head works in training only and is left out" if config.auxiliary else ""
    _say(f"{output}: {config.description}, with {'fresh' if weights is None else 'the given'} weights{left_out}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


_WRITERS: Mapping[str, Callable[[Architecture, "NetworkConfig", Path, Path | None], None]] = MappingProxyType(
    {".py": _write_torch, ".onnx": _write_onnx}
)

"""The command `export`: an architecture's network as a file that runs elsewhere."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nat_core.cli.app import Arch, app, architecture_of
from nat_core.cli.network_options import NETWORK_OPTIONS, network_config
from nat_core.cli.shared_options import with_options


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
    from nat_core.network.files import check_suffix, write_network

    check_suffix(output)
    architecture = architecture_of(arch)
    print(write_network(architecture, network_config(architecture, **network), output, weights), file=sys.stderr)

"""The options that say which network an architecture's cells are built into, for every command that needs one."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from nat_core.architecture.cell import Architecture

if TYPE_CHECKING:
    from nat_core.network.config import NetworkConfig

NetworkName = Annotated[str | None, typer.Option("--network", help="cifar, imagenet or nasbench201.")]
Channels = Annotated[int | None, typer.Option("--channels", help="C, the network's initial channels.")]
Layers = Annotated[int | None, typer.Option("--layers", help="L, the network's searched cells.")]
Classes = Annotated[int | None, typer.Option("--classes", help="Of the classifier.")]
Resolution = Annotated[int | None, typer.Option("--resolution", help="Side of the images, in pixels.")]
Auxiliary = Annotated[bool, typer.Option("--auxiliary", help="With the auxiliary head, which works in training only.")]


def network_config(
    architecture: Architecture,
    name: str | None = None,
    channels: int | None = None,
    layers: int | None = None,
    classes: int | None = None,
    resolution: int | None = None,
    auxiliary: bool = False,
) -> "NetworkConfig":
    """The network that the options mean; what is None is as usual for the architecture and the network.

    Raises:
        ValueError: the network is unknown or cannot be built of these cells, or a value is out of its range.
    """
    from nat_core.network.config import NETWORKS, usual_network

    if name is not None and name not in NETWORKS:
        raise ValueError(f"unknown network {name!r:.60}; accepted: {', '.join(NETWORKS)}")
    usual = usual_network(architecture) if name is None else NETWORKS[name]
    config = replace(
        usual,
        channels=usual.channels if channels is None else channels,
        layers=usual.layers if layers is None else layers,
        classes=usual.classes if classes is None else classes,
        resolution=usual.resolution if resolution is None else resolution,
        auxiliary=auxiliary,
    )
    config.require(architecture)
    return config

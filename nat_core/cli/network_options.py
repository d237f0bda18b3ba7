"""The options that say which network an architecture's cells are built into, for every command that needs one."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from nat_core.architecture.cell import Architecture
from nat_core.cli.shared_options import option

if TYPE_CHECKING:
    from nat_core.network.config import NetworkConfig

NETWORK_OPTIONS = (
    option("network", Annotated[str | None, typer.Option(help="cifar, imagenet or nasbench201.")]),
    option("channels", Annotated[int | None, typer.Option(help="C, the network's initial channels.")]),
    option("layers", Annotated[int | None, typer.Option(help="L, the network's searched cells.")]),
    option("classes", Annotated[int | None, typer.Option(help="Of the classifier.")]),
    option("resolution", Annotated[int | None, typer.Option(help="Side of the images, in pixels.")]),
    option(
        "auxiliary",
        Annotated[bool, typer.Option("--auxiliary", help="With the auxiliary head, which works in training only.")],
        default=False,
    ),
)


def network_config(
    architecture: Architecture,
    network: str | None = None,
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

    if network is not None and network not in NETWORKS:
        raise ValueError(f"unknown network {network!r:.60}; accepted: {', '.join(NETWORKS)}")
    usual = usual_network(architecture) if network is None else NETWORKS[network]
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

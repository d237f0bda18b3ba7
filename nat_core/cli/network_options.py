"""The options that say which network an architecture's cells are built into, for every command that needs one."""

from typing import TYPE_CHECKING, Annotated, Any

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


def network_config(architecture: Architecture, network: str | None = None, **sizes: Any) -> "NetworkConfig":
    """`nat_core.network.config.network_config`, imported when it is called."""
    from nat_core.network import config

    return config.network_config(architecture, network, **sizes)

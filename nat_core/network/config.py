"""Which network an architecture's cells are built into, and the sizes that its costs are quoted for.

Sources: DARTS (arXiv 1806.09055) for the CIFAR and ImageNet networks, NAS-Bench-201 (arXiv 2001.00326).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import space_of

MAX_CHANNELS = 256
MAX_LAYERS = 120
MAX_CLASSES = 100_000


@dataclass(frozen=True)
class Family:
    """The properties that all networks of one kind share.

    Attributes:
        name, title: the name on the command line, and the one shown to people.
        cell_inputs: the number of input nodes that a cell must have.
        has_reduction: whether the network needs a reduction cell beside the normal one.
        stages: the number of stages with equally many cells; 1 if the network is not divided into such stages.
        resolutions: smallest and largest image side, in pixels.
        auxiliary_resolution: smallest image side that the auxiliary head accepts; None without such a head.
        stem_strides: strides that the stem may have; the first is the published one.
    """

    name: str
    title: str
    cell_inputs: int
    has_reduction: bool
    stages: int
    resolutions: tuple[int, int]
    auxiliary_resolution: int | None
    stem_strides: tuple[int, ...] = (1, 2)

    @property
    def needs(self) -> str:
        """The cells that a network of this kind needs, in words."""
        if self.has_reduction:
            return f"a normal and a reduction cell of {self.cell_inputs} inputs"
        return f"a single cell of {self.cell_inputs} input, no reduction cell"

    def fits(self, architecture: Architecture) -> bool:
        """Whether networks of this kind can be built of `architecture`'s cells."""
        return self.mismatch(architecture) is None

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why no network of this kind can be built of `architecture`'s cells, or None."""
        normal, has_reduction = architecture.normal, architecture.reduction is not None
        if self.has_reduction and not has_reduction and normal.inputs == self.cell_inputs:
            return f"the reduction cell is missing; the {self.title} network needs {self.needs}"
        if (normal.inputs, has_reduction) != (self.cell_inputs, self.has_reduction):
            return f"the {self.title} network needs {self.needs}; this architecture has {_cells_of(architecture)}"
        if not self.has_reduction and normal.width != 1:
            return (
                f"the {self.title} network passes a cell's output straight on, so it must be a sum or one node; "
                f"this cell concatenates {normal.width}"
            )
        return None


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family("cifar", "CIFAR", 2, True, 1, (8, 256), auxiliary_resolution=29),
            Family("imagenet", "ImageNet", 2, True, 1, (32, 512), auxiliary_resolution=193, stem_strides=(1,)),
            Family("nasbench201", "NAS-Bench-201", 1, False, 3, (8, 256), auxiliary_resolution=None),
        )
    }
)


@dataclass(frozen=True)
class NetworkConfig:
    """Everything about a network except its cells.

    Attributes:
        family: a name of `FAMILIES`.
        channels: C, the channels of the first cells' nodes; an even number, doubled at every reduction.
        layers: the number of searched cells, reduction cells included.
        resolution: image side in pixels.
        classes: the number of classes.
        auxiliary: whether a second classifier, used in training only, follows the second reduction.
        stem_stride: 1 is the published stride; 2 halves the resolution of every cell, for small compute budgets.

    Raises:
        ValueError: a field is out of its range.
    """

    family: str
    channels: int
    layers: int
    resolution: int
    classes: int
    auxiliary: bool = False
    stem_stride: int = 1

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"unknown network {self.family!r:.60}; accepted: {', '.join(FAMILIES)}")
        family = FAMILIES[self.family]
        _check_range("channels", self.channels, 2, MAX_CHANNELS)
        _check_range("layers", self.layers, family.stages, MAX_LAYERS)
        _check_range("resolution", self.resolution, *family.resolutions)
        _check_range("classes", self.classes, 2, MAX_CLASSES)
        if self.channels % 2:
            raise ValueError(f"channels is {self.channels}; it must be even, since a reduction halves it in two paths")
        if self.layers % family.stages:
            raise ValueError(
                f"layers is {self.layers}; {family.title} has {family.stages} stages of equally many cells, "
                f"so it must be a multiple of {family.stages}"
            )
        if self.stem_stride not in family.stem_strides:
            accepted = ", ".join(map(str, family.stem_strides))
            raise ValueError(
                f"stem_stride of the {family.title} network is {self.stem_stride!r:.60}; accepted: {accepted}"
            )
        self._check_auxiliary(family)

    def _check_auxiliary(self, family: Family) -> None:
        if not isinstance(self.auxiliary, bool):
            raise ValueError(f"auxiliary is {self.auxiliary!r:.60}; accepted: True, False")
        if not self.auxiliary:
            return
        if family.auxiliary_resolution is None:
            raise ValueError(f"the {family.title} network has no auxiliary head; auxiliary must be False")
        least = self.stem_stride * family.auxiliary_resolution
        if self.resolution < least:
            stem = f" and a stem of stride {self.stem_stride}" if self.stem_stride > 1 else ""
            raise ValueError(
                f"resolution is {self.resolution}; with an auxiliary head{stem} the {family.title} network "
                f"accepts {least} or more"
            )

    @property
    def description(self) -> str:
        """One line to stand beside a cost: ``CIFAR, C 36, L 20, 32×32, no auxiliary head``."""
        family = FAMILIES[self.family]
        layers = f"L {self.layers}" if family.stages == 1 else f"{self.layers} cells"
        parts = [family.title, f"C {self.channels}", layers, f"{self.resolution}×{self.resolution}"]
        if self.stem_stride > 1:
            parts.append(f"stem of stride {self.stem_stride}")
        if family.auxiliary_resolution is not None:
            parts.append("auxiliary head" if self.auxiliary else "no auxiliary head")
        return ", ".join(parts)

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why this network cannot be built of `architecture`'s cells, or None."""
        problem = FAMILIES[self.family].mismatch(architecture)
        if problem is None:
            return None
        fitting = [family.name for family in FAMILIES.values() if family.fits(architecture)]
        return f"{problem} (networks that accept it: {', '.join(fitting) or 'none'})"

    def require(self, architecture: Architecture) -> None:
        """Check that `architecture` can be built into this network.

        Raises:
            ValueError: `architecture` does not fit this network.
        """
        if problem := self.mismatch(architecture):
            raise ValueError(problem)


def _cells_of(architecture: Architecture) -> str:
    """Say in words which cells the architecture has."""
    cells = "a single cell" if architecture.reduction is None else "a normal and a reduction cell"
    return f"{cells} of {architecture.normal.inputs} input{'s' if architecture.normal.inputs > 1 else ''}"


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r:.60}; accepted: whole numbers from {low} to {high}")


NETWORKS: Mapping[str, NetworkConfig] = MappingProxyType(
    {
        "cifar": NetworkConfig("cifar", channels=36, layers=20, resolution=32, classes=10),
        "imagenet": NetworkConfig("imagenet", channels=48, layers=14, resolution=224, classes=1000),
        "nasbench201": NetworkConfig("nasbench201", channels=16, layers=15, resolution=32, classes=10),
    }
)


def usual_network(architecture: Architecture) -> NetworkConfig:
    """Return the network on which the architecture's costs are usually quoted.

    This is its space's network, or the first network that accepts the architecture.

    Raises:
        ValueError: no network accepts the architecture.
    """
    space = space_of(architecture)
    for name in ([space.network] if space else []) + [*NETWORKS]:
        if FAMILIES[name].fits(architecture):
            return NETWORKS[name]
    inputs = architecture.normal.inputs
    nearest = next((family for family in FAMILIES.values() if family.cell_inputs == inputs), None)
    if nearest and (problem := nearest.mismatch(architecture)):
        raise ValueError(problem)
    accepted = "; ".join(f"{family.needs} ({family.title})" for family in FAMILIES.values())
    raise ValueError(f"no network accepts {_cells_of(architecture)}; accepted: {accepted}")


def network_config(
    architecture: Architecture,
    network: str | None = None,
    *,
    channels: int | None = None,
    layers: int | None = None,
    classes: int | None = None,
    resolution: int | None = None,
    auxiliary: bool = False,
) -> NetworkConfig:
    """Return the network with this name and these sizes; None stands for the architecture's or network's usual value.

    Raises:
        ValueError: the network is unknown or cannot be built of these cells, or a value is out of its range.
    """
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

"""NAT Lab from Python: what scripts and notebooks call. `from nat_core import read, cost, …` gives these functions.

An ARCHITECTURE argument is an `Architecture`, or a text that names or holds one: a name of the library,
``nasbench201:INDEX``, or a genotype in any notation. Texts are parsed, never evaluated. What is wrong raises
`ValueError` with one sentence that says what is accepted.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, overload

from nat_core import notebook
from nat_core.architecture import library as published
from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import CellChange, EdgeChange, cell_changes, difference, why_not_comparable
from nat_core.architecture.library import Entry
from nat_core.architecture.notation import MAX_BYTES, Document
from nat_core.drawing.cells import Format, draw_architecture, draw_difference
from nat_core.learning.policies import catalogue
from nat_core.naming import resolve
from nat_core.network.config import network_config
from nat_core.network.costs import Cost, cost_model
from nat_core.network.files import write_network
from nat_core.paths import PRETRAINED
from nat_core.prediction import Prediction
from nat_core.prediction import predict as run_predict
from nat_core.runs.folders import default_folders
from nat_core.specification import check
from nat_core.tradeoff import SHARES, Front, fronts_by
from nat_core.transformation import Options, Transformation
from nat_core.transformation import transform as run_transform

__all__ = ["cost", "diff", "draw", "export", "front", "library", "predict", "read", "transform"]

notebook.enable()
_Several = list[Architecture] | list[str] | list[Architecture | str] | tuple[Architecture | str, ...]


@dataclass(frozen=True)
class Difference:
    """The differences between two architectures.

    Attributes:
        before, after: the two architectures.
        edges: the edges whose operation differs, the normal cell's first.
        cells: all other differences.
    """

    before: Architecture
    after: Architecture
    edges: tuple[EdgeChange, ...]
    cells: tuple[CellChange, ...]

    def _repr_svg_(self) -> str:
        return notebook.on_ground(draw(self))


def read(source: str | os.PathLike[str], choice: str = "") -> Architecture:
    """Read the architecture that a text or a file contains.

    Args:
        source: a text; or a path (`pathlib.Path`) to a file: a genotype, a log, a source file, JSON, YAML.
        choice: which architecture of several in a file: a name, a number from 1, or ``last``.
    """
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"the source is {source!r:.60}; accepted: a text, or the path of a file")
    if isinstance(source, str):
        return Document(source).one(choice).architecture if choice else resolve(source)
    with Path(source).open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{source}: there are more than {MAX_BYTES:,} bytes; at most these are accepted")
    return Document(content).one(choice).architecture


def library() -> Mapping[str, Entry]:
    """Return the published architectures that come with NAT Lab by name, with source and published result."""
    return published.library()


def cost(architecture: Architecture | str, network: str | None = None, **sizes: Any) -> Cost:
    """Count the parameters and operations of the whole network, as the literature does: one multiply-add is 1.

    Args:
        network: "cifar", "imagenet" or "nasbench201"; None: the usual network of such cells.
        **sizes: `channels`, `layers`, `classes`, `resolution` (pixels), `auxiliary`; by default as published.
    """
    _check(network=network)
    given = _architecture(architecture)
    return cost_model(network_config(given, network, **sizes)).cost(given)


def draw(architecture: Architecture | Difference | str, format: Format = "svg", theme: str = "light") -> bytes:
    """Draw an architecture, or what `diff` found; return the file's content.

    Args:
        format: "svg", "png", "pdf" or "dot".
        theme: "light" or "dark", the background on which the drawing will be shown.
    """
    if isinstance(architecture, Difference):
        return draw_difference(architecture.before, architecture.after, format, theme)
    return draw_architecture(_architecture(architecture), format, theme)


def diff(before: Architecture | str, after: Architecture | str) -> Difference:
    """Compare two architectures edge by edge."""
    old, new = _architecture(before), _architecture(after)
    if reason := why_not_comparable(old, new):
        raise ValueError(f"the two cannot be compared edge by edge: {reason}")
    return Difference(old, new, difference(old, new), cell_changes(old, new))


def transform(
    architecture: Architecture | str,
    *,
    policy: str | None = None,
    max_macs: float | None = None,
    candidates: int = 10,
    network: str | None = None,
    **sizes: Any,
) -> Transformation:
    """Return the cheapest transformation on the front that is as good as the input within the standard error.

    With a budget, return the most accurate output that fits.

    Args:
        policy: a name that `policies` lists, a policy's folder, or its archive (.zip); None: the first that fits.
        max_macs: the budget in multiply-adds.
        candidates: number of the policy's proposals that are compared within each budget tried, 1 to 1,000.
        network, **sizes: the network in which multiply-adds are counted, as for `cost`.
    """
    _check(policy=policy, network=network)
    given = _architecture(architecture)
    loaded, card = catalogue.load_for(_roots(), given, policy)
    budget = None if max_macs is None else _whole("max_macs", max_macs, Real)
    counted_on = network_config(given, network, **sizes)
    options = Options(samples=_whole("candidates", candidates), max_macs=budget, network=counted_on)
    return run_transform(given, loaded, card.target_space, catalogue.accuracy_source(card, given), options)


def front(
    architecture: Architecture | str,
    *,
    policy: str | None = None,
    budgets: Sequence[float] = SHARES,
    candidates: int = 10,
    cost: str = "macs",
    network: str | None = None,
    **sizes: Any,
) -> Front:
    """Return the policy's trade-off between accuracy and cost: points from cheapest to most accurate, none dominated.

    Args:
        policy: the policy, as for `transform`.
        budgets: shares of the input's cost, more than 0 and at most 1.
        candidates: proposals within each budget, 1 to 1,000.
        cost: what budgets limit: "macs", "parameters", or a device whose latencies NAS-Bench-201 has.
        network, **sizes: the network, as for `cost`.
    """
    _check(policy=policy, cost=cost, network=network)
    if isinstance(budgets, str | bytes) or not isinstance(budgets, Iterable):
        raise ValueError(f"budgets is {budgets!r:.60}; accepted: a list of shares")
    given = _architecture(architecture)
    config = network_config(given, network, **sizes)
    count = _whole("candidates", candidates)
    found, *_ = fronts_by(_roots(), [given], policy, tuple(budgets), candidates=count, cost=cost, network=config)
    if isinstance(found, str):
        raise ValueError(found)
    return found


@overload
def predict(architectures: Architecture | str, *, policy: str | None = None) -> Prediction: ...
@overload
def predict(architectures: _Several, *, policy: str | None = None) -> tuple[Prediction, ...]: ...
def predict(
    architectures: Architecture | str | _Several, *, policy: str | None = None
) -> Prediction | tuple[Prediction, ...]:
    """Predict the accuracy of an architecture in percent, with its standard error in points; of several, in order.

    Args:
        policy: the policy whose accuracy source predicts; None: for each architecture the first policy that fits it.
    """
    _check(policy=policy)
    if isinstance(architectures, str | bytes | Architecture) or not isinstance(architectures, Iterable):
        return run_predict([_architecture(architectures)], _roots(), policy)[0]
    return run_predict([*map(_architecture, architectures)], _roots(), policy)


def export(
    architecture: Architecture | str,
    path: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    network: str | None = None,
    **sizes: Any,
) -> Path:
    """Write the whole network as a PyTorch module that needs only torch (.py), or as ONNX (.onnx); return the path.

    Args:
        weights: a state dict saved by DARTS' code or a descendant of it; None: fresh weights.
        network, **sizes: the network, as for `cost`.
    """
    _check(network=network)
    given, output = _architecture(architecture), Path(path)
    write_network(given, network_config(given, network, **sizes), output, Path(weights) if weights else None)
    return output


def _architecture(given: Architecture | str) -> Architecture:
    if isinstance(given, Architecture):
        return given
    if isinstance(given, str):
        return resolve(given)
    raise TypeError(f"an architecture is {given!r:.60}; accepted: an Architecture, or a text that names or holds one")


_TYPES: Mapping[str, Any] = MappingProxyType({"policy": str | None, "network": str | None, "cost": str})


_TOO_LARGE = 10**18


def _check(**arguments: Any) -> None:
    """Raise ValueError if an argument is of the wrong type."""
    for name, value in arguments.items():
        check(_TYPES[name], value, name)


def _whole(name: str, value: Any, kind: Any = Integral) -> int:
    """Return a number of this kind, numpy's included, without its fraction. Raises ValueError for anything else."""
    if isinstance(value, kind) and not isinstance(value, bool) and 0 <= value < _TOO_LARGE:
        return int(value)
    raise ValueError(f"{name} is {value!r:.60}; accepted: a {'whole ' if kind is Integral else ''}number from 0 on")


def _roots() -> tuple[Path, ...]:
    """Return the folders of policies: those that come with NAT Lab, then those of the user's runs."""
    return PRETRAINED, *default_folders().policy_roots

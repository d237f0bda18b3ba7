"""Loads weights saved by code of the DARTS family into the networks built here.

The originals (quark0/darts `NetworkCIFAR` and `NetworkImageNet`, and what descends from them: PC-DARTS, P-DARTS,
FairDARTS, NAT; AutoDL-Projects for NAS-Bench-201) register the same modules in the same order under other names. So
tensors are matched in order, and both tensors of a pair must have the same role (weight, running mean, …) and shape.
Weights with this project's own names are matched by name.
"""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor

from nat_core.network.networks import CellModule, CellNetwork
from nat_core.network.typed import members

SAFETENSORS = ".safetensors"
_ACCEPTED = f"accepted: a state dict as torch.save(network.state_dict(), FILE) writes it, or a {SAFETENSORS} file"
_WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net")
_NOT_COMPARED = ("num_batches_tracked", "total_ops", "total_params")  # the last two are thop's
_AUXILIARY = ("auxiliary_head", "auxiliary")

# The parts of a network in the originals' order of registration; within a part, both orders are the same.
_PARTS = ("stem", "cells", "auxiliary", "classifier")

# The originals' names in their order of registration, for files that do not keep this order.
_ORIGINAL_NAMES = (
    "stem", "stem0", "stem1", "cells", "auxiliary_head", "preprocess0", "preprocess1", "_ops", "layers", "op",
    "conv_1", "conv_2", "bn", "conv_a", "conv_b", "downsample", "features", "lastact", "classifier",
    "weight", "bias", "running_mean", "running_var",
)  # fmt: skip
_OWN_NAMES = (
    "preprocess", "operations", "carried", "straight", "shifted", "norm", "body", "shortcut", "auxiliary",
)  # fmt: skip
_KNOWN = frozenset((*_ORIGINAL_NAMES, *_OWN_NAMES))
_BY_NODES = re.compile(r"^cells\.(\d+)\._ops\.(\d+)\.(\d+)\.\d+\.")  # FairDARTS: target, source, number
_OURS = re.compile(r"^cells\.(\d+)\.operations\.(\d+)\.")


def load_weights(network: CellNetwork, file: Path | BinaryIO, name: str | None = None) -> None:
    """Load the weights in `file` into `network`.

    Args:
        network: a network with the cells and sizes of the one that was saved.
        file: a path or an open file.
        name: the file's name in error messages; its suffix tells the format. A path has its own name by default.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file holds no weights, or they do not fit.
    """
    source = name or str(file)
    try:
        found = matched(read_state(file, Path(source).suffix.lower()), network)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    network.load_state_dict({**network.state_dict(), **found})


def read_state(file: Path | BinaryIO, suffix: str) -> dict[str, Tensor]:
    """Return a file's tensors by name in order of registration, without wrappers, common prefixes and counters.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file does not hold tensors by name.
    """
    content = file.read_bytes() if isinstance(file, Path) else file.read()
    state = _unwrapped(_safetensors(content) if suffix == SAFETENSORS else _pickled_tensors(content))
    state = _without_prefix({name: tensor for name, tensor in state.items() if _leaf(name) not in _NOT_COMPARED})
    return _in_registered_order(state) if suffix == SAFETENSORS else state


def matched(state: Mapping[str, Tensor], network: CellNetwork) -> dict[str, Tensor]:
    """Return the tensors of `state` under the names of `network`.

    Raises:
        ValueError: a tensor does not fit, is missing or is left over.
    """
    ours = network.state_dict()
    names = original_order(network)
    if network.auxiliary is None:
        state = {name: tensor for name, tensor in state.items() if _first(name) not in _AUXILIARY}
    elif not any(_first(name) in _AUXILIARY for name in state):
        raise ValueError("the weights have no auxiliary head, but the network has one; leave the auxiliary head out")
    given = [name for name in names if name in state] if set(state) == set(names) else list(state)
    ends = _ends(network)
    problems = (_misfit(theirs, state[theirs], own, ours[own], ends) for theirs, own in zip(given, names, strict=False))
    problem = next(filter(None, problems), None)
    if problem is None and len(given) < len(names):
        own = names[len(given)]
        problem = f"the weights end where the network goes on with {own} {_shape(ours[own])}"
    elif problem is None and len(given) > len(names):
        theirs = given[len(names)]
        problem = f"{theirs} {_shape(state[theirs])} is one too many, the network has no more"
    if problem is not None:
        raise ValueError(f"{problem}; accepted: weights of the same cells, channels, layers and classes")
    return {own: state[theirs] for theirs, own in zip(given, names, strict=True)}


def original_order(network: CellNetwork) -> tuple[str, ...]:
    """Return the names of `network`'s parameters and statistics in the originals' order of registration.

    The order is: stem; each cell's preprocessing, then its operations in the genotype's order; auxiliary head;
    classifier.
    """
    names = (name for name in network.state_dict() if _leaf(name) not in _NOT_COMPARED)
    return tuple(sorted(names, key=lambda name: _PARTS.index(_first(name))))


def _misfit(theirs: str, given: Tensor, own: str, expected: Tensor, ends: Mapping[str, tuple[int, int]]) -> str | None:
    """Return why a tensor of the file does not match the network's tensor, or None."""
    if not given.is_floating_point() or given.layout != torch.strided or given.device.type != "cpu":
        return f"{theirs} is no dense tensor of floating-point numbers"
    if _leaf(theirs) != _leaf(own) or given.shape != expected.shape:
        return f"{theirs} is {_shape(given)} where the network has {_shape(expected)} ({own})"
    if (by_nodes := _BY_NODES.match(theirs)) and (found := _OURS.match(own)):
        target, source = int(by_nodes[2]), int(by_nodes[3])
        if (source, target) != (edge := ends[found[0]]):
            return f"{theirs} belongs to edge {source} → {target} where the network has edge {edge[0]} → {edge[1]}"
    return None


def _ends(network: CellNetwork) -> dict[str, tuple[int, int]]:
    """Return source and target of every edge that has a module, keyed by the prefix of its tensors' names."""
    return {
        f"cells.{number}.operations.{i}.": (module.cell.edges[int(i)].source, module.cell.edges[int(i)].target)
        for number, module in enumerate(members(network.cells, CellModule))
        for i in module.operations
    }


def _safetensors(content: bytes) -> dict[str, Tensor]:
    try:
        return parse_safetensors(content)
    except SafetensorError:
        raise ValueError(f"it is truncated or no safetensors file; {_ACCEPTED}") from None


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove prefixes that all names share and no network uses, such as DataParallel's ``module``."""
    words = {_first(name) for name in state}
    if len(words) != 1 or words & _KNOWN or not all("." in name for name in state):
        return state
    return _without_prefix({name.partition(".")[2]: tensor for name, tensor in state.items()})


def _in_registered_order(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Sort by name: a safetensors file does not keep the order of registration."""
    for name in state:
        if unknown := [part for part in name.split(".") if part not in _KNOWN and not part.isdecimal()]:
            raise ValueError(
                f"{name} has the word {unknown[0]!r:.40}, which DARTS' code has not, and a {SAFETENSORS} file keeps no "
                "order; accepted: the same saved by torch.save, which does"
            )
    return dict(sorted(state.items(), key=lambda item: [*map(_place, item[0].split("."))]))


def _place(part: str) -> int:
    """Return the sort key of a name's part: numbers by size, words in the originals' order of registration."""
    if part.isdecimal():
        return int(part)
    return _ORIGINAL_NAMES.index(part) if part in _ORIGINAL_NAMES else len(_ORIGINAL_NAMES)


def _pickled_tensors(content: bytes) -> Any:
    """Load a file of torch.save, allowing nothing but tensors and plain containers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle's version
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # the unpickler may raise anything on a broken or foreign file
        raise ValueError(f"it is broken, or holds more than tensors; {_ACCEPTED}") from None


def _unwrapped(value: Any) -> dict[str, Tensor]:
    """Return the state dict, which a checkpoint may hold among other entries."""
    while isinstance(value, Mapping):
        if inner := next((value[key] for key in _WRAPPERS if isinstance(value.get(key), Mapping)), None):
            value = inner
            continue
        if value and all(isinstance(name, str) and isinstance(item, Tensor) for name, item in value.items()):
            return dict(value)
        raise ValueError(f"it holds {_some(list(value))} instead of tensors by name; {_ACCEPTED}")
    raise ValueError(f"it holds a {type(value).__name__} instead of tensors by name; {_ACCEPTED}")


def _some(keys: Sequence[Any]) -> str:
    return ", ".join(f"{key!r:.40}" for key in keys[:4]) or "nothing"


def _first(name: str) -> str:
    return name.partition(".")[0]


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"

"""A model of trained cells in files: `trainings_model.json`, and beside it `cell_network.safetensors` if it has one."""

import json
from dataclasses import asdict, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from nat_core.learning.accuracies.cell_network import CellNetwork, NetworkShape
from nat_core.learning.accuracies.regressor import GraphRegressor
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.support.files import load_tensors, save_tensors, write_text
from nat_core.paths import PROJECT
from nat_core.specification import from_json, read

FILE = "trainings_model.json"
NETWORK_FILE = "cell_network.safetensors"
_MOST_BYTES = 16 << 20
_MOST_MEMBERS = 20
_DIGITS = 9
_LARGEST = 1e9


def save_trainings_model(folder: Path, model: TrainingsModel) -> Path:
    """Writes the model into `folder`; returns the JSON file."""
    if model.network is not None:
        _save_network(folder / NETWORK_FILE, model.network)
    told = {item.name: getattr(model, item.name) for item in fields(model) if item.init and item.name != "network"}
    facts = {name: _plain(value) for name, value in told.items()} | {"network": model.network is not None}
    write_text(folder / FILE, json.dumps(_rounded(facts), allow_nan=False, ensure_ascii=False) + "\n")
    return folder / FILE


def load_trainings_model(folder: Path) -> TrainingsModel:
    """The model in `folder`.

    Raises:
        ValueError: the model is broken.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"larger than {_MOST_BYTES >> 20} MiB")
        facts = from_json(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise ValueError("no JSON object")
        _check_numbers(facts)
        has_network = facts.pop("network", False) is True
        model = read(TrainingsModel, facts)
        model = replace(model, network=_load_network(folder / NETWORK_FILE)) if has_network else model
        model.check_columns()
    except (ValueError, OSError, TypeError, KeyError, RuntimeError, RecursionError, OverflowError) as error:
        raise ValueError(f"{path}: {error}; accepted: a model written by `train`") from error
    return model


@cache
def shipped_trainings_model(space: str) -> TrainingsModel:
    """Return the model that rewarded the shipped policy of a space. Raises ValueError if there is none."""
    return load_trainings_model(PROJECT / "pretrained" / space)


def _save_network(path: Path, network: CellNetwork) -> None:
    tensors = {
        f"{number}.{name}": tensor.detach().cpu().contiguous()
        for number, member in enumerate(network.members)
        for name, tensor in member.state_dict().items()
    }
    facts = {"members": len(network.members), "shape": asdict(network.shape), "operations": network.operations}
    save_tensors(path, tensors, {"cell_network": json.dumps(facts)})


def _load_network(path: Path) -> CellNetwork:
    tensors, metadata = load_tensors(path)
    facts = from_json(metadata["cell_network"])
    shape = read(NetworkShape, facts["shape"])
    count = facts["members"]
    if not isinstance(count, int) or not 1 <= count <= _MOST_MEMBERS:
        raise ValueError(f"{path.name}: members is {count!r:.60}; accepted: 1 to {_MOST_MEMBERS}")
    members = []
    for number in range(count):
        prefix = f"{number}."
        member = GraphRegressor(shape.width, shape.layers, shape.embedding)
        member.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        members.append(member.eval())
    return CellNetwork(tuple(members), shape, tuple(map(str, facts["operations"])))


def _check_numbers(value: Any) -> None:
    """Raise ValueError if a number is out of the range of all models."""
    if isinstance(value, int | float) and not abs(value) <= _LARGEST:
        raise ValueError(f"a number is {value:g}; accepted: within ±{_LARGEST:g}")
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _check_numbers(part)


def _plain(value: Any) -> Any:
    """Convert the value to JSON types."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _rounded(value: Any) -> Any:
    """Write floats with as many digits as are needed to keep their value, so that files stay small."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value

"""Checkpoints of trainings: tensors with the configuration that they belong to, written and checked in one way.

A checkpoint is a safetensors file whose metadata hold, under the kind's name, a JSON object: the format's version, the
configuration, and facts that are no tensors.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from torch import Tensor

from nat_core.learning.support.files import load_tensors, save_tensors
from nat_core.sentences import brief
from nat_core.specification import flat, from_json


class Configuration(Protocol):
    """The configuration of a training, which converts to JSON and back."""

    def to_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self: ...


@dataclass(frozen=True)
class Kind:
    """A kind of checkpoint.

    Attributes:
        name: name of its entry in the metadata.
        version: version of its format; others are refused.
        writer: the command that writes it, for messages.
    """

    name: str
    version: int
    writer: str


def save(
    path: Path, kind: Kind, config: Configuration, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> None:
    """Write a checkpoint atomically.

    Raises:
        OSError: the file cannot be written, for instance because the disk is full; the old file stays.
    """
    entry = {"format_version": kind.version, "config": config.to_dict(), **facts}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_tensors(path, plain, {kind.name: json.dumps(entry)})


@contextmanager
def loading(path: Path, kind: Kind, config: Configuration) -> Iterator[tuple[dict[str, Tensor], dict[str, Any]]]:
    """Yield the tensors and facts of a checkpoint of `config` to a block that fills a state with them.

    Raises:
        ValueError: the file is damaged, even if only the block notices it, or belongs to another configuration.
    """
    try:
        tensors, metadata = load_tensors(path)
        facts = from_json(metadata[kind.name])
        _check(facts, kind, config)
        yield tensors, facts
    except KeyError as error:
        raise ValueError(
            f"{path}: {brief(error, 100)} is missing; accepted: a checkpoint written by {kind.writer}"
        ) from error
    except (ValueError, RuntimeError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise ValueError(f"{path}: {brief(error, 300)}; accepted: a checkpoint of the same configuration") from error


def _check(facts: Mapping[str, Any], kind: Kind, config: Configuration) -> None:
    """Raise ValueError if the format version or a field of the configuration differs."""
    if facts["format_version"] != kind.version:
        raise ValueError(f"format_version is {facts['format_version']!r}, not {kind.version}")
    saved = flat(type(config).from_dict(facts["config"]).to_dict())
    for name, value in flat(config.to_dict()).items():
        if saved[name] != value:
            raise ValueError(f"{name} was {saved[name]!r:.100} and is now {value!r:.100}")


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

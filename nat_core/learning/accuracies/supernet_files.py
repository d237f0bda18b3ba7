"""Shared weights on disk: `supernet.safetensors`, and `supernet.json`, which says what they are. Never a pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field

from nat_core.architecture.spaces import SPACES
from nat_core.learning.support.files import load_tensors, save_tensors, write_text
from nat_core.network.config import NetworkConfig
from nat_core.network.supernet import Supernet
from nat_core.specification import OneOf, from_json, read, specified

FORMAT_VERSION = 1
WEIGHTS = "supernet.safetensors"
CARD = "supernet.json"
_MAX_CARD_BYTES = 1 << 20


@specified
class SupernetCard:
    """Description of shared weights.

    Attributes:
        space: space of the architectures.
        network: configuration of the network around the cells.
        data: the source of images, as `load_images` accepts it.
        data_description: the images in words.
        split_seed: seed of their split into parts.
        batch: images per evaluated batch, which give batch norms their statistics.
        training: how the weights were trained.
        format_version: version of this file's format.

    Raises:
        ValueError: the space is unknown, the format version differs, or a number is out of bounds.
    """

    space: Annotated[str, OneOf(SPACES)]
    network: NetworkConfig
    data: str
    data_description: str
    split_seed: Annotated[int, Field(ge=0, le=2**63 - 1)]
    batch: Annotated[int, Field(ge=2, le=65_536)]
    training: Mapping[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise ValueError(f"format_version is {self.format_version!r:.60}; accepted: {FORMAT_VERSION}")

    @classmethod
    def from_dict(cls, value: Any) -> "SupernetCard":
        """Read a card from a JSON object. Raises ValueError if it is not a card."""
        return read(cls, value)


def save_supernet(folder: Path, supernet: Supernet, card: SupernetCard) -> Path:
    """Writes the weights and their card into `folder`, creating it; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in supernet.state_dict().items()}
    save_tensors(folder / WEIGHTS, weights)
    write_text(folder / CARD, json.dumps(asdict(card), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return folder


def load_supernet(folder: Path, device: torch.device | str = "cpu") -> tuple[Supernet, SupernetCard]:
    """The shared weights in `folder`, in evaluation mode, and their card.

    Raises:
        ValueError: a file is missing or truncated, or does not fit.
    """
    path = folder / CARD
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise ValueError(f"larger than {_MAX_CARD_BYTES} bytes")
        card = SupernetCard.from_dict(from_json(path.read_text(encoding="utf-8")))
        supernet = Supernet(SPACES[card.space], card.network)
        path = folder / WEIGHTS
        weights, _ = load_tensors(path)
        if poisoned := [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()]:
            raise ValueError(f"the weight {poisoned[0]!r} contains NaN or infinity")
        supernet.load_state_dict(weights)
    except (ValueError, KeyError, TypeError, RuntimeError, RecursionError, OSError) as error:
        text = " ".join(str(error).split())[:300]
        raise ValueError(f"{path}: {text}; accepted: shared weights written by `train`") from error
    return supernet.to(device).eval(), card

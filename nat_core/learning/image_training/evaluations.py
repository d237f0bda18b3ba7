"""The table of architectures evaluated so far, and what a reward model is fitted on: one number for each of them.

Every round evaluates on other images, which may be easier or harder. The same first architectures, the *anchors*, are
evaluated in every round, and all of a round's accuracies are shifted by as much as its anchors differ
from the first round's. Architectures that differ in dead edges only are one, with the mean of its evaluations.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation import parse, write
from nat_core.specification import from_json


@dataclass
class Evaluations:
    """Evaluated architectures in the order in which they were.

    Attributes:
        architectures: architectures in the order of their evaluations.
        accuracies_percent: accuracy of each architecture on its round's images.
        rounds: round of each evaluation, from 0.
    """

    architectures: list[Architecture] = field(default_factory=list)
    accuracies_percent: list[float] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.architectures)

    def add(self, architectures: Sequence[Architecture], accuracies_percent: NDArray[np.float64], number: int) -> None:
        """Add the evaluations of round `number`."""
        self.architectures += architectures
        self.accuracies_percent += accuracies_percent.tolist()
        self.rounds += [number] * len(architectures)

    def comparable(self, anchors: int) -> tuple[list[Architecture], NDArray[np.float64]]:
        """Return distinct effective architectures, and their accuracies [n] as if on the first round's images.

        Args:
            anchors: number of architectures of the first round with which every later round begins.
        """
        rounds, values = np.array(self.rounds), np.array(self.accuracies_percent)
        for number in range(1, int(rounds.max(initial=0)) + 1):
            if anchors:
                shift = values[:anchors].mean() - values[rounds == number][:anchors].mean()
                values[rounds == number] += shift
        found: dict[Architecture, list[float]] = {}
        for architecture, value in zip(self.architectures, values.tolist(), strict=True):
            found.setdefault(architecture.effective, []).append(value)
        return list(found), np.array([np.mean(items) for items in found.values()])

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the table for a file: compressed texts, accuracies and rounds."""
        texts = json.dumps([_text(item) for item in self.architectures]).encode()
        return {
            "architectures": torch.frombuffer(bytearray(zlib.compress(texts, 1)), dtype=torch.uint8),
            "accuracies_percent": torch.tensor(self.accuracies_percent, dtype=torch.float64),
            "rounds": torch.tensor(self.rounds, dtype=torch.long),
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> "Evaluations":
        """The inverse of `to_tensors`."""
        texts = from_json(zlib.decompress(tensors["architectures"].numpy().tobytes()))
        architectures = [parse(text) for text in texts]
        return cls(architectures, tensors["accuracies_percent"].tolist(), tensors["rounds"].tolist())


@lru_cache(maxsize=100_000)
def _text(architecture: Architecture) -> str:
    return write(architecture, "json")

"""An accuracy source that callers must ask anew every time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracyKind, AccuracySource


class Changing:
    """An accuracy source whose `source` may be exchanged between calls, and whose answers nobody remembers."""

    stable = False

    def __init__(self, source: AccuracySource) -> None:
        self.source = source

    @property
    def kind(self) -> AccuracyKind:
        return self.source.kind

    @property
    def description(self) -> str:
        return self.source.description

    def mismatch(self, architecture: Architecture) -> str | None:
        return self.source.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        return self.source.accuracy_percent(architectures)

"""An accuracy source that callers must ask anew every time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracyKind, AccuracySource


class Changing:
    """An accuracy source whose `judge` may be exchanged between calls, and whose answers nobody remembers."""

    stable = False

    def __init__(self, judge: AccuracySource) -> None:
        self.judge = judge

    @property
    def kind(self) -> AccuracyKind:
        return self.judge.kind

    @property
    def description(self) -> str:
        return self.judge.description

    def mismatch(self, architecture: Architecture) -> str | None:
        return self.judge.mismatch(architecture)

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        return self.judge.accuracy_percent(architectures)

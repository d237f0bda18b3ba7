"""An accuracy source that answers from memory what it has been asked before."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracySource, WrappedSource


class Remembered(WrappedSource):
    """A cached accuracy source; architectures that differ only in dead edges share an entry.

    It is thread-safe: one thread at a time asks the source, so that the others find its answers in the cache.

    Args:
        source: a stable source, so that cached answers stay valid.
        most: maximum number of cached architectures; the least recently used are dropped.

    Raises:
        ValueError: the source is not stable.
    """

    def __init__(self, source: AccuracySource, most: int = 4096) -> None:
        if not source.stable:
            raise ValueError("only a stable source can be remembered; this one's accuracies change")
        super().__init__(source)
        self._most = most
        self._known: OrderedDict[Architecture, float] = OrderedDict()
        self._memory, self._asking = Lock(), Lock()

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return accuracies, shape [n]; the source evaluates those not cached together. Raises ValueError like it."""
        effective = [item.effective for item in architectures]
        distinct = dict.fromkeys(effective)
        known = self._recalled(distinct)
        if len(known) < len(distinct):
            with self._asking:
                known |= self._recalled(item for item in distinct if item not in known)
                if unknown := [item for item in distinct if item not in known]:
                    known |= zip(unknown, self.source.accuracy_percent(unknown).tolist(), strict=True)
                self._remember(known)
        return np.array([known[item] for item in effective], dtype=np.float64)

    def _recalled(self, items: Iterable[Architecture]) -> dict[Architecture, float]:
        """Return the cached ones and mark them as the most recently used."""
        found = {}
        with self._memory:
            for item in items:
                if item in self._known:
                    found[item] = self._known[item]
                    self._known.move_to_end(item)
        return found

    def _remember(self, known: Mapping[Architecture, float]) -> None:
        with self._memory:
            for item, value in known.items():
                self._known[item] = value
                self._known.move_to_end(item)
            while len(self._known) > self._most:
                self._known.popitem(last=False)

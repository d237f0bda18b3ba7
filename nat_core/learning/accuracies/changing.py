"""An accuracy source that callers must ask anew every time."""

from nat_core.learning.accuracy import WrappedSource


class Changing(WrappedSource):
    """An accuracy source whose `source` may be exchanged between calls, and whose answers nobody remembers."""

    stable = False

"""Asked to stop by Ctrl-C or by another process."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """A question that is true once SIGINT or SIGTERM has come; a second one ends the process at once.

    Only in the main thread, which alone receives signals.
    """
    stopped = threading.Event()

    def stop(number: int, _frame: Any) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

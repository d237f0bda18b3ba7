"""A run's own process as a driver of the cluster that it works on."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def connected() -> Iterator[None]:
    """Within it, this process is a driver; Ray takes the signals, which the run needs to be stopped."""
    import ray

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ray.init(address="auto", log_to_driver=False, logging_level=logging.ERROR)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    try:
        yield
    finally:
        ray.shutdown()

"""Limits each answer to one processor thread, since answers are computed concurrently.

By default, torch splits an operation among as many threads as processors, which synchronise in busy loops. That gains
nothing on matrices as small as a policy's, and multiplies an answer's processor time if other answers or programs keep
the processors busy; `benchmarks.visitors` reports that time.
"""

import sys

_usual = 1


def one() -> None:
    """Make torch use one thread from now on; do nothing before torch is imported.

    This affects the calling thread, and threads that have not computed yet.
    """
    global _usual
    torch = sys.modules.get("torch")
    if not hasattr(torch, "set_num_threads"):  # another visitor's page is importing it
        return
    _usual = max(_usual, torch.get_num_threads())
    torch.set_num_threads(1)


def usual() -> int:
    """Return torch's default number of threads, for background computations."""
    return _usual

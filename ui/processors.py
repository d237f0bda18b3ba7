"""How many processor threads an answer takes: one, because others are asked for at the same time.

Torch splits an operation among as many threads as there are processors, and they wait for each other in busy loops. On
matrices as small as a policy's that gains nothing. Where other answers, or other programs, keep the processors busy, it
multiplies the processor time of an answer; `benchmarks.visitors` prints that time.
"""

import sys

_usual = 1


def one() -> None:
    """Lets torch use one thread from now on; nothing happens before torch is imported.

    It holds for the calling thread, and for those that have not computed yet.
    """
    global _usual
    torch = sys.modules.get("torch")
    if not hasattr(torch, "set_num_threads"):  # another visitor's page is importing it
        return
    _usual = max(_usual, torch.get_num_threads())
    torch.set_num_threads(1)


def usual() -> int:
    """Threads that torch would use by itself, for what is computed in the background."""
    return _usual

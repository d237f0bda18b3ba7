"""How often a process looks for garbage: seldom while it starts, for what imports bring about stays.

Importing torch and MLflow makes a million objects. Python would search them again and again meanwhile, which takes a
quarter of the start of a run's process.
"""

import gc

_SELDOM = 50_000
_usual = gc.get_threshold()


def search_seldom() -> None:
    """For a process that starts, and for one that somebody else tells when to search."""
    global _usual
    if gc.get_threshold()[0] != _SELDOM:
        _usual = gc.get_threshold()
        gc.set_threshold(_SELDOM, *_usual[1:])


def search_as_usual() -> None:
    """For work that may go on for days; what was brought about until now is not searched again."""
    if gc.get_threshold()[0] == _SELDOM:
        gc.freeze()
        gc.set_threshold(*_usual)

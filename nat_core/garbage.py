"""How often a process collects garbage: rarely while it starts, because imported objects stay alive.

Importing torch and MLflow creates a million objects, which Python would search again and again during the imports.
`python -m benchmarks.startup` prints what that costs.
"""

import gc

_SELDOM = 500_000
_usual = gc.get_threshold()


def search_seldom() -> None:
    """Collect garbage rarely: in a process that starts, or whose caller decides when to collect."""
    global _usual
    if gc.get_threshold()[0] != _SELDOM:
        _usual = gc.get_threshold()
        gc.set_threshold(_SELDOM, *_usual[1:])


def search_as_usual() -> None:
    """Collect garbage at Python's usual rate again, and never search the objects that exist now."""
    if gc.get_threshold()[0] == _SELDOM:
        gc.freeze()
        gc.set_threshold(*_usual)

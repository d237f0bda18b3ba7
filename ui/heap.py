"""Keeps the collection of garbage short, which Streamlit forces after every run of a script.

A collection looks at every object there is, and torch, MLflow and Plotly bring about a million that live as long as the
server. Nobody is answered meanwhile. Frozen objects are not looked at any more; `benchmarks.interactions` measures
both.
"""

import gc
import sys
import threading

_lock = threading.Lock()
_modules = 0


def settle() -> bool:
    """Freezes what is alive if modules have been imported since it last did; says whether it did.

    Garbage is collected first, for what is frozen is freed only when nothing refers to it.
    """
    global _modules
    with _lock:
        if len(sys.modules) <= _modules:
            return False
        gc.collect()
        gc.freeze()
        _modules = len(sys.modules)
        return True

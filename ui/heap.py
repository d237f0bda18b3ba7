"""Keeps the collections of garbage short and rare that Streamlit forces after runs of a script.

A collection looks at every object there is, and nobody is answered meanwhile. Torch, MLflow and Plotly bring about a
million that live as long as the server: once frozen, they are not looked at any more. What is remembered for the next
visitor grows to as many again, and goes again when others take its place: it is looked at, but only so often that
collections take a small share of the processor time. `benchmarks.interactions` measures what freezing saves.
"""

import gc
import sys
import threading
import time
from typing import Any

from streamlit import config

_SHARE = 0.05  # of the server's processor time that collections may take; garbage comes with its work, not with time
_OPTION = "runner.postScriptGC"
_lock = threading.Lock()
_modules = 0
_began = _due = 0.0


def settle() -> bool:
    """Called at the end of each run of a script: lets Streamlit collect garbage after it if that is due.

    Freezes what is alive if modules have been imported since it last did; says whether it did. Garbage is collected
    first, for what is frozen is freed only when nothing refers to it.
    """
    global _modules
    config.set_option(_OPTION, time.process_time() >= _due, "garbage")
    with _lock:
        if len(sys.modules) <= _modules:
            return False
        gc.collect()
        gc.freeze()
        _modules = len(sys.modules)
        return True


def _timed(phase: str, info: dict[str, Any]) -> None:
    """Told by Python of each collection: the longer one of all objects took, the later the next is due."""
    global _began, _due
    if info["generation"] < 2:
        return
    if phase == "start":
        _began = time.thread_time()
    else:
        _due = time.process_time() + (time.thread_time() - _began) * (1 / _SHARE - 1)


gc.callbacks.append(_timed)

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
_modules = _frozen = 0
_began = _due = 0.0


def settle() -> bool:
    """Let Streamlit collect garbage after this run of a script if that is due, and freeze what imports have brought.

    A run that has imported something is a page's first: the browser waits for the page's parts from this process, so
    the next run collects and freezes instead. Garbage is collected first, for what is frozen is freed only when nothing
    refers to it.

    Returns:
        Whether this call has frozen anything.
    """
    global _modules, _frozen
    with _lock:
        has_imported = len(sys.modules) > _modules
        _modules = len(sys.modules)
        config.set_option(_OPTION, not has_imported and time.process_time() >= _due, "garbage")
        if has_imported or _frozen == _modules:
            return False
        gc.collect()
        gc.freeze()
        _frozen = _modules
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

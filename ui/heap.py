"""Keeps the garbage collections short and rare that Streamlit forces after runs of a script.

A collection traverses all objects and blocks all answers. Torch, MLflow and Plotly create about a million objects that
live as long as the server; frozen objects are no longer traversed. Caches for visitors grow to as many again, and their
entries are replaced: they are traversed, but so rarely that collections take a small share of the processor time.
`benchmarks.interactions` measures what freezing saves.
"""

import gc
import sys
import threading
import time
from typing import Any

from streamlit import config

_SHARE = 0.05  # collections' share of the server's processor time; garbage grows with work, not with time
_OPTION = "runner.postScriptGC"
_lock = threading.Lock()
_modules = _frozen = 0
_began = _due = 0.0


def settle() -> bool:
    """Let Streamlit collect garbage after this run of a script if that is due, and freeze the objects of imports.

    A run that has imported modules is a page's first: the browser still waits for files from this process, so the next
    run collects and freezes instead. Collection precedes freezing, since frozen garbage cycles would never be freed.

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
    """Called by Python around each collection: the longer a full collection took, the later the next is due."""
    global _began, _due
    if info["generation"] < 2:
        return
    if phase == "start":
        _began = time.thread_time()
    else:
        _due = time.process_time() + (time.thread_time() - _began) * (1 / _SHARE - 1)


gc.callbacks.append(_timed)

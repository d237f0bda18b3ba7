"""Times, sizes and commands as people read them."""

import os
import re
import shlex
import sys
from pathlib import Path


def duration(seconds: float | None) -> str:
    """Return ``45 s``, ``12 min``, ``3.2 h`` or ``2.4 days``; "" for None."""
    if seconds is None:
        return ""
    for limit, unit, form in _UNITS:
        if seconds < limit:
            return f"{form.format(seconds / unit[0])} {unit[1]}"
    return f"{seconds / 86_400:,.1f} days"


_UNITS = (
    (99.5, (1, "s"), "{:.0f}"),
    (99.5 * 60, (60, "min"), "{:.0f}"),
    (48 * 3600, (3600, "h"), "{:.1f}"),
)


def gigabytes(count: float) -> str:
    """Return a size such as ``1.2 GB``."""
    return f"{count / 2**30:.1f} GB"


def runnable(command: str) -> str:
    """Return a recorded command line with this environment's Python, which may not be on the PATH."""
    folder, python = Path.cwd(), Path(sys.executable)
    here = os.fspath(python.relative_to(folder) if python.is_relative_to(folder) else python)
    return re.sub(r"(?<!\S)python(?= -m nat_core )", lambda _: shlex.quote(here), command, count=1)

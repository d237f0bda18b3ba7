"""What a log says has gone wrong."""

import re
from collections.abc import Sequence

_ERROR = re.compile(r"\b(\w*Error|Exception|Traceback|failed|lost|killed|could not|WARNING|Warning)\b")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ")


def errors_of(lines: Sequence[str]) -> list[str]:
    """The lines that tell of errors; a traceback's all belong to it."""
    found: list[str] = []
    inside = False
    for line in lines:
        starts = _STAMP.match(line) is not None
        if "Traceback (most recent call last)" in line:
            inside = True
        elif starts:
            inside = False
        if inside or _ERROR.search(line):
            found.append(line)
    return found

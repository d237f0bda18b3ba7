"""Finds the places in a text where an architecture may begin, and reads the values there.

Nothing is evaluated. Places that cannot be read are skipped, so an architecture may be surrounded by any other text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nat_core.architecture.notation.benchmarks import ENAS_LENGTH
from nat_core.architecture.notation.formats import Format, format_of
from nat_core.architecture.notation.values import Call, Reader, Unreadable

# A value may begin with a NAS-Bench-201 string, a field of a genotype, a call, a bracket, or a row of 40 numbers.
_START = re.compile(
    r"""
    (?P<string>\|\s*[A-Za-z_][\w./-]{0,39}~)
    | (?<![\w/:.])(?P<field>["']?[\w/:.]{0,80}?(?:normal|reduc|recurrent)[\w/]{0,40}["']?\s*[:=]\s*(?=[\[({"'\w-]))
    | (?<![\w.])(?P<call>(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*[ ]?\()
    | (?P<bracket>[\[({])
    | (?<![\w.:])(?P<numbers>\d{1,2}(?:[ \t\r\n,\[\]]+\d{1,2}){39,}(?![\w.]))
    """,
    re.VERBOSE,
)
_GROUP = r"\|(?:\s*[\w./-]{1,40}\s*~\s*\d{1,2}\s*\|)+"
_CELL_STRING = re.compile(rf"{_GROUP}(?:\s*\+\s*{_GROUP})*(?!\s*\+\s*\||\s*[\w./-]{{1,40}}~)")
_CELL_LINE = re.compile(r"[^\n'\"`]*")
# A genotype contains an operation with its source; source code that only computes a genotype does not.
_EDGE = re.compile(r"[\[(]\s*[\"'][\w ]+[\"']\s*,\s*(?:[\w.]+\()?\d")
_CLOSING = re.compile(r"[)\]}]")
_BRACKET = re.compile(r"[()\[\]{}]")
_FIELD_LINE = re.compile(r"\n[ \t]*[\"']?(?:normal|reduc)\w*[\"']?\s*[:=]")
_MAX_DEPTH = 8
# The cost of an attempt that fails because of its depth, in characters.
_DEEP_COST = 100
_MAX_DAMAGE = 64 * 1024
_MAX_QUOTED = 2
_STRAIGHT = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u2212": "-"})


@dataclass(frozen=True)
class Candidate:
    """A value in a known notation, found but not yet read.

    Attributes:
        value: the value as plain data.
        format: its notation.
        name: the key under which a dict contains it, or "".
        position: its offset in characters.
    """

    value: Any
    format: Format
    name: str
    position: int


@dataclass(frozen=True)
class Damaged:
    """An architecture that cannot be read completely.

    Attributes:
        fault: what is wrong, and where.
        position: its offset in characters.
    """

    fault: Unreadable
    position: int


@dataclass(frozen=True)
class Other:
    """A value in no known notation."""

    value: Any
    position: int


def scan(text: str) -> Iterator[Candidate | Damaged | Other | Unreadable]:
    """Yield the text's values in order; a place that cannot be read yields the error raised there."""
    text = text.translate(_STRAIGHT)
    reader, position = Reader(text), 0
    # Failed attempts may cost as much as reading the text twice; after that, a bracket alone no longer starts one.
    allowance = 2 * len(text) + 50_000
    while match := _START.search(text, position):
        if match["bracket"] and allowance < 0:
            position = match.end()
            continue
        try:
            value, end = _value(reader, match)
        except Unreadable as fault:
            allowance -= _DEEP_COST if fault.too_deep else max(fault.position - match.start(), 10)
            damaged = _is_damage(text, match, fault)
            yield Damaged(fault, match.start()) if damaged else fault
            position = _end_of_damage(text, match, fault) if damaged else _next_start(text, match, fault)
        else:
            yield from _within(value, "", match.start())
            position = max(end, match.start() + 1)


def _value(reader: Reader, match: re.Match[str]) -> tuple[Any, int]:
    start = match.start()
    if match["string"]:
        # An incomplete string is taken to the end of its line, so that reading it reports what is wrong.
        whole = _CELL_STRING.match(reader.text, start) or _CELL_LINE.match(reader.text, start)
        return (whole.group().strip(), whole.end()) if whole else ("", match.end())
    if match["numbers"]:
        return _arcs(match["numbers"]), match.end()
    if match["field"]:
        return reader.fields(start)
    return reader.value(start)


def _arcs(text: str) -> list[Any]:
    """Return a text's numbers as one list, or, if its lines have 20 or 40 numbers each, as lists of 40."""
    lines = [[int(number) for number in re.findall(r"\d+", line)] for line in text.splitlines()]
    numbers = [number for line in lines for number in line]
    if len(numbers) > ENAS_LENGTH and {len(line) for line in lines} <= {20, ENAS_LENGTH}:
        return [numbers[start : start + ENAS_LENGTH] for start in range(0, len(numbers), ENAS_LENGTH)]
    return numbers


def _is_damage(text: str, match: re.Match[str], fault: Unreadable) -> bool:
    """Whether the fault is in an architecture rather than in source code or prose."""
    if not match["field"] and "enotype" not in (match["call"] or ""):
        return False
    end = len(text) if fault.truncated else fault.position
    return _EDGE.search(text, match.start(), end) is not None


def _end_of_damage(text: str, match: re.Match[str], fault: Unreadable) -> int:
    """Return the end of a damaged architecture, so that its other fields are not mistaken for another one."""
    if fault.truncated:
        return len(text)
    depth = 0
    for bracket in _BRACKET.finditer(text, match.start(), match.start() + _MAX_DAMAGE) if match["call"] else ():
        depth += 1 if bracket.group() in "([{" else -1
        if depth == 0:
            return max(bracket.end(), fault.position)
    line_end = text.find("\n", fault.position)
    while line_end >= 0 and _FIELD_LINE.match(text, line_end):
        line_end = text.find("\n", line_end + 1)
    return line_end if line_end >= 0 else len(text)


def _next_start(text: str, match: re.Match[str], fault: Unreadable) -> int:
    """Return where to continue after a fault: inside a call's brackets, after a field's sign, or one character on."""
    if fault.too_deep and not _CLOSING.search(text, match.start(), fault.position):
        return max(
            fault.position, match.start() + 1
        )  # no value ended before this position, so no complete one is skipped
    if match["call"]:
        return match.end() - 1
    return match.end() if match["field"] or match["string"] else match.start() + 1


def candidates(value: Any) -> Iterator[Candidate]:
    """Yield the architectures in a plain value that makes up a whole text."""
    return (hit for hit in _within(value, "", 0) if isinstance(hit, Candidate))


def _within(value: Any, name: str, position: int, depth: int = 0, quoted: int = 0) -> Iterator[Candidate | Other]:
    """Yield the architectures in a value: the value itself, or those in its lists, dicts and strings."""
    if format := format_of(value):
        own = value.get("name") if isinstance(value, Mapping) else None
        yield Candidate(value, format, own if isinstance(own, str) else name, position)
        return
    found = False
    for key, item in _items(value) if depth < _MAX_DEPTH else ():
        for inner in _within(item, key or name, position, depth + 1, quoted):
            found = found or isinstance(inner, Candidate)
            if isinstance(inner, Candidate):
                yield inner
    if isinstance(value, str) and quoted < _MAX_QUOTED and _START.search(value):
        for hit in scan(value):
            if isinstance(hit, Candidate):
                found = True
                yield Candidate(hit.value, hit.format, hit.name or name, position)
    if not found and depth == 0:
        yield Other(value, position)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from (("", item) for item in value)
    elif isinstance(value, Call):
        yield from (("", item) for item in value.arguments)
        yield from value.fields.items()

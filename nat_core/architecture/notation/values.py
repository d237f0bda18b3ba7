"""From text to plain values: reads literals of Python, JSON and YAML's flow style without evaluating anything.

A value may begin anywhere in a text, so timestamps, prompts or quotes around it do not matter. Reading takes linear
time: every character is read once per level of nesting, and the number of levels is bounded.
"""

import re
from dataclasses import dataclass, field
from typing import Any

MAX_NESTING = 12
MAX_NODE_NUMBER = 99
ACCEPTED = (
    "accepted: Genotype(normal=[…], normal_concat=…, reduce=[…], reduce_concat=…), a NAS-Bench-201 string "
    "|op~0|+|op~0|op~1|+|…|, and the other notations in docs/notations.md"
)


class Bare(str):
    """A word without quotes: a string in YAML, a variable in source code."""

    __slots__ = ()


@dataclass(frozen=True)
class Call:
    """A call as written, ``name(arguments, field=value)``; it is never executed."""

    name: str
    arguments: list[Any] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)


class Unreadable(ValueError):
    """A value that cannot be read.

    Attributes:
        position: offset in the text in characters.
        reason: what is wrong at this position.
        truncated: whether the text ended before the value did.
        too_deep: whether brackets are nested too deep.
    """

    def __init__(self, position: int, reason: str, truncated: bool = False, too_deep: bool = False) -> None:
        super().__init__(reason)
        self.position, self.reason, self.truncated, self.too_deep = position, reason, truncated, too_deep


def noun(value: Any) -> str:
    """Name the type of `value` for a sentence: "list", "whole number", …"""
    names = {
        list: "list",
        str: "string",
        Bare: "word",
        int: "whole number",
        dict: "dict",
        float: "decimal number",
        bool: "truth value",
    }
    return names.get(type(value), "missing value" if value is None else type(value).__name__.lower())


def shown(value: Any) -> str:
    """Return `value` as text, shortened to fit into a sentence."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# The prefix that a log or a terminal may put before each line of a wrapped value.
_LINE_PREFIX = (
    r"(?:[ \t]*(?:>>>|\.\.\.|>)[ \t])?"
    r"(?:[ \t]*[\[(]?\d{2,4}[-/]\d{2}(?:[-/]\d{2,4})?[ T]\d{2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?:[ ]?[AP]M)?[\])]?"
    r"(?:[ \t]*[-|:]?[ \t]*\[?\b(?:DEBUG|INFO|WARNING|ERROR|root)\b\]?)*[ \t]*[-|:>]*)?"
)
_SPACE = re.compile(rf"(?:[ \t\r\f\v]+|#[^\n]*|\\?\n{_LINE_PREFIX})*")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?[jLl]?(?!\w)")
_STRING = re.compile(
    r"""[rRbBuU]{0,2}(?:'''((?:[^\\]|\\.)*?)'''|\"{3}((?:[^\\]|\\.)*?)\"{3}|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")""",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_][\w./]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}
_CONSTANTS = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None, "NaN": None}
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_SEQUENCES = frozenset({"list", "tuple", "set", "array", "asarray", "tensor", "deque", "frozenset"})
_NUMBERS = re.compile(r"(?:u?int|float)(?:\d{1,2})?_?|tensor")


class Reader:
    """Reads values from one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def value(self, position: int) -> tuple[Any, int]:
        """Return the value that begins at `position`, and the position where it ends.

        Raises:
            Unreadable: no value begins there.
        """
        return self._value(position, 0)

    def fields(self, position: int) -> tuple[dict[str, Any], int]:
        """Read one or more consecutive ``key: value`` or ``key=value`` fields, separated by commas or newlines.

        Raises:
            Unreadable: a field's value cannot be read, or continues as an expression in source code.
        """
        found: dict[str, Any] = {}
        end = position
        while key := self._field_key(end):
            name, start = key
            if name in found:
                break
            found[name], after = self._value(start, 1)
            end = self._skip(after)
            if self.text[end : end + 1] == ",":
                end = self._skip(end + 1)
            elif self.text[after : after + 1] in _OPERATORS or self.text[end : end + 1] in _OPERATORS:
                raise Unreadable(end, f"{self.text[end : end + 1]!r} is found where the next field should be")
        if not found:
            raise Unreadable(position, "no field begins here")
        return found, end

    def _skip(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def _value(self, position: int, depth: int) -> tuple[Any, int]:
        if depth > MAX_NESTING:
            raise Unreadable(position, f"brackets are nested deeper than {MAX_NESTING}", too_deep=True)
        text = self.text
        start = text[position : position + 1]
        if start in ("[", "("):
            items, _, end = self._items(position, depth)
            return items, end
        if start == "{":
            return self._braces(position, depth)
        if number := _NUMBER.match(text, position):
            return _number(number.group(), position), number.end()
        if string := _STRING.match(text, position):
            body = next(group for group in string.groups() if group is not None)
            return _unescaped(body), string.end()
        if word := _WORD.match(text, position):
            return self._word(word, depth)
        if not start:
            raise Unreadable(position, "the text ends where a value should be", truncated=True)
        raise Unreadable(position, f"{start!r} is no value")

    def _word(self, word: re.Match[str], depth: int) -> tuple[Any, int]:
        name, end = word.group(), word.end()
        if name in _CONSTANTS:
            return _CONSTANTS[name], end
        opening = self._skip(end) if self.text[end : end + 1] in (" ", "(") else end
        if self.text[opening : opening + 1] != "(":
            return Bare(name), end
        items, fields, end = self._items(opening, depth)
        return _called(Call(name.rpartition(".")[2], items, fields), word.start()), end

    def _items(self, position: int, depth: int) -> tuple[list[Any], dict[str, Any], int]:
        """Read the items and ``name=value`` fields within one pair of brackets."""
        closing = _CLOSING[self.text[position]]
        items: list[Any] = []
        fields: dict[str, Any] = {}
        end = self._skip(position + 1)
        while self.text[end : end + 1] != closing:
            key = _KEYWORD.match(self.text, end) if closing == ")" else None
            if key:
                if key.group(1) in fields:
                    raise Unreadable(end, f"the field {key.group(1)!r} is given twice")
                fields[key.group(1)], end = self._value(self._skip(key.end()), depth + 1)
            else:
                value, end = self._value(end, depth + 1)
                items.append(value)
            end = self._separator(end, closing, position)
        return items, fields, end + 1

    def _braces(self, position: int, depth: int) -> tuple[Any, int]:
        """Read a dict, or a set as a list."""
        found: dict[str, Any] = {}
        items: list[Any] = []
        end = self._skip(position + 1)
        while self.text[end : end + 1] != "}":
            value, after = self._value(end, depth + 1)
            colon = self._skip(after)
            if self.text[colon : colon + 1] == ":":
                found[_key(value, end)], after = self._value(self._skip(colon + 1), depth + 1)
            else:
                items.append(value)
            end = self._separator(after, "}", position)
        if found and items:
            raise Unreadable(position, "a dict with items that have no key")
        return items or found, end + 1

    def _field_key(self, position: int) -> tuple[str, int] | None:
        """Return the key at `position` and where its value begins; None if there is no key followed by ``:`` or
        ``=``.
        """
        match = _FIELD_KEY.match(self.text, position)
        return (match[1], self._skip(match.end())) if match else None

    def _separator(self, position: int, closing: str, opened: int) -> int:
        end = self._skip(position)
        mark = self.text[end : end + 1]
        if mark == ",":
            return self._skip(end + 1)
        if mark == closing:
            return end
        if not mark:
            raise Unreadable(opened, "the text ends before this bracket is closed", truncated=True)
        raise Unreadable(end, f"{mark!r} is found where a comma or {closing!r} should be")


_KEYWORD = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)")
_FIELD_KEY = re.compile(r"[\"']?([A-Za-z_][\w./:]*?)[\"']?\s*[:=](?!=)")
_OPERATORS = tuple("*+-/.[(%&<")


def _number(text: str, position: int) -> int | float:
    digits = text.rstrip("jLl")
    if len(digits) > 40:
        raise Unreadable(position, "a number has more than 40 digits")
    return float(digits) if set(digits) & set(".eE") else int(digits)


def _unescaped(body: str) -> str:
    if "\\" not in body:
        return body
    return _ESCAPE.sub(
        lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 5 else _ESCAPED.get(m[1], m[1]),
        body,
    )


def _key(value: Any, position: int) -> str:
    if isinstance(value, str | int | float | bool):
        return str(value)
    raise Unreadable(position, f"a {noun(value)} is no key of a dict")


def _called(call: Call, position: int) -> Any:
    """Return the plain value of a few known calls: range(2, 6), np.int64(2), list(…), dict(…)."""
    only = call.arguments[0] if call.arguments else None
    if call.name == "range":
        return _range(call, position)
    if _NUMBERS.fullmatch(call.name) and type(only) in (int, float):
        return only
    if call.name in _SEQUENCES and isinstance(only, list):
        return only
    if call.name in ("dict", "OrderedDict") and not call.arguments:
        return call.fields
    if call.name in ("dict", "OrderedDict") and isinstance(only, dict):
        return only | call.fields
    if call.name == "OrderedDict" and isinstance(only, list) and all(isinstance(i, list) and len(i) == 2 for i in only):
        return {_key(key, position): value for key, value in only}
    return call


def _range(call: Call, position: int) -> list[int]:
    bounds = call.arguments
    legal = all(type(bound) is int and 0 <= bound <= MAX_NODE_NUMBER for bound in bounds)
    if not legal or not 1 <= len(bounds) <= 2 or call.fields:
        raise Unreadable(position, f"range needs one or two whole numbers from 0 to {MAX_NODE_NUMBER}")
    return list(range(*bounds))

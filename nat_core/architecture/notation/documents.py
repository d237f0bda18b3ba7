"""Texts that contain architectures anywhere: logs, source files, JSON, YAML, Markdown, one pasted line.

A text longer than a megabyte is searched for telltale words only, and an architecture in it is read only on request.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation import block_yaml
from nat_core.architecture.notation.formats import not_an_architecture
from nat_core.architecture.notation.refusals import Refusal, refusal_in, refusal_of
from nat_core.architecture.notation.scanning import Candidate, Damaged, Other, candidates, scan
from nat_core.architecture.notation.values import ACCEPTED, Bare, Unreadable

MAX_BYTES = 64 * 1024 * 1024
# No single architecture is longer than this, including indentation and comments.
MAX_ARCHITECTURE_BYTES = 64 * 1024
_THOROUGH_BYTES = 1024 * 1024
_SHOWN_NAMES = 40

# Unrelated lists of numbers may look like these notations, so they count only if nothing else is found.
_PLAIN = frozenset({"enas", "compact", "structure", "fields"})
_NAME = re.compile(
    r"""(?P<name>[A-Za-z_][\w.-]*)["']?\s*(?::\s*[A-Za-z_][\w.\[\], |]*(?==))?[:=]\s*
        [rfbu]?["'`]*(?:[\w.]*\s*\(|\{)?\s*["']?$""",
    re.VERBOSE,
)
_LINE_START = re.compile(r"\s*(?:>>>\s|-\s|\$\s|export\s|\{)?\s*[\"']?")
_ALIAS = re.compile(r"^[ \t]*([A-Za-z_]\w*)[ \t]*(?::[^=\n]*)?=[ \t]*([A-Za-z_][\w.]*)[ \t]*(?:#.*)?\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """An architecture in a text.

    Attributes:
        architecture: the architecture.
        name: its name in the text, or "".
        line: the line where it begins, counted from 1.
        notation: the name of its notation.
        notes: short sentences about what was chosen or ignored.
    """

    architecture: Architecture
    name: str
    line: int
    notation: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Entry:
    """A place in a text where an architecture begins.

    Attributes:
        position: its offset in characters, or in bytes for a long text.
        name: the name given by an assignment at the beginning of a line or by a key, or "".
        content: the value, or why it cannot be read; in a long text None until it is needed.
    """

    position: int
    name: str
    content: Candidate | Damaged | None = None


class Document:
    """The architectures of one text, in order.

    Raises:
        ValueError: the text is longer than `MAX_BYTES`, or the content is not text.
    """

    def __init__(self, content: str | bytes) -> None:
        data = content.encode("utf-8", errors="replace") if isinstance(content, str) else _utf8(content)
        if len(data) > MAX_BYTES:
            raise ValueError(f"the text has {len(data):,} bytes; at most {MAX_BYTES:,} are accepted")
        self._data = data
        self._is_long = len(data) > _THOROUGH_BYTES

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which an architecture can be chosen, aliases included; empty for a log."""
        return tuple(self._named) if len(set(self._named.values())) > 1 else ()

    def lines(self) -> list[tuple[int, str]]:
        """The lines that are neither empty nor comments, with their numbers; empty for a long text."""
        lines = [] if self._is_long else enumerate(self._text.splitlines(), start=1)
        return [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]

    def choices(self, most: int) -> tuple[str, ...]:
        """The names or numbers by which architectures can be chosen, in order; at most the last `most`."""
        return (self.names or tuple(str(number + 1) for number in range(len(self._entries))))[-most:]

    @cached_property
    def refusal(self) -> Refusal | None:
        """The refused format that the text is in; None if it contains an architecture or is in no known format."""
        if self._entries or self._is_long:
            return None
        others = (refusal_of(hit.value) for hit in self._hits if isinstance(hit, Other))
        return next(filter(None, others), None) or refusal_in(self._text)

    def one(self, choice: str = "") -> Found:
        """Return the chosen architecture, or else the only one, or the last one of a log.

        Args:
            choice: a name, a number from 1, "first" or "last".

        Raises:
            ValueError: there is no architecture, it is faulty, or a name must be chosen.
        """
        if not self._entries:
            raise self._nothing()
        if choice:
            return self._chosen(choice)
        if self.names:
            raise ValueError(
                f"the text holds {len(self.names)} architectures ({_listed(self.names)}); choose one by its name"
            )
        return self._numbered(len(self._entries))

    def all(self) -> list[Found]:
        """Return every architecture in the text's order, then those named by aliases.

        Raises:
            ValueError: there is no architecture, or one is faulty.
        """
        if not self._entries:
            raise self._nothing()
        aliases = {name: entry for name, entry in self._named.items() if name != entry.name}
        numbered = [self._numbered(number) for number in range(1, len(self._entries) + 1)]
        return [*numbered, *(replace(self._read(entry), name=name) for name, entry in aliases.items())]

    def _chosen(self, choice: str) -> Found:
        if choice in self._named:
            return replace(self._read(self._named[choice]), name=choice)
        total = len(self._entries)
        number = {"first": 1, "last": total}.get(choice)
        if number is None and choice.isascii() and choice.isdigit() and len(choice) <= 9:
            number = int(choice)
            if not 1 <= number <= total:
                raise ValueError(f"there is no architecture {number}; accepted: 1 to {total}, first or last")
        if number is None:
            known = f"{_listed(tuple(self._named))}, " if self._named else ""
            raise ValueError(f"no architecture is called {choice!r:.60}; accepted: {known}1 to {total}, first or last")
        return self._numbered(number)

    def _numbered(self, number: int) -> Found:
        total = len(self._entries)
        if total == 1:
            return self._read(self._entries[0])
        try:
            found = self._read(self._entries[number - 1])
        except ValueError as error:
            raise ValueError(f"architecture {number} of {total}: {error}") from None
        note = f"architecture {number} of {total} is read, at line {found.line:,}"
        return replace(found, notes=(note, *found.notes))

    def _read(self, entry: _Entry) -> Found:
        content = entry.content or self._candidate_at(entry.position)
        if isinstance(content, Damaged):
            raise self._placed(content.fault, content.position if self._is_long else content.fault.position)
        try:
            architecture, notes = content.format.read(content.value)
        except ValueError:
            if refusal := refusal_of(content.value):
                raise ValueError(refusal.sentence) from None
            raise
        return Found(architecture, entry.name, self._line(entry.position), content.format.name, notes)

    @cached_property
    def _named(self) -> Mapping[str, _Entry]:
        """Entries by name if the text is like a source file; empty for a log, which repeats the same few names."""
        named = {entry.name: entry for entry in self._entries if entry.name}
        if len(self._entries) > 2 * len(named):
            return {}
        if named and not self._is_long:
            for alias, target in _ALIAS.findall(self._text):
                if (known := target.rpartition(".")[2]) in named:
                    named.setdefault(alias, named[known])
        return named

    @cached_property
    def _entries(self) -> Sequence[_Entry]:
        if self._is_long:
            return [_Entry(position, self._name_before(position)) for position in _tell_tales(self._data)]
        found = [hit for hit in self._hits if isinstance(hit, Candidate | Damaged)]
        clear = [hit for hit in found if isinstance(hit, Damaged) or hit.format.name not in _PLAIN] or found
        live = [hit for hit in clear if not self._is_comment(hit.position)] or clear
        return [_Entry(hit.position, self._name_of(hit), hit) for hit in live]

    def _name_of(self, hit: Candidate | Damaged) -> str:
        return (hit.name if isinstance(hit, Candidate) else "") or self._name_before(hit.position)

    @cached_property
    def _hits(self) -> list[Candidate | Damaged | Other | Unreadable]:
        hits = list(scan(self._text))
        if any(isinstance(hit, Candidate) for hit in hits):
            return hits
        return list(candidates(block_yaml.read(self._text))) or hits

    @cached_property
    def _text(self) -> str:
        return self._data.decode("utf-8", errors="replace")

    def _nothing(self) -> ValueError:
        """The error that says why no architecture was found."""
        if self._is_long:
            return ValueError(f"the text holds no architecture; {ACCEPTED}")
        text = self._text.strip()
        if not text:
            return ValueError(f"the text is empty; {ACCEPTED}")
        if self.refusal:
            return ValueError(self.refusal.sentence)
        others = [hit.value for hit in self._hits if isinstance(hit, Other)]
        faults = [hit for hit in self._hits if isinstance(hit, Unreadable)]
        if len(others) == 1 and not isinstance(others[0], Bare):
            return not_an_architecture(others[0])
        if faults and not others:
            return self._placed(faults[0], faults[0].position)
        return ValueError(f"the text holds no architecture; {ACCEPTED}")

    def _candidate_at(self, position: int) -> Candidate | Damaged:
        """Read the architecture at an offset in a long text."""
        window = self._data[position : position + MAX_ARCHITECTURE_BYTES].decode("utf-8", errors="replace")
        first = next(scan(window), None)
        if isinstance(first, Candidate):
            return first
        fault = first.fault if isinstance(first, Damaged) else Unreadable(0, "no architecture can be read here")
        return Damaged(fault, position)

    def _line_before(self, position: int) -> str:
        """The text on the same line before a position, at most 300 characters."""
        if not self._is_long:
            return self._text[max(self._text.rfind("\n", 0, position) + 1, position - 300) : position]
        start = max(self._data.rfind(b"\n", 0, position) + 1, position - 300)
        return self._data[start:position].decode("utf-8", errors="replace")

    def _name_before(self, position: int) -> str:
        """The name of an assignment or key at the beginning of the line before `position`, or ""."""
        before = self._line_before(position)
        match = _NAME.search(before)
        return match["name"] if match and _LINE_START.fullmatch(before[: match.start()]) else ""

    def _is_comment(self, position: int) -> bool:
        return self._line_before(position).lstrip().startswith("#")

    def _line(self, position: int) -> int:
        return (self._data.count(b"\n", 0, position) if self._is_long else self._text.count("\n", 0, position)) + 1

    def _placed(self, fault: Unreadable, position: int) -> ValueError:
        column = len(self._line_before(position)) + 1
        return ValueError(f"line {self._line(position)}, column {column}: {fault.reason}; {ACCEPTED}")


def _utf8(data: bytes) -> bytes:
    """Return the text as UTF-8 without a byte order mark. Raises ValueError if the bytes are not text."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace").encode("utf-8", errors="replace")
    if b"\0" in data[:8192]:
        raise ValueError("this is no text: it holds zero bytes")
    return data.removeprefix(b"\xef\xbb\xbf")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(name[:60] for name in names[:_SHOWN_NAMES]) + more


# Long texts: every notation contains one of these words, each with a pattern for its surroundings.
_NORMAL_FIELD = re.compile(rb"normal(?:_\d)?[\"']?\s?[:=]\s?(?:#[^\n]*\n\s*)?[\[({]")
_BY_PLACE = re.compile(rb"enotype\w?\(\s*[\[(]")
_STRUCTURE = re.compile(rb"Structure\(\s*[\[(]")
_CELL_STRING = re.compile(rb"\|\s*[\w./-]{1,40}~\d")


def _tell_tales(data: bytes) -> list[int]:
    """Return the offsets at which an architecture begins; each word is found by a fast plain search."""
    found = {at - (data[at - 1 : at] in (b'"', b"'")) for at in _matches(data, b"normal", _NORMAL_FIELD)}
    found |= {_word_start(data, at) for at in _matches(data, b"enotype", _BY_PLACE)}
    found |= set(_matches(data, b"Structure(", _STRUCTURE))
    return sorted(found | set(_cell_strings(data)))


def _matches(data: bytes, word: bytes, pattern: re.Pattern[bytes]) -> Iterator[int]:
    at = data.find(word)
    while at >= 0:
        if pattern.match(data, at):
            yield at
        at = data.find(word, at + len(word))


def _word_start(data: bytes, position: int) -> int:
    while position and (data[position - 1 : position].isalnum() or data[position - 1 : position] in (b"_", b".")):
        position -= 1
    return position


def _cell_strings(data: bytes) -> Iterator[int]:
    """Yield the offsets of NAS-Bench-201 strings, at most one per line."""
    at = data.find(b"~")
    while at >= 0:
        start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        end = len(data) if end < 0 else end
        if match := _CELL_STRING.search(data, start, min(end, start + MAX_ARCHITECTURE_BYTES)):
            yield match.start()
        at = data.find(b"~", end)

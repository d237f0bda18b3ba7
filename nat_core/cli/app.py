"""Parts shared by all commands: the application, common options, and the meaning of an ARCH argument."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation import MAX_BYTES, Document, Found
from nat_core.naming import looks_like_a_name, name_in, named, written
from nat_core.sentences import brief, seen

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

ARCH_HELP = (
    "A library name, a genotype in any notation, nasbench201:INDEX, a file (FILE:NAME, FILE:3 or FILE:last chooses), "
    "or - for standard input."
)
Arch = Annotated[str, typer.Argument(metavar="ARCH", help=ARCH_HELP)]
Archs = Annotated[list[str], typer.Argument(metavar="ARCH…", help=ARCH_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]

On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="ray[://HOST:PORT]",
        help="A Ray cluster, by its job server; ray alone is the one in RAY_ADDRESS. By default, this machine.",
    ),
]

STANDARD_INPUT = "-"
_BY_NAME = ("name", "index")


class Named(NamedTuple):
    """An architecture and what to call it: its name in a file, or the argument itself."""

    name: str
    architecture: Architecture


def architecture_of(text: str) -> Architecture:
    """The architecture that an ARCH argument means; what was chosen or passed over goes to stderr.

    Raises:
        ValueError: the argument means no architecture, or several.
    """
    return _say(text, _one(text)).architecture


def architectures_of(texts: Sequence[str]) -> list[Named]:
    """Return all architectures that ARCH arguments name; a file or standard input may contain thousands.

    Raises:
        ValueError: an argument means no architecture, or a file holds a faulty one.
    """
    return [item for text in texts for item in _all(text)]


def _one(text: str) -> Found:
    if found := named(text):
        return found
    document = _written(text)
    if document is not None:
        return document.one()
    label, document, choice = _opened(text)
    try:
        return (None if choice else name_in(document)) or document.one(choice)
    except ValueError as error:
        hint = f"; for instance {label}:{document.names[0]}" if document.names and not choice else ""
        raise ValueError(f"{label}: {error}{hint}") from None


def _all(text: str) -> list[Named]:
    if named(text) or _written(text) is not None:
        return [Named(text, architecture_of(text))]
    label, document, choice = _opened(text)
    if choice:
        return [Named(choice, document.one(choice).architecture)]
    try:
        found = _listed(document) or document.all()
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from None
    return [Named(item.name or f"{label}:{number}", item.architecture) for number, item in enumerate(found, start=1)]


def _listed(document: Document) -> list[Found]:
    """The architectures of a list, one on each line by its name or written out; none for any other text.

    Raises:
        ValueError: a line of such a list is something else.
    """
    read = [(number, _line(line)) for number, line in document.lines()]
    found = [item for _, item in read if item]
    if not read or not read[0][1] or len([item for item in found if item.notation not in _BY_NAME]) != len(document):
        return []
    if missing := next((number for number, item in read if not item), None):
        raise ValueError(f"line {missing} holds no architecture; accepted: one on each line")
    return found


def _line(line: str) -> Found | None:
    found = named(line)
    if found:
        return found
    document = Document(line)
    return document.one() if len(document) == 1 else None


def _written(text: str) -> Document | None:
    """The document that the argument itself is, or None where it is a file's name. The file system is asked last."""
    if text.partition(":")[0] == STANDARD_INPUT:
        return None
    document = Document(text)
    if len(document):
        return document
    if _file(text):
        return None
    if not document.refusal and _looks_like_a_path(text):
        raise ValueError(f"there is no file {text!r:.200}")
    return written(text)


def _looks_like_a_path(text: str) -> bool:
    name = text.rpartition(":")[0] or text
    return looks_like_a_name(name) and bool({"/", "\\"} & set(name) or Path(name).suffix[1:].isalnum())


def _opened(text: str) -> tuple[str, Document, str]:
    """The label, content and chosen name of a file or of standard input."""
    if text.partition(":")[0] == STANDARD_INPUT:
        return "standard input", Document(_limited(sys.stdin.buffer.read(MAX_BYTES + 1))), text.partition(":")[2]
    path, choice = _file(text) or (Path(text), "")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; accepted: a file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    try:
        return str(path), Document(_limited(content)), choice
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _limited(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise ValueError(f"there are more than {MAX_BYTES:,} bytes; at most these are accepted")
    return content


def _file(text: str) -> tuple[Path, str] | None:
    """The file, and what to choose in it, that the argument names; None where there is no such file."""
    name, _, choice = text.rpartition(":")
    return next(((Path(path), chosen) for path, chosen in ((text, ""), (name, choice)) if _exists(path)), None)


def _exists(path: str) -> bool:
    try:
        return bool(path) and "\n" not in path and Path(path).exists()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a zero byte
        return False


def _say(text: str, found: Found) -> Found:
    label = text if len(text) <= 60 else found.name or found.notation
    for note in found.notes:
        print(f"{brief(label)}: {seen(note)}", file=sys.stderr)
    return found

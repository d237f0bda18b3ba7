"""Ways to name an architecture: a library name, a NAS-Bench-201 index, or a text that contains it.

Nothing here touches a file: pages and links read text only, and the command line adds files to it.
"""

from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import find, library
from nat_core.architecture.notation import Document, Found
from nat_core.architecture.spaces import Space

# Without any of these a text is a name.
_MARKS = frozenset("()[]{}|~=\n")


def resolve(text: str) -> Architecture:
    """Return the architecture that `text` names or contains.

    Raises:
        ValueError: `text` neither names nor contains one.
    """
    return read(text).architecture


def resolve_in(space: Space, text: str) -> Architecture:
    """Return the architecture of a space that `text` names or contains.

    Raises:
        ValueError: `text` neither names nor contains one, or the architecture is not in the space.
    """
    architecture = resolve(text)
    if mismatch := space.mismatch(architecture):
        raise ValueError(f"{text[:40]!r} is not in the space {space.title}: {mismatch}")
    return architecture


def read(text: str) -> Found:
    """Return the architecture that `text` names or contains, with notes on what was chosen or skipped.

    Raises:
        ValueError: `text` neither names nor contains one.
    """
    return named(text) or written(text).one()


def named(text: str) -> Found | None:
    """Return the architecture of the library or, by its index, of NAS-Bench-201 that `text` names; None for anything
    else.

    Raises:
        ValueError: the index does not exist.
    """
    name = text.strip()
    prefix, separator, index = name.partition(":")
    if separator and prefix == "nasbench201" and len(name) < 40:
        return Found(_nasbench201(index), name, 1, "index")
    if len(name) > 100 or name.casefold() not in {known.casefold() for known in library()}:
        return None
    entry = find(name)
    return Found(entry.architecture, entry.name, 1, "name")


def name_in(document: Document) -> Found | None:
    """Return the architecture of a document that contains one name and nothing else, such as a file; else None.

    Raises:
        ValueError: the library does not have the name, or the index does not exist.
    """
    lines = document.lines()
    if len(lines) != 1 or len(document) or document.refusal or not looks_like_a_name(lines[0][1]):
        return None
    name = lines[0][1].strip()
    found = named(name)
    if found is None:
        find(name)  # raises, with the nearest names
    return found


def written(text: str) -> Document:
    """Return `text` as a document.

    Raises:
        ValueError: `text` is a name that the library does not know, or is too long.
    """
    document = Document(text)
    name_in(document)
    return document


def looks_like_a_name(text: str) -> bool:
    """Whether `text` is short and has none of the marks that every notation needs."""
    return bool(text.strip()) and len(text) <= 255 and not _MARKS & set(text)


def _nasbench201(index: str) -> Architecture:
    from nat_core.learning.nasbench201.table import (
        architecture_of_index,  # pandas and the table are not needed for the rest
    )

    if not (index.isascii() and index.isdigit() and len(index) <= 5):
        raise ValueError(f"nasbench201:{index[:20]} is not an index; accepted: nasbench201:0 to nasbench201:15624")
    return architecture_of_index(int(index))

"""Reads a text that contains exactly one architecture."""

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation.documents import MAX_ARCHITECTURE_BYTES, Document


def parse(text: str) -> Architecture:
    """Return the architecture that `text` describes in any notation.

    Raises:
        ValueError: the text is too long, in no known notation, not a legal cell, or has several architectures.
    """
    size = len(text.encode("utf-8", errors="replace"))
    if size > MAX_ARCHITECTURE_BYTES:
        raise ValueError(f"the text has {size:,} bytes; at most {MAX_ARCHITECTURE_BYTES:,} are accepted")
    document = Document(text)
    if len(document) > 1 and not document.names:
        raise ValueError(f"the text holds {len(document)} architectures; give one")
    return document.one().architecture

"""All notations for cells: one entry point for reading text, one table of formats.

`values` reads literals, `scanning` finds them in a text, `formats` and `refusals` recognise their notation, `documents`
selects an architecture from a text, and `writing` turns an architecture into text.
"""

from nat_core.architecture.notation.documents import MAX_ARCHITECTURE_BYTES, MAX_BYTES, Document, Found
from nat_core.architecture.notation.reading import parse
from nat_core.architecture.notation.writing import TITLES, WRITERS, expressible, shortest, write

__all__ = [
    "MAX_ARCHITECTURE_BYTES", "MAX_BYTES", "TITLES", "WRITERS", "Document", "Found", "expressible", "parse",
    "shortest", "write",
]  # fmt: skip
